"""The table of training runs: what was begun, and what became of it."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mrcnn_gui.project.database import Database


class RunState(StrEnum):
    """How far a run has come; one that was RUNNING when its program ended was interrupted."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True)
class RunRecord:
    """One run.

    Attributes:
        id: "r1", "r2", …, the name of its folder.
        parent: The version that it starts from.
        state: How far it has come.
        options: What a person chose, as JSON values.
        reason: Why it came to that state; "" where that says itself.
    """

    id: str
    parent: str
    state: RunState
    options: dict[str, Any]
    reason: str = ""


class RunTable:
    """Runs of one project; each write is a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, run: RunRecord) -> None:
        """Note a run, or that one goes on."""
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO runs (id, parent, state, options, snapshot_hash, reason) "
                "VALUES (?, ?, ?, ?, '', ?) ON CONFLICT (id) DO UPDATE SET "
                "(parent, state, options, reason) = "
                "(excluded.parent, excluded.state, excluded.options, excluded.reason)",
                (run.id, run.parent, run.state, json.dumps(run.options), run.reason),
            )

    def end(self, run_id: str, state: RunState, snapshot_hash: str = "", reason: str = "") -> None:
        """Note what became of a run."""
        with self._database.transaction():
            self._database.execute(
                "UPDATE runs SET state = ?, snapshot_hash = ?, reason = ? WHERE id = ?",
                (state, snapshot_hash, reason, run_id),
            )

    def can_learn_from(self, enough: int) -> tuple[int, bool, bool]:
        """What there is for a training; quick, however many images the project has.

        Returns:
            How many images are done, counted up to `enough`; whether one of the done images is kept
            for neither validation nor test; and whether one of these has an instance.
        """
        learned = "status = 'done' AND (side IS NULL OR side = 'train')"
        owned = "EXISTS (SELECT 1 FROM instances WHERE image_id = images.id)"
        [[done, any_learned, any_owned]] = self._database.execute(
            "SELECT (SELECT count(*) FROM "
            "(SELECT 1 FROM images WHERE status = 'done' LIMIT ?)), "
            f"EXISTS (SELECT 1 FROM images WHERE {learned}), "
            f"EXISTS (SELECT 1 FROM images WHERE {learned} AND {owned})",
            (enough,),
        )
        return done, bool(any_learned), bool(any_owned)

    def unfinished(self) -> list[RunRecord]:
        """Runs that were paused or interrupted, the newest first."""
        rows = self._database.execute(
            "SELECT id, parent, state, options, reason FROM runs WHERE state IN (?, ?) "
            "ORDER BY rowid DESC",
            (RunState.RUNNING, RunState.PAUSED),
        )
        return [
            RunRecord(run_id, parent, RunState(state), json.loads(options), reason)
            for run_id, parent, state, options, reason in rows
        ]
