"""The process that is killed: `python -m tests.crash.child SCENE FOLDER SEED`.

It tells "begin" when all is loaded, then what its scene acknowledges, one line each.
"""

import sys
from pathlib import Path

from tests.crash.killing import BEGIN, SCENES


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    name, folder, seed = sys.argv[1:]
    tell(BEGIN)
    SCENES[name].act(Path(folder), int(seed), tell)


if __name__ == "__main__":
    main()
