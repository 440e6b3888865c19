"""Commands that make projects and look after them."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mrcnn_gui.cli.app import app
from mrcnn_gui.cli.arguments import (
    AsJson,
    Project,
    Reviewed,
)
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.terminal import (
    counting,
    reasons,
    tell,
    warn_each,
)
from mrcnn_gui.workflows.projects import open_folder

if TYPE_CHECKING:
    from mrcnn_gui.workflows.relink import RelinkReport

_MOST_LINES = 20


@app.command()
def new(
    project: Annotated[Path, typer.Argument(help="Folder to make.")],
    images: Annotated[Path, typer.Option(help="Folder of images, searched with its subfolders.")],
    categories: Annotated[str, typer.Option(help="Names, separated by commas.")],
    as_json: AsJson = False,
) -> None:
    """Make a project on a folder of images."""
    from mrcnn_gui.workflows.projects import create_project

    with reasons():
        report = create_project(project, images, categories.split(","))
    result = {"project": str(report.folder), "images": report.images}
    tell(result, f"{report.folder}: {report.images} images", as_json=as_json)


@app.command()
def status(
    project: Project,
    to: Annotated[Reviewed, typer.Argument(metavar="done|todo")],
    images: Annotated[str, typer.Option(metavar="GLOB", help="Stored path or file name.")] = "*",
    as_json: AsJson = False,
) -> None:
    """Mark images as done or to do."""
    from mrcnn_gui.workflows.projects import set_statuses

    with reasons():
        report = set_statuses(open_folder(project), ReviewStatus(to.value), images)
    warn_each(report.problems)
    tell(asdict(report) | {"status": to}, f"{report.images} images: {to}", as_json=as_json)
    if report.problems:
        raise typer.Exit(1)


@app.command("keep-for-test")
def keep_for_test(
    project: Project,
    images: Annotated[str, typer.Option(metavar="GLOB", help="Stored path or file name.")],
    as_json: AsJson = False,
) -> None:
    """Keep images on which nothing is done yet for test: no version learns from them."""
    from mrcnn_gui.workflows.holding_out import keep_for_test

    with reasons():
        held = keep_for_test(open_folder(project), images)
    warn_each(held.problems)
    tell(asdict(held), f"{held.images} images are kept for test", as_json=as_json)
    if held.problems:
        raise typer.Exit(1)


@app.command()
def group(
    project: Project,
    none: Annotated[bool, typer.Option("--none", help="Each image by itself.")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep the images of each folder on one side: all train, or all validate."""
    from mrcnn_gui.workflows.grouping import group_by_folder

    with reasons():
        count = group_by_folder(open_folder(project), groups=not none)
    tell({"groups": count}, f"{count} groups", as_json=as_json)


@app.command()
def doctor(
    project: Project,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Put right what can be put right. First project.db is copied to a folder in the "
            "project's backups, and what is taken out is put there.",
        ),
    ] = False,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep",
            help="Read every image file and compare its content; else its size and time tell.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look for what is wrong with a project, one line each; with --repair, put it right.

    Exit code 0: nothing is wrong (any more); 1: something is.
    """
    from mrcnn_gui.workflows.doctor import examine
    from mrcnn_gui.workflows.repair import repair as repair_

    with reasons(), counting("Examining") as count:
        folder = open_folder(project)
        if repair:
            for done in repair_(folder, now=datetime.now(UTC), deep=deep, on_progress=count):
                tell(asdict(done), f"{done.about}: {done.repair}", as_json=as_json)
        findings = list(examine(folder, deep=deep, on_progress=count))
    for each in findings:
        tell(asdict(each), f"{each.about}: {each.problem}", as_json=as_json)
    if findings:
        raise typer.Exit(1)
    if not as_json:
        typer.echo("nothing is wrong")


@app.command()
def relink(
    project: Project,
    folder: Annotated[Path, typer.Argument(help="Where to look, with its subfolders.")],
    as_json: AsJson = False,
) -> None:
    """Find images again that were moved or renamed, by their content.

    Exit code 0: every image of the project has its file; 1: some are still missing.
    """
    from mrcnn_gui.project.store import Store
    from mrcnn_gui.workflows.relink import relink as relink_

    with (
        reasons(),
        counting("Looking at files") as count,
        Store.open(open_folder(project)) as store,
    ):
        report = relink_(store, folder, on_progress=count)
    warn_each(_few([*report.problems, *_doubts(report)]))
    warn_each(_few([f"still missing: {line}" for line in report.missing]))
    text = f"{len(report.found)} images found, {len(report.missing)} still missing"
    tell(asdict(report), text, as_json=as_json)
    if report.missing:
        raise typer.Exit(1)


def _doubts(report: "RelinkReport") -> Iterator[str]:
    for each in report.found:
        if each.guessed:
            yield f"{each.before}: {each.after} is a guess by its name, its content was never read"
        if each.others:
            yield f"{each.before}: took {each.after}, the same is in {', '.join(each.others)}"


def _few(lines: list[str]) -> list[str]:
    """Fifty thousand images may have moved."""
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], f"and {more:,} more (--json lists all)"] if more > 0 else lines


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Empty or new folder.")],
    as_json: AsJson = False,
) -> None:
    """Write the sample project: generated scenes to try everything on."""
    from mrcnn_gui.workflows.sample import write_sample

    with reasons(), counting("Painting scenes") as count:
        project = write_sample(folder, on_progress=count)
    tell({"project": str(project)}, f"Open it with: mrcnn-gui {folder}", as_json=as_json)
