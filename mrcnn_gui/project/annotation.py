"""What a project holds: categories, images, instances, suggestions and decisions about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

import numpy as np

from core.masks import Mask

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


class ReviewStatus(StrEnum):
    """How far the annotation of an image has come."""

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"


class Side(StrEnum):
    """What a done image is used for; decided once (`project.sides`), never for a test."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class Source(StrEnum):
    """Who made an instance."""

    HUMAN = "human"
    IMPORTED = "imported"
    MODEL = "model"


class Verdict(StrEnum):
    """What a person decided about a suggestion."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Category:
    """What an instance is.

    Attributes:
        id: The user's own number, kept as it came.
        name: Unique in the project.
        color: "#rrggbb".
        key: The number key 1-9 that chooses it, or None.
        description: For people.
        supercategory: COCO's; "" for none.
        attributes: Definitions of the attributes of its instances, as the user wrote them.
    """

    id: int
    name: str
    color: str
    key: int | None
    description: str = ""
    supercategory: str = ""
    attributes: tuple[JSON, ...] = ()


class ImageEntry(NamedTuple):
    """An image of the project; a tuple, as a project may have 100,000.

    Attributes:
        id: Unique in the project, from 1.
        path: Posix; relative to the project folder (may begin with ../), or absolute.
        width: Oriented width in pixels; 0 while not known.
        height: Oriented height in pixels; 0 while not known.
        content_hash: Hex hash of the file's bytes; "" while not known.
        status: How far its annotation has come.
        side: None until it is first marked done.
        problem: Why the image cannot be used; "" when it can.
        export_id: Its id in COCO files; unique in the project.
        page: Which page of the file, from 0.
        pages: How many pages the file has.
        orientation: The file's EXIF orientation, 1-8.
        file_size: Of the file that was measured, in bytes; 0 while not known.
        modified_ns: When that file was changed last, in ns since 1970; 0 while not known.
        group: Images of one group stay on one side; "" for none.
        reviewer: Who looked at it last; "" for nobody.
        comment: For people.
    """

    id: int
    path: str
    width: int
    height: int
    content_hash: str
    status: ReviewStatus
    side: Side | None
    problem: str
    export_id: int = 0
    page: int = 0
    pages: int = 1
    orientation: int = 1
    file_size: int = 0
    modified_ns: int = 0
    group: str = ""
    reviewer: str = ""
    comment: str = ""


@dataclass(frozen=True)
class Provenance:
    """Where an instance comes from; the model's version and score where a model made it."""

    source: Source
    model_version: str = ""
    score: float | None = None


@dataclass(frozen=True)
class Instance:
    """One annotated object.

    Attributes:
        id: Unique in the project, from 1.
        category_id: What it is.
        mask: Its pixels, in image coordinates; may be empty.
        provenance: Who made it.
        is_crowd: COCO's iscrowd: a region of many objects.
        attributes: The user's own fields; values as JSON has them.
        original: The imported COCO record as canonical JSON; "" when not imported.
        z_order: Higher ones are drawn over lower ones, and equal ones by their ids.
        locked: Whether the canvas leaves it alone.
        seconds: How long people have worked on it.
    """

    id: int
    category_id: int
    mask: Mask
    provenance: Provenance
    is_crowd: bool = False
    attributes: Mapping[str, JSON] = field(default_factory=dict)
    original: str = ""
    z_order: int = 0
    locked: bool = False
    seconds: float = 0.0


class RegionKind(StrEnum):
    """What is known of a part of an image that is not done."""

    FINISHED = "finished"
    IGNORE = "ignore"


@dataclass(frozen=True)
class Region:
    """A part of an image: finished, or to be ignored by training and evaluation."""

    id: int
    kind: RegionKind
    mask: Mask


@dataclass(frozen=True)
class Suggestion:
    """A detection kept in the project, awaiting accept or reject.

    Attributes:
        key: Identifies the detection: the same one always has the same key.
        category: Name of the category, as the model calls it.
        score: In 0..1.
        mask: In image coordinates.
        model_version: Which model made it.
    """

    key: str
    category: str
    score: float
    mask: Mask
    model_version: str

    @classmethod
    def of(cls, category: str, score: float, mask: Mask, model_version: str) -> "Suggestion":
        """A suggestion with the key that its content gives it."""
        key = suggestion_key(category, mask, model_version)
        return cls(key, category, score, mask, model_version)


@dataclass(frozen=True)
class Decision:
    """A person's verdict, with the suggestion it was about."""

    suggestion: Suggestion
    verdict: Verdict


def suggestion_key(category: str, mask: Mask, model_version: str) -> str:
    """16 hex digits that depend on the model version, the category and the mask's pixels."""
    words = (model_version, category, *map(str, mask.bbox_xywh))
    digest = blake2b("\0".join(words).encode(), digest_size=8)
    digest.update(np.packbits(mask.crop).tobytes())
    return digest.hexdigest()
