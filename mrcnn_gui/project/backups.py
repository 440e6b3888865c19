"""Rolling backups: the newest copies of project.db, at most one a day."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mrcnn_gui.project.database import Database
from mrcnn_gui.project.errors import DamagedProjectError, ProjectError
from mrcnn_gui.project.opening import open_database
from mrcnn_gui.project.schema import MIGRATIONS, version_of

BACKUPS_FOLDER = "backups"
KEPT = 5
INTERVAL = timedelta(days=1)

_NAME = "project-%Y%m%d-%H%M%S.db"  # in UTC; copies made before a migration are named otherwise


def back_up(folder: Path, *, now: datetime) -> Path | None:
    """Copy a project's database when the last copy is older than a day, and drop the oldest copy.

    Reads the project on a connection of its own, beside whoever writes to it.

    Args:
        folder: The project folder.
        now: The time, with its zone.

    Returns:
        The new copy; None when none is due, or the project has no images.

    Raises:
        ProjectError, OSError: No copy could be made, or the project is damaged; the copies that
            are there stay.
    """
    made = _made(folder / BACKUPS_FOLDER)
    if any(timedelta(0) <= now - time < INTERVAL for time in made):
        return None
    return _copy(folder, made, now)


def newest_backup(folder: Path, *, now: datetime) -> Path | None:
    """The newest backup that is whole and of the newest format; None when there is none.

    One that says it is of the future was made before the clock was set back: it comes last.
    """
    made = _made(folder / BACKUPS_FOLDER)
    for time in sorted(made, key=lambda time: (time <= now, time), reverse=True):
        try:
            with closing(Database(made[time])) as database:
                _check_whole(database)
                if version_of(database) == len(MIGRATIONS):
                    return made[time]
        except ProjectError:
            continue
    return None


def _copy(folder: Path, made: dict[datetime, Path], now: datetime) -> Path | None:
    database = open_database(folder, read_only=True)
    try:
        if not database.execute("SELECT 1 FROM images LIMIT 1"):
            return None
        target = folder / BACKUPS_FOLDER / now.astimezone(UTC).strftime(_NAME)
        with database.frozen():
            _check_whole(database)
            target.parent.mkdir(exist_ok=True)
            database.backup(target)
    finally:
        database.close()
    # Where the clock was set back, copies of the future go first: the new one must stay.
    oldest_first = sorted(made, key=lambda time: (time <= now, time))
    for time in oldest_first[: max(0, len(made) + 1 - KEPT)]:
        made[time].unlink(missing_ok=True)
    return target


def _check_whole(database: Database) -> None:
    """A damaged copy must not push out a good one."""
    found = str(database.execute("PRAGMA quick_check(1)")[0][0])
    if found != "ok":
        raise DamagedProjectError(
            f"{database.path} is damaged ({found}): `mrcnn-gui doctor` finds what can be put right"
        )


def _made(backups: Path) -> dict[datetime, Path]:
    """The rolling backups in a folder, by when they were made."""
    made = {}
    for path in backups.glob("project-*.db"):
        try:
            time = datetime.strptime(path.name, _NAME).replace(tzinfo=UTC)
        except ValueError:
            continue
        made[time] = path
    return made
