"""The program's entry: which words are commands, what is wrong use, what is loaded for it."""

from pathlib import Path

import pytest
import typer

from mrcnn_gui import __main__
from mrcnn_gui.cli import app, run
from mrcnn_gui.terminal import progress_bar


@pytest.mark.parametrize(
    "words",
    [
        ["export"],
        ["new", "project", "--images", "x"],
        ["status", "project", "finished"],
        ["accept", "project"],
        ["accept", "project", "--min-score", "2"],
        ["finetune", "project", "--device", "tpu"],
        ["finetune", "project", "--epochs", "0"],
        ["import", "project", "x.json", "--images", "x", "--status", "perfect"],
        ["export", "project", "out.json", "--nonsense"],
        ["--nonsense"],
    ],
)
def test_wrong_use_is_exit_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    assert capsys.readouterr().err


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "presegment" in capsys.readouterr().out
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("mrcnn-gui ")


def test_the_entry_knows_every_command() -> None:
    assert set(typer.main.get_command(app).commands) == __main__.COMMANDS  # type: ignore[attr-defined]


def test_the_first_word_is_a_command_or_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[Path | None] = []
    options: list[dict[str, str]] = []

    def run_window(path: Path | None, chosen: dict[str, str]) -> int:
        opened.append(path)
        options.append(chosen)
        return 0

    monkeypatch.setattr("mrcnn_gui.app.run_window", run_window)
    monkeypatch.chdir(tmp_path)
    for name in ("photos", "export"):
        Path(name).mkdir()

    def main(*words: str) -> int:
        monkeypatch.setattr("sys.argv", ["mrcnn-gui", *words])
        return __main__.main()

    assert [main(), main("photos"), main("./export")] == [0, 0, 0]
    assert opened == [None, Path("photos"), Path("export")]
    assert main("exprot") == 2
    assert "'exprot' is no command and no path" in capsys.readouterr().err
    assert main("photos", "export") == 2
    assert main("x" * 300) == 2  # longer than a name can be
    assert main("export") == 2  # the command, without its arguments
    assert len(opened) == 3
    assert main("photos", "--device", "cpu", "--precision=bf16") == 0
    assert main("--precision", "fp32") == 0
    assert opened[3:] == [Path("photos"), None]
    assert options == [{}, {}, {}, {"device": "cpu", "precision": "bf16"}, {"precision": "fp32"}]
    assert main("photos", "--device", "tpu") == 2
    assert main("photos", "--device") == 2
    assert len(opened) == 5


def test_there_is_no_bar_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("Working") as update:
        update(1, 2, "half")
    assert capsys.readouterr() == ("", "")
