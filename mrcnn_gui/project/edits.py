"""The closed set of edits: each is a value with an inverse, and can be written down as JSON."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

from core.masks import Mask
from mrcnn_gui.project.annotation import JSON, Instance, Region, ReviewStatus, Suggestion
from mrcnn_gui.project.value_json import (
    Record,
    instance_from_json,
    instance_to_json,
    mask_from_json,
    mask_to_json,
    region_from_json,
    region_to_json,
    suggestion_from_json,
    suggestion_to_json,
)


@dataclass(frozen=True)
class AddInstance:
    """Put a new instance into the document."""

    instance: Instance
    title = "Add instance"

    def inverse(self) -> "RemoveInstance":
        """Remove it again."""
        return RemoveInstance(self.instance)


@dataclass(frozen=True)
class RemoveInstance:
    """Take an instance out; carries all of it, so that it can come back."""

    instance: Instance
    title = "Delete instance"

    def inverse(self) -> AddInstance:
        """Put it back."""
        return AddInstance(self.instance)


@dataclass(frozen=True)
class PaintMask:
    """Flip pixels of an instance's mask: painting, erasing and reshaping are all this.

    Attributes:
        instance_id: Whose mask.
        xor: The pixels that change sides.
    """

    instance_id: int
    xor: Mask
    title = "Paint mask"

    def inverse(self) -> "PaintMask":
        """The same pixels, flipped once more."""
        return self


@dataclass(frozen=True)
class SetCategory:
    """Change what an instance is."""

    instance_id: int
    before: int
    after: int
    title = "Set category"

    def inverse(self) -> "SetCategory":
        """Back to the category before."""
        return replace(self, before=self.after, after=self.before)


@dataclass(frozen=True)
class SetAttributes:
    """Change an instance's attributes; both sides hold all of them."""

    instance_id: int
    before: Mapping[str, JSON]
    after: Mapping[str, JSON]
    title = "Set attributes"

    def inverse(self) -> "SetAttributes":
        """Back to the attributes before."""
        return replace(self, before=self.after, after=self.before)


@dataclass(frozen=True)
class SetOrder:
    """Change an instance's z_order: what is drawn over it, and under it."""

    instance_id: int
    before: int
    after: int
    title = "Change drawing order"

    def inverse(self) -> "SetOrder":
        """Back to the order before."""
        return replace(self, before=self.after, after=self.before)


@dataclass(frozen=True)
class SetLocked:
    """Lock an instance, or unlock it."""

    instance_id: int
    after: bool

    @property
    def title(self) -> str:
        """What the undo menu shows."""
        return "Lock instance" if self.after else "Unlock instance"

    def inverse(self) -> "SetLocked":
        """The other way round."""
        return replace(self, after=not self.after)


@dataclass(frozen=True)
class AddRegion:
    """Put a new region into the document."""

    region: Region
    title = "Add region"

    def inverse(self) -> "RemoveRegion":
        """Remove it again."""
        return RemoveRegion(self.region)


@dataclass(frozen=True)
class RemoveRegion:
    """Take a region out; carries all of it, so that it can come back."""

    region: Region
    title = "Delete region"

    def inverse(self) -> AddRegion:
        """Put it back."""
        return AddRegion(self.region)


@dataclass(frozen=True)
class AcceptSuggestion:
    """Make a suggestion an instance; with `revoked`, take the acceptance back."""

    suggestion: Suggestion
    instance: Instance
    revoked: bool = False
    title = "Accept suggestion"

    def inverse(self) -> "AcceptSuggestion":
        """Take it back, or accept it again."""
        return replace(self, revoked=not self.revoked)


@dataclass(frozen=True)
class RejectSuggestion:
    """Decide that a suggestion is wrong; with `revoked`, take the rejection back."""

    suggestion: Suggestion
    revoked: bool = False
    title = "Reject suggestion"

    def inverse(self) -> "RejectSuggestion":
        """Take it back, or reject it again."""
        return replace(self, revoked=not self.revoked)


@dataclass(frozen=True)
class SetReviewStatus:
    """Say how far the annotation of the image has come."""

    before: ReviewStatus
    after: ReviewStatus

    @property
    def title(self) -> str:
        """What the undo menu shows."""
        return f"Mark as {_STATUS_WORDS[self.after]}"

    def inverse(self) -> "SetReviewStatus":
        """Back to the status before."""
        return SetReviewStatus(self.after, self.before)


@dataclass(frozen=True)
class Batch:
    """Several edits that are made, and undone, as one."""

    edits: "tuple[Edit, ...]"
    title: str

    def inverse(self) -> "Batch":
        """The inverses, last first."""
        return Batch(tuple(edit.inverse() for edit in reversed(self.edits)), self.title)


Edit: TypeAlias = (
    AddInstance
    | RemoveInstance
    | PaintMask
    | SetCategory
    | SetAttributes
    | SetOrder
    | SetLocked
    | AddRegion
    | RemoveRegion
    | AcceptSuggestion
    | RejectSuggestion
    | SetReviewStatus
    | Batch
)

_STATUS_WORDS = {
    ReviewStatus.TODO: "to do",
    ReviewStatus.IN_PROGRESS: "in progress",
    ReviewStatus.DONE: "done",
}


def encode_edit(edit: Edit) -> str:
    """The edit as one line of ASCII JSON."""
    return json.dumps(_to_record(edit), separators=(",", ":"))


def decode_edit(text: str) -> Edit:
    """Inverse of `encode_edit`.

    Raises:
        ValueError: The text is no edit; the message says why.
    """
    try:
        return _from_record(json.loads(text))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"expected an edit as JSON, got {text[:80]!r}: {error!r}") from error


# These names stand in every project's edit log: a renamed class keeps its old name here.
_KINDS: dict[str, type[Edit]] = {
    "add_instance": AddInstance,
    "remove_instance": RemoveInstance,
    "paint_mask": PaintMask,
    "set_category": SetCategory,
    "set_attributes": SetAttributes,
    "set_order": SetOrder,
    "set_locked": SetLocked,
    "add_region": AddRegion,
    "remove_region": RemoveRegion,
    "accept_suggestion": AcceptSuggestion,
    "reject_suggestion": RejectSuggestion,
    "set_review_status": SetReviewStatus,
    "batch": Batch,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def _to_record(edit: Edit) -> Record:
    values = {field.name: getattr(edit, field.name) for field in fields(edit)}
    encoded = {name: _ENCODERS.get(name, _as_is)(value) for name, value in values.items()}
    return {"kind": _NAMES[type(edit)], **encoded}


def _from_record(record: Record) -> Edit:
    kind = _KINDS[record.pop("kind")]
    values = {name: _DECODERS.get(name, _as_is)(value) for name, value in record.items()}
    if kind is SetReviewStatus:
        values = {name: ReviewStatus(value) for name, value in values.items()}
    return kind(**values)


def _as_is(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


_ENCODERS: dict[str, Callable[[Any], Any]] = {
    "instance": instance_to_json,
    "region": region_to_json,
    "suggestion": suggestion_to_json,
    "xor": mask_to_json,
    "edits": lambda edits: [_to_record(edit) for edit in edits],
}
_DECODERS: dict[str, Callable[[Any], Any]] = {
    "instance": instance_from_json,
    "region": region_from_json,
    "suggestion": suggestion_from_json,
    "xor": mask_from_json,
    "edits": lambda records: tuple(_from_record(record) for record in records),
}
