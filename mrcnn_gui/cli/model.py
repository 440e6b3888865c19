"""Commands that run, train and judge models."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mrcnn_gui.cli.app import app
from mrcnn_gui.cli.arguments import (
    AsJson,
    Device,
    DoneImages,
    Images,
    Instances,
    Model,
    OfProject,
    Precision,
    Project,
    Score,
)
from mrcnn_gui.terminal import (
    INTERRUPTED,
    counting,
    progress_bar,
    reasons,
    suspending,
    tell,
    tell_json,
    training_remark,
    warn,
    warn_each,
)
from mrcnn_gui.workflows.projects import open_folder

if TYPE_CHECKING:
    from mrcnn_gui.workflows.models import Compute


@app.command()
def presegment(
    project: Project,
    model: Model = None,
    min_score: Score = 0.05,
    tiles: Annotated[
        bool,
        typer.Option(
            "--tiles",
            help="Look at large images in overlapping tiles: small objects are found, and each "
            "tile takes as long as an image.",
        ),
    ] = False,
    device: Device = Device.AUTO,
    precision: Precision = Precision.AUTO,
    as_json: AsJson = False,
) -> None:
    """Let the model suggest masks for every image that is to do."""
    from mrcnn_gui.workflows.models import Compute
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
        compute = Compute(device, precision)
        results = presegment_todo(
            folder, model, compute, min_score=min_score, tiles=tiles, on_progress=show
        )
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
    precision: Precision = Precision.AUTO,
    activate: Annotated[
        bool, typer.Option(help="Use the new version even where it cannot be told if it is better.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that was paused or interrupted.")
    ] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="Discard that run, and begin a new one.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a new model version on the done images; Ctrl-C pauses."""
    if resume and discard:
        raise typer.BadParameter("--resume goes on with what --discard removes")
    from core.learning.progress import Progress
    from mrcnn_gui.workflows.finetune import FinetuneOptions, finetune_project
    from mrcnn_gui.workflows.run_rows import GOING_ON

    def show(progress: Progress) -> None:
        update(progress.step, progress.steps, training_remark(progress))

    with reasons(), suspending() as should_stop, progress_bar("Fine-tuning") as update:
        folder = open_folder(project)
        settings = {} if precision is Precision.AUTO else {"precision": precision.value}
        options = FinetuneOptions(epochs, seed, device, settings)
        result, active = finetune_project(
            folder,
            options,
            activate=activate,
            resume=resume,
            discard=discard,
            on_progress=show,
            should_stop=should_stop,
        )
    warn_each(result.problems)
    figures = {
        "problems": result.problems,
        "metrics": result.metrics and result.metrics.to_dict(),
        "parent_metrics": result.parent_metrics and result.parent_metrics.to_dict(),
    }
    names = {"version": result.version, "parent": result.parent, "active": active}
    why = {"verdict": result.verdict, "reason": result.reason}
    is_paused = result.version is None
    outcome = "Paused." if is_paused else f"{result.version}: {result.reason} In use: {active}."
    tell(names | why | figures, outcome, as_json=as_json)
    if is_paused:
        warn(GOING_ON)
        raise typer.Exit(INTERRUPTED)


@app.command()
def evaluate(
    instances: Annotated[
        Path | None, typer.Argument(metavar="INSTANCES.JSON", help="COCO file.")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder that file names start from.")] = None,
    project: OfProject = None,
    on: Annotated[
        DoneImages | None, typer.Option(help="Done images of the project, in place of a COCO file.")
    ] = None,
    model: Model = None,
    score: Score = 0.5,
    class_agnostic: Annotated[
        bool, typer.Option("--class-agnostic", help="Count every category as the same one.")
    ] = False,
    device: Device = Device.AUTO,
    precision: Precision = Precision.AUTO,
    as_json: AsJson = False,
) -> None:
    """Box and mask AP of a model on a COCO file, or all figures on done images of a project."""
    if on is not None:
        if project is None:
            raise typer.BadParameter("--on needs --project")
        from mrcnn_gui.workflows.models import Compute

        _evaluate_project(project, on, model, score, Compute(device, precision), as_json=as_json)
        return
    if instances is None or images is None:
        raise typer.BadParameter("INSTANCES.JSON and --images are needed, or --project and --on")
    from mrcnn_gui.workflows.evaluate import evaluate_model
    from mrcnn_gui.workflows.models import Compute, resolve_model

    with reasons(), counting("Evaluating") as count:
        version_id, path = resolve_model(project and open_folder(project), model)
        compute = Compute(device, precision)
        metrics = evaluate_model(
            instances, images, path, compute, class_agnostic=class_agnostic, on_progress=count
        )
    text = f"{version_id}: box AP {metrics.box_ap:.3f}, mask AP {metrics.mask_ap:.3f}"
    tell({"model": version_id} | metrics.to_dict(), text, as_json=as_json)


def _evaluate_project(
    project: Path,
    on: DoneImages,
    model: str | None,
    score: float,
    compute: "Compute",
    *,
    as_json: bool,
) -> None:
    from mrcnn_gui.workflows.evaluation import ImageSet, evaluate_project
    from mrcnn_gui.workflows.evaluation_report import report_text, report_values
    from mrcnn_gui.workflows.models import resolve_model

    with reasons(), counting("Evaluating") as count:
        folder = open_folder(project)
        version_id, _ = resolve_model(folder, model)
        evaluation = evaluate_project(
            folder, version_id, ImageSet(on), compute=compute, on_progress=count
        )
    assert evaluation is not None  # nobody stops it
    warn_each(evaluation.problems)
    values = report_values(evaluation, score)
    tell(values, report_text(evaluation, score), as_json=as_json)


@app.command()
def predict(
    instances: Instances,
    images: Images,
    out: Annotated[Path, typer.Option(help="COCO results file to write.")],
    project: OfProject = None,
    model: Model = None,
    device: Device = Device.AUTO,
    precision: Precision = Precision.AUTO,
    as_json: AsJson = False,
) -> None:
    """Write what a model finds on the images of a COCO file, as COCO results."""
    from mrcnn_gui.workflows.evaluate import check_writable, predict_coco, write_results
    from mrcnn_gui.workflows.models import Compute, resolve_model

    problems: list[str] = []
    with reasons(), counting("Predicting") as count:
        check_writable(out)
        version_id, path = resolve_model(project and open_folder(project), model)
        compute = Compute(device, precision)
        results = predict_coco(
            instances, images, path, compute, on_progress=count, on_problem=problems.append
        )
        write_results(out, results)
    warn_each(problems)
    result = {"model": version_id, "results": len(results), "path": str(out)}
    tell(
        result | {"problems": problems},
        f"{out}: {len(results)} results of {version_id}",
        as_json=as_json,
    )
