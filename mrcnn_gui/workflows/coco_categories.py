"""The categories of a COCO file in a project: matched by name, their ids kept where possible."""

from typing import Any

from core.formats.coco_fields import CocoError, canonical, mended_whole
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.import_report import Reporter


def match_categories(store: Store, records: list[Any], reporter: Reporter) -> dict[int, int]:
    """The project's category ids by the file's; those that are missing are added.

    A category keeps the file's id unless a category that is in use has it.
    """
    named = _named(records, reporter)
    ids = {category.name: category.id for category in store.categories()}
    spare = max([0, *ids.values(), *named]) + 1
    matched: dict[int, int] = {}
    for file_id, (name, record) in named.items():
        spare += _clear_way(store, ids, name, file_id, spare)
        if name not in ids:
            free = file_id not in ids.values()
            ids[name] = _add(store, name, file_id if free else None)
            if not free:
                reporter.mend(f"category {name!r}", f"its id {file_id} is taken: now {ids[name]}")
        elif ids[name] != file_id and _may_move(store, ids, name, file_id):
            store.renumber_category(ids[name], file_id)
            ids[name] = file_id
        matched[file_id] = ids[name]
        store.note_category_record(ids[name], record)
    return matched


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


def _add(store: Store, name: str, category_id: int | None) -> int:
    try:
        return store.add_category(name, category_id=category_id).id
    except ValueError as error:
        raise CocoError(f"category {name!r}: {error}") from error


def _named(records: list[Any], reporter: Reporter) -> dict[int, tuple[str, str]]:
    """Name and canonical record of the categories that can be used, by the file's id."""
    named: dict[int, tuple[str, str]] = {}
    for place, record in enumerate(records):
        where = f"categories[{place}]"
        file_id = mended_whole(record.get("id")) if isinstance(record, dict) else None
        if file_id is None:
            reporter.refuse(where, "expected an object with a whole number as id")
            continue
        if file_id in named:
            reporter.refuse(where, f"there is a category with the id {file_id} before it")
            continue
        name = record.get("name")
        if not isinstance(name, str) or not name.strip() or not _is_text(name):
            name = f"category {file_id}"
            reporter.mend(where, f"it has no name: it is called {name!r} now")
        try:
            named[file_id] = name.strip(), canonical(record, where)
        except CocoError as error:
            reporter.refuse(where, str(error))
    return named


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in name
