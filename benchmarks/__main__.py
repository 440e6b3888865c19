"""Run one benchmark by name."""

import argparse
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator

import benchmarks
from benchmarks.row import Row

_NOT_BENCHMARKS = {"__main__", "coco_generator", "data", "row", "store_phases", "window"}


def main() -> None:
    """Print the rows of the benchmark named on the command line."""
    modules = pkgutil.iter_modules(benchmarks.__path__)
    names = sorted(
        module.name
        for module in modules
        if module.name not in _NOT_BENCHMARKS and not module.name.startswith("canvas_")
    )
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=benchmarks.__doc__)
    parser.add_argument("name", choices=names)
    parser.add_argument("--json", action="store_true", help="one JSON object per row")
    parser.add_argument(
        "--labelme", metavar="PYTHON", default="", help="of an environment that has labelme"
    )
    arguments = parser.parse_args()
    rows: Callable[..., Iterator[Row]] = importlib.import_module(
        f"benchmarks.{arguments.name}"
    ).rows
    compares = "labelme" in inspect.signature(rows).parameters
    for row in rows(labelme=arguments.labelme) if compares else rows():
        print(row.to_json() if arguments.json else row.to_text(), flush=True)


if __name__ == "__main__":
    main()
