"""Where benchmarks find the real photos."""

from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[1]


def shared_data(name: str) -> Path:
    """The folder of one real data set, beside the checkout.

    Raises:
        SystemExit: If it is not there; the message says where it was looked for.
    """
    folder = _REPOSITORY.parent / "shared" / "data" / name
    if not folder.is_dir():
        raise SystemExit(f"this benchmark reads the data set {name!r}, looked for in {folder}")
    return folder
