"""Where tests find the real photos."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def shared_data(name: str) -> Path:
    """The folder of one real data set, beside the checkout; skips the test where it is absent."""
    folder = REPOSITORY.parent / "shared" / "data" / name
    if not folder.is_dir():
        pytest.skip(f"the data set {name!r} is not beside this checkout")
    return folder
