"""The annotations of one image in memory, changed by edits only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias, assert_never

from core.masks import Mask
from mrcnn_gui.project.annotation import (
    Decision,
    Instance,
    Region,
    ReviewStatus,
    Suggestion,
    Verdict,
)
from mrcnn_gui.project.edits import (
    AcceptSuggestion,
    AddInstance,
    AddRegion,
    Batch,
    Edit,
    PaintMask,
    RejectSuggestion,
    RemoveInstance,
    RemoveRegion,
    SetAttributes,
    SetCategory,
    SetLocked,
    SetOrder,
    SetReviewStatus,
)

Box: TypeAlias = tuple[int, int, int, int]
Alteration: TypeAlias = PaintMask | SetCategory | SetAttributes | SetOrder | SetLocked


class EditError(Exception):
    """The edit does not fit the document; the message says what was expected."""


@dataclass(frozen=True)
class Change:
    """What an edit made stale.

    Attributes:
        instance_ids: Instances that were added, removed or altered.
        dirty: x0, y0, x1, y1 (exclusive) of the pixels to draw again; None when there are none.
        status_changed: The review status is another.
        decisions_changed: A suggestion was decided, or a decision taken back.
        strokes: The pixels that flipped, for instances of which nothing but pixels changed.
        region_ids: Regions that were added or removed.
    """

    instance_ids: frozenset[int] = frozenset()
    dirty: Box | None = None
    status_changed: bool = False
    decisions_changed: bool = False
    strokes: Mapping[int, Mask] = field(default_factory=dict, compare=False)
    region_ids: frozenset[int] = frozenset()

    def merged(self, other: "Change") -> "Change":
        """What both made stale together."""
        return Change(
            self.instance_ids | other.instance_ids,
            _hull(self.dirty, other.dirty),
            self.status_changed or other.status_changed,
            self.decisions_changed or other.decisions_changed,
            _joined(self, other),
            self.region_ids | other.region_ids,
        )


@dataclass
class ImageDocument:
    """The annotations of one image.

    Masks that edits bring in are clipped to the image; while its size is not known (0 × 0) they
    stay as they are.

    Attributes:
        image_id: Which image.
        width: In pixels; 0 while not known.
        height: In pixels; 0 while not known.
        status: How far its annotation has come.
        instances: By id, in drawing order: rising z_order, then rising ids, so that an undone
            removal comes back where it was.
        decisions: By the key of the suggestion.
        regions: By id.
    """

    image_id: int
    width: int
    height: int
    status: ReviewStatus = ReviewStatus.TODO
    instances: dict[int, Instance] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    regions: dict[int, Region] = field(default_factory=dict)

    def apply(self, edit: Edit) -> Change:
        """Make an edit: wholly, or not at all.

        Raises:
            EditError: The edit does not fit; the document is as it was.
        """
        match edit:
            case AddInstance(instance):
                return self._add(instance)
            case RemoveInstance(instance):
                return self._remove(instance)
            case AcceptSuggestion():
                return self._accept(edit)
            case RejectSuggestion():
                return self._reject(edit)
            case SetReviewStatus(before, after):
                return self._set_status(before, after)
            case Batch(edits):
                return self._apply_all(edits)
            case AddRegion(region):
                return self._add_region(region)
            case RemoveRegion(region):
                return self._remove_region(region)
            case PaintMask() | SetCategory() | SetAttributes() | SetOrder() | SetLocked():
                return self._alter(edit)
            case _:
                assert_never(edit)

    def instance_at(self, x: int, y: int) -> int | None:
        """The instance at a pixel: of several the smallest, of equal ones the topmost."""
        hits = [  # Mask.contains looks at the box before it looks at a pixel
            (instance.mask.area, -instance.z_order, -instance.id)
            for instance in self.instances.values()
            if instance.mask.contains(x, y)
        ]
        return -min(hits)[2] if hits else None

    def _add(self, instance: Instance) -> Change:
        if instance.id in self.instances:
            raise EditError(f"expected a new instance id, got {instance.id}, which is there")
        on_top = not self.instances or _rank(instance) > _rank(next(self._from_the_top()))
        self.instances[instance.id] = self._clipped(instance)
        if not on_top:
            self._sort()
        return _stale(instance)

    def _sort(self) -> None:
        ordered = sorted(self.instances.items(), key=lambda item: _rank(item[1]))
        self.instances.clear()
        self.instances.update(ordered)

    def _add_region(self, region: Region) -> Change:
        if region.id in self.regions:
            raise EditError(f"expected a new region id, got {region.id}, which is there")
        region = self._clipped_region(region)
        self.regions[region.id] = region
        return Change(dirty=_box(region.mask), region_ids=frozenset({region.id}))

    def _remove_region(self, region: Region) -> Change:
        if self.regions.get(region.id) != self._clipped_region(region):
            raise EditError(f"region {region.id} is not as the edit expects it")
        del self.regions[region.id]
        return Change(dirty=_box(region.mask), region_ids=frozenset({region.id}))

    def _clipped_region(self, region: Region) -> Region:
        return replace(region, mask=self._clipped_mask(region.mask))

    def _from_the_top(self) -> Iterator[Instance]:
        return reversed(self.instances.values())

    def _remove(self, instance: Instance) -> Change:
        present = self._instance(instance.id)
        if present not in (instance, self._clipped(instance)):
            raise EditError(f"instance {instance.id} is not as the edit expects it")
        del self.instances[instance.id]
        return _stale(present)

    def _alter(self, edit: Alteration) -> Change:
        change = self._alter_in_place(edit)
        if isinstance(edit, SetOrder):
            self._sort()
        return change

    def _alter_in_place(self, edit: Alteration) -> Change:
        before = self._instance(edit.instance_id)
        after, dirty = self._altered(before, edit)
        self.instances[before.id] = after
        if not isinstance(edit, PaintMask):
            return Change(frozenset({before.id}), dirty)
        strokes = {before.id: self._clipped_mask(edit.xor)}
        return Change(frozenset({before.id}), dirty, strokes=strokes)

    def _altered(self, instance: Instance, edit: Alteration) -> tuple[Instance, Box | None]:
        if isinstance(edit, PaintMask):
            xor = self._clipped_mask(edit.xor)
            return replace(instance, mask=instance.mask.xor(xor)), _box(xor)
        if isinstance(edit, SetCategory):
            _expect("category", edit.before, instance.category_id)
            return replace(instance, category_id=edit.after), _box(instance.mask)
        if isinstance(edit, SetOrder):
            _expect("drawing order", edit.before, instance.z_order)
            return replace(instance, z_order=edit.after), _box(instance.mask)
        if isinstance(edit, SetLocked):
            _expect("lock", not edit.after, instance.locked)
            return replace(instance, locked=edit.after), None
        _expect("attributes", edit.before, instance.attributes)
        return replace(instance, attributes=edit.after), None

    def _accept(self, edit: AcceptSuggestion) -> Change:
        if edit.revoked:
            self._expect_decision(edit.suggestion, Verdict.ACCEPTED)
            change = self._remove(edit.instance)
            return change.merged(self._withdraw(edit.suggestion))
        self._expect_undecided(edit.suggestion)
        change = self._add(edit.instance)
        return change.merged(self._decide(edit.suggestion, Verdict.ACCEPTED))

    def _reject(self, edit: RejectSuggestion) -> Change:
        if edit.revoked:
            self._expect_decision(edit.suggestion, Verdict.REJECTED)
            return self._withdraw(edit.suggestion)
        self._expect_undecided(edit.suggestion)
        return self._decide(edit.suggestion, Verdict.REJECTED)

    def _decide(self, suggestion: Suggestion, verdict: Verdict) -> Change:
        self.decisions[suggestion.key] = Decision(suggestion, verdict)
        return Change(dirty=_box(suggestion.mask), decisions_changed=True)

    def _withdraw(self, suggestion: Suggestion) -> Change:
        del self.decisions[suggestion.key]
        return Change(dirty=_box(suggestion.mask), decisions_changed=True)

    def _set_status(self, before: ReviewStatus, after: ReviewStatus) -> Change:
        _expect("status", before, self.status)
        self.status = after
        return Change(status_changed=True)

    def _apply_all(self, edits: tuple[Edit, ...]) -> Change:
        change = Change()
        made: list[Edit] = []
        try:
            for edit in edits:
                if isinstance(edit, SetOrder):  # many may come: sorted once, at the end
                    change = change.merged(self._alter_in_place(edit))
                else:
                    change = change.merged(self.apply(edit))
                made.append(edit)
        except EditError:
            for edit in reversed(made):
                self.apply(edit.inverse())
            raise
        if any(isinstance(edit, SetOrder) for edit in edits):
            self._sort()
        return change

    def _instance(self, instance_id: int) -> Instance:
        if instance_id not in self.instances:
            raise EditError(f"expected an instance of this image, got id {instance_id}")
        return self.instances[instance_id]

    def _expect_undecided(self, suggestion: Suggestion) -> None:
        if suggestion.key in self.decisions:
            verdict = self.decisions[suggestion.key].verdict
            raise EditError(f"suggestion {suggestion.key} was already {verdict}")

    def _expect_decision(self, suggestion: Suggestion, verdict: Verdict) -> None:
        if self.decisions.get(suggestion.key) != Decision(suggestion, verdict):
            raise EditError(f"suggestion {suggestion.key} was not {verdict}")

    def _clipped(self, instance: Instance) -> Instance:
        mask = self._clipped_mask(instance.mask)
        return instance if mask is instance.mask else replace(instance, mask=mask)

    def _clipped_mask(self, mask: Mask) -> Mask:
        return mask.clip(self.width, self.height) if self.width and self.height else mask


def _joined(first: Change, second: Change) -> dict[int, Mask]:
    """The strokes of two changes; an instance that one of them alters otherwise has none."""
    strokes = dict(first.strokes)
    for key, flipped in second.strokes.items():
        strokes[key] = strokes[key].xor(flipped) if key in strokes else flipped
    altered = (first.instance_ids - first.strokes.keys()) | (
        second.instance_ids - second.strokes.keys()
    )
    return {key: flipped for key, flipped in strokes.items() if key not in altered}


def _expect(what: str, expected: object, got: object) -> None:
    if expected != got:
        raise EditError(f"expected the {what} {expected!r}, found {got!r}")


def _rank(instance: Instance) -> tuple[int, int]:
    return instance.z_order, instance.id


def _stale(instance: Instance) -> Change:
    return Change(frozenset({instance.id}), _box(instance.mask))


def _box(mask: Mask) -> Box | None:
    return None if mask.is_empty else mask.box_xyxy


def _hull(a: Box | None, b: Box | None) -> Box | None:
    if a is None or b is None:
        return b if a is None else a
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
