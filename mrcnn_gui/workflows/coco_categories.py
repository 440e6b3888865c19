"""The categories of a COCO file in a project: matched by name, their ids kept where possible."""

from dataclasses import dataclass
from itertools import count
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

    A category keeps the file's id unless it is no whole number, or a category has it that is in
    use or was removed.
    """
    named = _named(records, reporter)
    places = _Places(store, named)
    for each in named:
        places.take(each)
    ids = places.ids
    for each in named:  # when all have their place: one that came first may have made way
        store.note_category_record(ids[each.name], each.record)
        _tell_id(each, ids[each.name], reporter)
    return {each.key: ids[each.name] for each in named}


class _Places:
    """The project's ids by the names of its categories, while those of a file take theirs."""

    def __init__(self, store: Store, named: list[_Named]) -> None:
        self.ids = {category.name: category.id for category in store.categories()}
        self._gone = store.project_history.gone_categories()
        wanted = [each.number for each in named if each.number is not None]
        self._spare = count(max([0, *self.ids.values(), *self._gone, *wanted]) + 1)
        self._store = store

    def take(self, each: _Named) -> None:
        """Give a category its place."""
        name, number = each.name, None if each.number in self._gone else each.number
        if number is not None:
            self._clear_way(name, number)
        free = None if number in self.ids.values() else number
        if name not in self.ids:
            self.ids[name] = _add(self._store, name, next(self._spare) if free is None else free)
        elif free is not None and not self._store.category_is_used(self.ids[name]):
            self._renumber(name, free)

    def _clear_way(self, name: str, file_id: int) -> None:
        """Move an unused category away from an id that the file gives another one."""
        holder = next((other for other, number in self.ids.items() if number == file_id), None)
        if holder is not None and holder != name and not self._store.category_is_used(file_id):
            self._renumber(holder, next(self._spare))

    def _renumber(self, name: str, category_id: int) -> None:
        self._store.renumber_category(self.ids[name], category_id)
        self.ids[name] = category_id


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
