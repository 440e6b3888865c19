"""Commands that bring annotations in and out."""

from dataclasses import asdict
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


@app.command("import")
def import_(
    project: Project,
    instances: Instances,
    images: Images,
    status: Annotated[ReviewStatus | None, typer.Option(help="Of every image of the file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a COCO file into a project: wholly, or not at all."""
    from mrcnn_gui.workflows.exchange import import_coco

    with reasons(), counting("Importing") as count:
        folder = open_folder(project)
        report = import_coco(folder, instances, images, status, on_progress=count)
    warn_each(report.problems)
    text = f"{report.instances} instances on {report.images} images"
    tell(asdict(report), text, as_json=as_json)


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
