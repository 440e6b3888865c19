"""The program's entry: a command, or a window on the path that is named."""

import os
import sys
from pathlib import Path

COMMANDS = frozenset(
    {
        "accept",
        "doctor",
        "evaluate",
        "export",
        "export-results",
        "finetune",
        "group",
        "import",
        "import-results",
        "keep-for-test",
        "new",
        "predict",
        "presegment",
        "relink",
        "sample",
        "status",
    }
)
"""The first words that are no path; known here so that the window opens without loading typer."""


CHOICES = {"device": ("auto", "cpu", "cuda"), "precision": ("auto", "fp32", "bf16")}
"""What the window may be told to compute with: `mrcnn-gui photos --device cpu`."""


def main() -> int:
    """Run the program.

    Returns:
        0 done, 1 failed, 2 wrong use or no display.
    """
    # Threads that wait for each other sleep instead of spinning: on a busy machine torch then runs
    # several times as fast. Read once, when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    words = sys.argv[1:]
    if not words or words[0] not in COMMANDS:
        words, chosen = _take_options(words)
        for name, value in chosen.items():
            if value not in CHOICES[name]:
                among = ", ".join(CHOICES[name])
                sys.stderr.write(f"mrcnn-gui: --{name} is one of {among}, not {value!r}\n")
                return 2
    if words and (words[0] in COMMANDS or words[0].startswith("-")):
        from mrcnn_gui.cli import run

        return run(words)
    if len(words) > 1 or not all(_exists(word) for word in words):
        sys.stderr.write(f"mrcnn-gui: {words[0]!r} is no command and no path; see --help\n")
        return 2
    from mrcnn_gui.app import run_window

    return run_window(Path(words[0]) if words else None, chosen)


def _take_options(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Part what the window computes with from the other words."""
    rest, chosen = [], {}
    waiting = ""
    for word in words:
        name, _, value = word.removeprefix("--").partition("=")
        if waiting:
            chosen[waiting], waiting = word, ""
        elif word.startswith("--") and name in CHOICES:
            chosen[name], waiting = value, "" if value else name
        else:
            rest.append(word)
    return rest, chosen


def _exists(word: str) -> bool:
    try:
        return Path(word).exists()
    except OSError:  # longer than any path can be
        return False


if __name__ == "__main__":
    sys.exit(main())
