"""The command line: arguments in, one workflow each, result and exit code out."""

from dataclasses import asdict
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.terminal import (
    counting,
    progress_bar,
    reasons,
    tell,
    tell_json,
    training_remark,
    warn,
    warn_each,
)
from mrcnn_gui.workflows.projects import open_folder

app = typer.Typer(
    name="mrcnn-gui",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Annotate instance masks with a Mask R-CNN inside. Without a command: open the window, "
    "on a folder of images or a project if one is named.",
)


class Reviewed(StrEnum):
    """What `status` sets."""

    DONE = "done"
    TODO = "todo"


class Device(StrEnum):
    """Where the model runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


Project = Annotated[
    Path, typer.Argument(help="Project folder, or the images folder that holds .mrcnn.")
]
OfProject = Annotated[
    Path | None, typer.Option("--project", help="Project whose model versions can be named.")
]
Instances = Annotated[Path, typer.Argument(metavar="INSTANCES.JSON", help="COCO file.")]
Images = Annotated[Path, typer.Option(help="Folder that file names start from.")]
Model = Annotated[
    str | None,
    typer.Option(
        help="Version, 'starter' or a model file; otherwise the project's active version."
    ),
]
Score = Annotated[float, typer.Option(min=0, max=1)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON line per result.")]


def run(words: list[str]) -> int:
    """Run a command.

    Returns:
        0 done, 1 failed (the reason is on stderr), 2 wrong use.
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


@app.command()
def presegment(
    project: Project,
    model: Model = None,
    min_score: Score = 0.05,
    as_json: AsJson = False,
) -> None:
    """Let the model suggest masks for every image that is to do."""
    from mrcnn_gui.workflows.presegment import PresegmentProgress, presegment_todo

    def show(progress: PresegmentProgress) -> None:
        update(progress.done, progress.total, f"{progress.images_per_second:.1f} images/s")
        last = progress.last
        if last.problem:
            warn(last.problem)
        if as_json:
            found = {"problem": last.problem} if last.problem else {"suggestions": last.count}
            tell_json({"image": last.path} | found)

    with reasons(), progress_bar("Pre-segmenting") as update:
        folder = open_folder(project)
        results = presegment_todo(folder, model, min_score=min_score, on_progress=show)
    readable = [result for result in results if not result.problem]
    if not as_json:
        count = sum(result.count for result in readable)
        typer.echo(f"{count} suggestions for {len(readable)} images")
    if results and not readable:
        raise typer.Exit(1)


@app.command()
def accept(
    project: Project,
    min_score: Score,
    category: Annotated[
        str | None,
        typer.Option(
            help="For suggestions of no category (the starter's), or of one the project lacks."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Turn stored suggestions into annotations."""
    from mrcnn_gui.workflows.accept import accept_suggestions

    with reasons(), counting("Accepting") as count:
        folder = open_folder(project)
        accepted = accept_suggestions(folder, min_score, category, on_progress=count)
    if as_json:
        for image in accepted:
            tell_json({"image": image.path, "accepted": image.count})
        return
    total = sum(image.count for image in accepted)
    typer.echo(f"{total} suggestions accepted on {len(accepted)} images")


@app.command()
def finetune(
    project: Project,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    device: Device = Device.AUTO,
    activate: Annotated[
        bool, typer.Option(help="Use the new version even where it cannot be told if it is better.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a new model version on the done images."""
    from core.learning.progress import Progress
    from mrcnn_gui.workflows.finetune import FinetuneOptions, finetune_project

    def show(progress: Progress) -> None:
        update(progress.step, progress.steps, training_remark(progress))

    with reasons(), progress_bar("Fine-tuning") as update:
        folder = open_folder(project)
        options = FinetuneOptions(epochs, seed, device)
        result, active = finetune_project(folder, options, activate=activate, on_progress=show)
    warn_each(result.problems)
    figures = {
        "problems": result.problems,
        "metrics": result.metrics and result.metrics.to_dict(),
        "parent_metrics": result.parent_metrics and result.parent_metrics.to_dict(),
    }
    names = {"version": result.version, "parent": result.parent, "active": active}
    why = {"verdict": result.verdict, "reason": result.reason}
    tell(
        names | why | figures,
        f"{result.version}: {result.reason} In use: {active}.",
        as_json=as_json,
    )


@app.command()
def evaluate(
    instances: Instances,
    images: Images,
    project: OfProject = None,
    model: Model = None,
    class_agnostic: Annotated[
        bool, typer.Option("--class-agnostic", help="Count every category as the same one.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Box and mask AP of a model on a COCO file."""
    from mrcnn_gui.workflows.evaluate import evaluate_model
    from mrcnn_gui.workflows.models import resolve_model

    with reasons(), counting("Evaluating") as count:
        version_id, path = resolve_model(project and open_folder(project), model)
        metrics = evaluate_model(
            instances, images, path, class_agnostic=class_agnostic, on_progress=count
        )
    text = f"{version_id}: box AP {metrics.box_ap:.3f}, mask AP {metrics.mask_ap:.3f}"
    tell({"model": version_id} | metrics.to_dict(), text, as_json=as_json)


@app.command()
def predict(
    instances: Instances,
    images: Images,
    out: Annotated[Path, typer.Option(help="COCO results file to write.")],
    project: OfProject = None,
    model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Write what a model finds on the images of a COCO file, as COCO results."""
    from mrcnn_gui.workflows.evaluate import check_writable, predict_coco, write_results
    from mrcnn_gui.workflows.models import resolve_model

    problems: list[str] = []
    with reasons(), counting("Predicting") as count:
        check_writable(out)
        version_id, path = resolve_model(project and open_folder(project), model)
        results = predict_coco(
            instances, images, path, on_progress=count, on_problem=problems.append
        )
        write_results(out, results)
    warn_each(problems)
    result = {"model": version_id, "results": len(results), "path": str(out)}
    tell(
        result | {"problems": problems},
        f"{out}: {len(results)} results of {version_id}",
        as_json=as_json,
    )


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


@app.command()
def doctor(project: Project, as_json: AsJson = False) -> None:
    """Look for what is wrong with a project, one line each; nothing is repaired yet.

    Exit code 0: nothing is wrong; 1: something is.
    """
    from mrcnn_gui.workflows.doctor import examine

    with reasons(), counting("Examining") as count:
        findings = list(examine(open_folder(project), on_progress=count))
    for each in findings:
        tell(asdict(each), f"{each.about}: {each.problem}", as_json=as_json)
    if findings:
        raise typer.Exit(1)
    if not as_json:
        typer.echo("nothing is wrong")


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
