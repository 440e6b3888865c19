"""Rules of docs/architecture.md that import-linter cannot express."""

import ast
from pathlib import Path

import pytest

from tests.helpers.data import REPOSITORY

SERVICES = sorted((REPOSITORY / "mrcnn_gui" / "services").glob("*.py"))
SOURCES = sorted(path for box in ("core", "mrcnn_gui") for path in (REPOSITORY / box).rglob("*.py"))
LONGEST_FILE = 400


def imported(path: Path) -> set[str]:
    """The dotted names that a file imports, `from a import b` as a.b."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_services_use_no_widgets(path: Path) -> None:
    assert not [name for name in imported(path) if name.startswith("PySide6.QtWidgets")]


def test_the_check_sees_an_import(tmp_path: Path) -> None:
    source = tmp_path / "service.py"
    source.write_text("def f():\n    from PySide6.QtWidgets import QWidget\n", encoding="utf-8")
    assert imported(source) == {"PySide6.QtWidgets.QWidget"}


def test_no_file_is_two_ideas() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert not {str(path): count for path, count in lines.items() if count > LONGEST_FILE}
