"""The command line: arguments in, one workflow each, result and exit code out."""

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

app = typer.Typer(
    name="mrcnn-gui",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Annotate instance masks with a Mask R-CNN inside. Without a command: open the window, "
    "on a folder of images or a project if one is named; it knows --device and --precision, too.",
)


def run(words: list[str]) -> int:
    """Run a command.

    Returns:
        0 done, 1 failed (the reason is on stderr), 2 wrong use, 130 ended by Ctrl-C.
    """
    try:
        app(args=words, prog_name="mrcnn-gui")
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1
    return 0


def _print_version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(f"mrcnn-gui {version('mrcnn-gui')}")
        except PackageNotFoundError:
            typer.echo("mrcnn-gui (source tree)")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Say which.")
    ] = False,
) -> None:
    pass
