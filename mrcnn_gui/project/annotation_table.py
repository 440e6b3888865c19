"""The tables of instances and of decisions."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from mrcnn_gui.project.annotation import Decision, Instance
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.document import Change, ImageDocument
from mrcnn_gui.project.rows import (
    INSTANCE_COLUMNS,
    SUGGESTION_COLUMNS,
    decision_from_row,
    instance_from_row,
    instance_to_row,
    places,
    suggestion_to_row,
)
from mrcnn_gui.project.stroke_table import LARGE, StrokeTable

_INSERT_INSTANCE = (
    f"INSERT INTO instances (image_id, {INSTANCE_COLUMNS}) VALUES (?, {places(INSTANCE_COLUMNS)})"
)
_INSERT_DECISION = (
    f"INSERT INTO decisions (image_id, verdict, {SUGGESTION_COLUMNS}) "
    f"VALUES (?, ?, {places(SUGGESTION_COLUMNS)})"
)


class AnnotationTable:
    """Annotations of one project; writing belongs inside a transaction of the database.

    Attributes:
        strokes: Those that were written alone.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.strokes = StrokeTable(database)
        self._last_instance_id = 0

    def instances(self, image_id: int) -> list[Instance]:
        """The instances of one image, in drawing order, with all strokes in their masks."""
        with self._database.snapshot():
            strokes = self.strokes.pending(image_id)
            rows = self._database.execute(
                f"SELECT {INSTANCE_COLUMNS} FROM instances WHERE image_id = ? ORDER BY z_order, id",
                (image_id,),
            )
        instances = map(instance_from_row, rows)
        return [
            replace(each, mask=each.mask.xor(strokes[each.id])) if each.id in strokes else each
            for each in instances
        ]

    def has_strokes(self, image_id: int) -> bool:
        """Whether strokes of an image were written alone."""
        return self.strokes.any(image_id)

    def fold_strokes(self, image_id: int) -> None:
        """Write the whole masks of instances that have strokes."""
        self.strokes.fold(image_id)

    def decisions(self, image_id: int) -> dict[str, Decision]:
        """The decisions about suggestions for one image, by the suggestion's key."""
        rows = self._database.execute(
            f"SELECT verdict, {SUGGESTION_COLUMNS} FROM decisions WHERE image_id = ?", (image_id,)
        )
        decisions = [decision_from_row(row) for row in rows]
        return {decision.suggestion.key: decision for decision in decisions}

    def counts(self) -> dict[int, int]:
        """How many instances each image has; images without one are left out."""
        rows = self._database.execute("SELECT image_id, count(*) FROM instances GROUP BY image_id")
        return dict(rows)

    def object_sides(self) -> list[float]:
        """Of each instance on a done image the root of its box's area, as share of the long side.

        No mask is decoded.
        """
        rows = self._database.execute(
            "SELECT instances.width * instances.height * 1.0 / "
            "(max(images.width, images.height) * max(images.width, images.height)) FROM instances "
            "JOIN images ON images.id = image_id WHERE status = 'done' AND images.width > 0 "
            "AND instances.width > 0"
        )
        return [float(area) ** 0.5 for (area,) in rows]

    def has_instances(self, image_id: int) -> bool:
        """Whether an image has an instance."""
        rows = self._database.execute(
            "SELECT EXISTS (SELECT 1 FROM instances WHERE image_id = ?)", (image_id,)
        )
        return bool(rows[0][0])

    def new_instance_id(self) -> int:
        """An id that no instance of the project has or ever had, >= 1."""
        rows = self._database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'instances'")
        saved = rows[0][0] if rows else 0
        self._last_instance_id = max(self._last_instance_id, saved) + 1
        return self._last_instance_id

    def insert(self, image_id: int, instances: Iterable[Instance]) -> None:
        """Add many instances."""
        self._database.execute_many(
            _INSERT_INSTANCE, ((image_id, *instance_to_row(each)) for each in instances)
        )

    def save_instances(self, document: ImageDocument, change: Change) -> None:
        """Write what a change touched as the document has it; what it lacks is deleted.

        Of a large mask a stroke is written alone. The strokes of a deleted row go with it.
        """
        for instance_id in sorted(change.instance_ids):
            stroke = change.strokes.get(instance_id)
            if stroke is not None and document.instances[instance_id].mask.crop.size > LARGE:
                self.strokes.add(document.image_id, instance_id, stroke)
                continue
            self._database.execute(
                "DELETE FROM instances WHERE id = ? AND image_id = ?",
                (instance_id, document.image_id),
            )
            if instance_id in document.instances:
                self.insert(document.image_id, [document.instances[instance_id]])

    def save_decisions(self, document: ImageDocument, before: Mapping[str, Decision]) -> None:
        """Write the decisions of the document that are not those of `before`."""
        after = document.decisions
        for key in before.keys() | after.keys():
            if before.get(key) is after.get(key):
                continue
            self._database.execute(
                "DELETE FROM decisions WHERE image_id = ? AND key = ?", (document.image_id, key)
            )
            if key in after:
                row = (after[key].verdict, *suggestion_to_row(after[key].suggestion))
                self._database.execute(_INSERT_DECISION, (document.image_id, *row))
