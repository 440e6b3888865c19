"""A project with one image, for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mrcnn_gui.project.store import Store
from tests.project.samples import new_project


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with new_project(tmp_path) as store:
        yield store
