"""Run one benchmark by name."""

import argparse
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path

import benchmarks
from benchmarks.row import Row

_NOT_BENCHMARKS = {
    "__main__",
    "coco_generator",
    "data",
    "gpu_timing",
    "row",
    "store_phases",
    "window",
}


_PARTS = ("canvas_", "finetune_", "inference_", "responsiveness_")


def main() -> None:
    """Print the rows of the benchmark named on the command line."""
    modules = pkgutil.iter_modules(benchmarks.__path__)
    names = sorted(
        module.name
        for module in modules
        if module.name not in _NOT_BENCHMARKS and not module.name.startswith(_PARTS)
    )
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=benchmarks.__doc__)
    parser.add_argument("name", choices=names)
    parser.add_argument("--json", action="store_true", help="one JSON object per row")
    parser.add_argument(
        "--labelme", metavar="PYTHON", default="", help="of an environment that has labelme"
    )
    parser.add_argument(
        "--only", metavar="ROW", default="", help="rows that begin so, where a benchmark can choose"
    )
    parser.add_argument("--work", type=Path, help="keeps finished rows, and runs to go on with")
    arguments = parser.parse_args()
    rows: Callable[..., Iterator[Row]] = importlib.import_module(
        f"benchmarks.{arguments.name}"
    ).rows
    known = inspect.signature(rows).parameters
    given = {
        name: getattr(arguments, name) for name in ("labelme", "only", "work") if name in known
    }
    for row in rows(**given):
        print(row.to_json() if arguments.json else row.to_text(), flush=True)


if __name__ == "__main__":
    main()
