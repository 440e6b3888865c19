"""Where the files that ship with the program lie."""

from pathlib import Path

STARTER = "starter"
"""Name of the resource folder of the starter model."""

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """Find a file or folder of `resources/`, in the source tree first, else in the package.

    Raises:
        FileNotFoundError: It is in neither place; the message names both.
    """
    places = (_PACKAGE.parent / "resources", _PACKAGE / "resources")
    for place in places:
        if (place / name).exists():
            return place / name
    raise FileNotFoundError(f"no resource {name!r} in {places[0]} or {places[1]}")
