"""Commands that bring annotations in and out."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mrcnn_gui.cli.app import app
from mrcnn_gui.cli.arguments import (
    AsJson,
    Images,
    Instances,
    Project,
)
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.terminal import (
    counting,
    reasons,
    tell,
    warn_each,
)
from mrcnn_gui.workflows.projects import open_folder


class Orientation(StrEnum):
    """How annotations of turned photos lie."""

    AS_SHOWN = "as-shown"
    AS_STORED = "as-stored"


@app.command("import")
def import_(
    project: Project,
    instances: Instances,
    images: Images,
    status: Annotated[ReviewStatus | None, typer.Option(help="Of every image of the file.")] = None,
    orientation: Annotated[
        Orientation,
        typer.Option(
            help="How the masks of photos lie that EXIF mirrors or turns by 180 degrees. Where it "
            "swaps width and height, the sizes in the file tell."
        ),
    ] = Orientation.AS_SHOWN,
    report_file: Annotated[
        Path | None,
        typer.Option("--report", help="CSV file for every record that was mended or refused."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a COCO file into a project: wholly, or not at all.

    Exit code 0: it is in, and what was mended or left out is told on stderr; 1: nothing is in.
    """
    from mrcnn_gui.project.store import Store
    from mrcnn_gui.workflows.coco_import import ImportOptions, import_coco
    from mrcnn_gui.workflows.import_report import written_lines

    options = ImportOptions(status, as_stored=orientation is Orientation.AS_STORED)
    with (
        reasons(),
        written_lines(report_file) as on_line,
        counting("Importing") as count,
        Store.open(open_folder(project)) as store,
    ):
        report = import_coco(store, instances, images, options, on_progress=count, on_line=on_line)
    warn_each(report.problems)
    text = f"{report.instances} instances on {report.images} images"
    result = {
        "images": report.images,
        "instances": report.instances,
        "categories": report.categories,
        "records": report.totals,
        "problems": report.problems,
    }
    tell(result, text, as_json=as_json)


@app.command()
def export(
    project: Project,
    out: Annotated[Path, typer.Argument(metavar="OUT.JSON", help="COCO file to write.")],
    all_images: Annotated[
        bool, typer.Option("--all", help="All images, not only those that are done.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the annotations as a COCO file."""
    from mrcnn_gui.workflows.exchange import export_coco

    with reasons(), counting("Exporting") as count:
        folder = open_folder(project)
        report = export_coco(folder, out, all_images=all_images, on_progress=count)
    warn_each(report.problems)
    result = {"path": str(out), "images": report.images, "instances": report.instances}
    text = f"{out}: {report.instances} instances on {report.images} images"
    tell(result | {"problems": report.problems}, text, as_json=as_json)
