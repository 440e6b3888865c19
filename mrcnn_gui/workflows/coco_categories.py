"""The categories of a COCO file in a project: matched by name, their ids kept where possible."""

from dataclasses import dataclass
from typing import Any

from core.formats.coco_fields import LARGEST_SAFE_ID, CocoError, canonical, file_id, shown
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.import_report import Reporter

_LONGEST_NAME = 500  # characters: it must fit a list on the screen


@dataclass(frozen=True)
class _Named:
    """A category of the file: its id there, its name here, and its record as canonical JSON."""

    key: int | str
    value: object
    name: str
    record: str

    @property
    def number(self) -> int | None:
        """The file's id, where an export can write it."""
        safe = isinstance(self.key, int) and abs(self.key) <= LARGEST_SAFE_ID
        return int(self.key) if safe else None


def match_categories(store: Store, records: list[Any], reporter: Reporter) -> dict[int | str, int]:
    """The project's category ids by the file's; those that are missing are added.

    A category keeps the file's id unless a category that is in use has it, or it is no whole
    number.
    """
    named = _named(records, reporter)
    ids = {category.name: category.id for category in store.categories()}
    wanted = [each.number for each in named if each.number is not None]
    spare = max([0, *ids.values(), *wanted]) + 1
    for each in named:
        spare += _take(store, ids, each, spare)
    for each in named:  # when all have their place: one that came first may have made way
        store.note_category_record(ids[each.name], each.record)
        _tell_id(each, ids[each.name], reporter)
    return {each.key: ids[each.name] for each in named}


def _take(store: Store, ids: dict[str, int], each: _Named, spare: int) -> int:
    """Give a category its place; returns how many of the spare ids it took."""
    name, number = each.name, each.number
    cleared = number is not None and _clear_way(store, ids, name, number, spare)
    if name not in ids:
        free = None if number in ids.values() else number
        ids[name] = _add(store, name, spare + cleared if free is None else free)
        return cleared + (free is None)
    if number is not None and ids[name] != number and _may_move(store, ids, name, number):
        store.renumber_category(ids[name], number)
        ids[name] = number
    return int(cleared)


def _clear_way(store: Store, ids: dict[str, int], name: str, file_id: int, spare: int) -> bool:
    """Move an unused category away from an id that the file gives another one."""
    holder = next((other for other, number in ids.items() if number == file_id), None)
    if holder is None or holder == name or store.category_is_used(file_id):
        return False
    store.renumber_category(file_id, spare)
    ids[holder] = spare
    return True


def _may_move(store: Store, ids: dict[str, int], name: str, file_id: int) -> bool:
    return file_id not in ids.values() and not store.category_is_used(ids[name])


def _add(store: Store, name: str, category_id: int) -> int:
    try:
        return store.add_category(name, category_id=category_id).id
    except ValueError as error:
        raise CocoError(f"category {shown(name)}: {error}") from error


def _tell_id(each: _Named, given: int, reporter: Reporter) -> None:
    if type(each.value) is int and each.value == given:
        return
    taken = each.number is not None and each.number != given
    why = "is taken" if taken else "is no usual whole number"
    reporter.mend(f"category {shown(each.name)}", f"its id {shown(each.value)} {why}: {given} now")


def _named(records: list[Any], reporter: Reporter) -> list[_Named]:
    """The categories that can be used, each with a name of its own."""
    named: dict[int | str, _Named] = {}
    names: set[str] = set()
    for place, record in enumerate(records):
        where = f"categories[{place}]"
        value = record.get("id") if isinstance(record, dict) else None
        key = file_id(value)
        if key is None:
            reporter.refuse(where, "expected an object with a whole number or a text as id")
        elif key in named:
            reporter.refuse(where, f"there is a category with the id {shown(key)} before it")
        else:
            try:
                text = canonical(record, where)
            except CocoError as error:
                reporter.refuse(where, str(error).removeprefix(f"{where}: "))
                continue
            name = _own_name(record, key, names, where, reporter)
            names.add(name)
            named[key] = _Named(key, value, name, text)
    return list(named.values())


def _own_name(
    record: dict[str, Any], key: int | str, names: set[str], where: str, reporter: Reporter
) -> str:
    """The category's name, or one that is made where it has none or another one has the same."""
    name = record.get("name")
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        made, why = f"category {key}", "it has no name"
    elif len(name) > _LONGEST_NAME:
        made, why = f"category {key}", f"its name has {len(name):,} characters"
    elif name.strip() in names:
        made, why = f"{name.strip()} ({key})", f"there is a category {shown(name)} before it"
    else:
        return name.strip()
    made = made[: 2 * _LONGEST_NAME]
    while made in names:
        made += "*"
    reporter.mend(where, f"{why}: it is called {shown(made)} now")
    return made
