"""The arguments that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Reviewed(StrEnum):
    """What `status` sets."""

    DONE = "done"
    TODO = "todo"


class Device(StrEnum):
    """Where the model runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Precision(StrEnum):
    """What the model computes in."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"


class DoneImages(StrEnum):
    """Which done images of a project."""

    VALIDATION = "validation"
    TEST = "test"
    TRAIN = "train"
    ALL = "all"


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
