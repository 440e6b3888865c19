"""Training and fine-tuning: the same function for the application's thread and a terminal."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import torch

from core.images import ImageReadError
from core.learning.config import TrainConfig
from core.learning.progress import FitResult, Progress, Stop, TrainingError
from core.learning.run import Run
from core.model.checkpoint import ModelFileError

__all__ = ["FitResult", "Progress", "Stop", "TrainConfig", "TrainingError", "fit"]


def fit(
    config: TrainConfig,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], Stop] = lambda: Stop.NO,
) -> FitResult:
    """Train a model, or go on with a run that was interrupted.

    Writes a checkpoint to `config.output` at least every `checkpoint_seconds` and after each
    epoch; called again with the same settings, it goes on from there. The kept model, in
    `output/model`, is the one with the best validation mask AP, or the last one where there is no
    validation. May run in any thread: it changes no global state and draws from its own
    generators.

    Args:
        config: The settings.
        on_progress: Called from this thread after each step and each validation.
        should_stop: Asked before each step and each validation image. After `KEEP_BEST` the best
            model so far is kept; after `CANCEL` nothing is left behind; after `SUSPEND` a
            checkpoint, from which the same call goes on.

    Raises:
        TrainingError: The run cannot go on: no images, losses that are not finite, too little
            memory, a checkpoint of other settings.
        CocoError, ImageReadError, ModelFileError: An input cannot be read.
        OSError: The model, or the checkpoint of a run that is put aside, cannot be written.
    """
    started = time.monotonic()
    # Both modes belong to the thread, and the caller may have set them otherwise.
    with torch.inference_mode(mode=False), torch.enable_grad():
        run = Run(config, on_progress, should_stop)
        stop = run.go()
        return run.finish(stop, time.monotonic() - started)


def _print(progress: Progress) -> None:
    """One line of JSON per report, for a log."""
    values = asdict(replace(progress, previews=()))  # no line of a log shows an image
    print(json.dumps(values), flush=True)  # noqa: T201 - the command's output


def main(arguments: list[str]) -> int:
    """Run `python -m core.learning.train run.json`; 0 done, 1 failed, 2 wrong use."""
    if len(arguments) != 1:
        print("usage: python -m core.learning.train run.json", file=sys.stderr)  # noqa: T201
        return 2
    try:
        fit(TrainConfig.load(Path(arguments[0])), on_progress=_print)
    except (TrainingError, ImageReadError, ModelFileError, ValueError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
