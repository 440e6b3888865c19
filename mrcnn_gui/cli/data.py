"""Commands that bring annotations in and out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mrcnn_gui.cli.app import app
from mrcnn_gui.cli.arguments import (
    AsJson,
    Images,
    Instances,
    Project,
    Score,
)
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.terminal import (
    counting,
    reasons,
    tell,
    warn_each,
)
from mrcnn_gui.workflows.export_options import ExportOptions, MaskForm, Split
from mrcnn_gui.workflows.projects import open_folder

if TYPE_CHECKING:
    from mrcnn_gui.project.store import Store
    from mrcnn_gui.workflows.import_report import OnLine
    from mrcnn_gui.workflows.progress import Count

ReportFile = Annotated[
    Path | None,
    typer.Option("--report", help="CSV file for every record that was mended or refused."),
]


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
    follow_links: Annotated[
        bool,
        typer.Option(
            "--follow-links", help="Also take images that are links to files outside IMAGES."
        ),
    ] = False,
    report_file: ReportFile = None,
    as_json: AsJson = False,
) -> None:
    """Bring a COCO file into a project: wholly, or not at all.

    Exit code 0: it is in, and what was mended or left out is told on stderr; 1: nothing is in.
    """
    from mrcnn_gui.workflows.coco_import import ImportOptions, import_coco

    options = ImportOptions(status, orientation is Orientation.AS_STORED, follow_links)
    with _importing(project, report_file) as (store, count, on_line):
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
    masks: Annotated[
        MaskForm,
        typer.Option(
            help="as-is: imported records as they came, others as one exact polygon, or as RLE "
            "where they have holes or parts. rle: all. polygons: one exact polygon for each part; "
            "RLE where there are holes, and for crowds. simplified: the same with fewer corners; "
            "what it costs is told. keyhole: exact polygons only, holes joined to their outline, "
            "for readers that know no RLE. Imported polygons that nobody changed stay as they "
            "came in all forms but rle."
        ),
    ] = MaskForm.AS_IS,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0.01, max=100, help="Pixels that a simplified polygon may leave out corners by."
        ),
    ] = 1.0,
    split: Annotated[
        Split,
        typer.Option(
            help="Several files. sides: OUT_train, OUT_val, OUT_test as the project uses its "
            "images, OUT_undecided for the others. folder: one for each first folder of the "
            "images' names. groups: OUT_train and OUT_val, no group of images in both."
        ),
    ] = Split.NONE,
    as_json: AsJson = False,
) -> None:
    """Write the annotations as a COCO file, or as several.

    A file takes the place of the old one only after it was read again and every mask compared.
    What was left out is told on stderr; the exit code is 0 then, too.
    """
    from mrcnn_gui.workflows.coco_export import export_coco

    with reasons(), counting("Exporting") as count:
        folder = open_folder(project)
        options = ExportOptions(all_images, masks, tolerance, split)
        report = export_coco(folder, out, options, on_progress=count)
    warn_each(report.problems)
    cost = report.simplification
    lines = [f"{f.path}: {f.instances} instances on {f.images} images" for f in report.files]
    result = {
        "path": str(out),
        "images": report.images,
        "instances": report.instances,
        "files": [asdict(file) | {"path": str(file.path)} for file in report.files],
        "simplification": asdict(cost) if cost else None,
        "problems": report.problems,
    }
    tell(result, "\n".join([*lines, *([str(cost)] if cost else [])]), as_json=as_json)


@app.command("export-results")
def export_results_(
    project: Project,
    out: Annotated[Path, typer.Argument(metavar="OUT.JSON", help="COCO results file to write.")],
    min_score: Score = 0.05,
    category: Annotated[
        str | None,
        typer.Option(
            help="For suggestions of no category (the starter's), or of one the project lacks."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the suggestions that nobody has decided about as COCO results.

    Ids of images and categories are those of `export`.
    """
    from mrcnn_gui.workflows.coco_results import export_results

    with reasons(), counting("Exporting") as count:
        report = export_results(open_folder(project), out, min_score, category, on_progress=count)
    warn_each(report.problems)
    result = {"path": str(out), "results": report.results, "images": report.images}
    text = f"{out}: {report.results} results on {report.images} images"
    tell(result | {"problems": report.problems}, text, as_json=as_json)


@app.command("import-results")
def import_results_(
    project: Project,
    results: Annotated[Path, typer.Argument(metavar="RESULTS.JSON", help="COCO results file.")],
    model: Annotated[
        str, typer.Option(help="What the model is called; otherwise the name of the file.")
    ] = "",
    boxes: Annotated[
        bool,
        typer.Option(
            "--boxes", help="Make the whole box the mask of results that have no segmentation."
        ),
    ] = False,
    report_file: ReportFile = None,
    as_json: AsJson = False,
) -> None:
    """Make what another model found pending suggestions, to be accepted or rejected.

    Ids of images and categories are those of `export`. Pending suggestions of the same images are
    replaced; annotations and decisions stay as they are. All or nothing.
    """
    from mrcnn_gui.workflows.results_import import ResultsOptions, import_results

    options = ResultsOptions(model, boxes)
    with _importing(project, report_file) as (store, count, on_line):
        report = import_results(store, results, options, on_progress=count, on_line=on_line)
    warn_each(report.problems)
    found = {"results": report.results, "images": report.images, "records": report.totals}
    text = f"{report.results} results on {report.images} images"
    tell(found | {"problems": report.problems}, text, as_json=as_json)


@contextmanager
def _importing(
    project: Path, report_file: Path | None
) -> "Iterator[tuple[Store, Count, OnLine | None]]":
    """The project to write to; where the report cannot be written nothing comes in."""
    from mrcnn_gui.project.store import Store
    from mrcnn_gui.workflows.import_report import written_lines

    with (
        reasons(),
        counting("Importing") as count,
        Store.open(open_folder(project)) as store,
        store.transaction(),
        written_lines(report_file) as on_line,
    ):
        yield store, count, on_line
