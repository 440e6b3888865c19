"""A small valid COCO file, and what can happen to one: seeded, so that each case comes again."""

import copy
import json
import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from core.masks import Mask, encode_rle

WIDTH, HEIGHT = 24, 16
_RING = Mask.from_bitmap(np.pad(np.zeros((3, 4), np.bool_), 2, constant_values=True), 12, 5)
IMAGES = ("a.png", "sub/b.png", "ü.png")
TURNED = "turned.jpg"  # EXIF exchanges its sides, so that its annotations are turned

Json = Any
Place = tuple[Any, Any]
"""A list or object, and the index or key of one of its values."""

_NUMBERS: tuple[Json, ...] = (
    *(0, 1, -1, 2, 5, 7.0, 0.5, -0.0, 1e-300, 1e5, -1e7, 1e12, 1e308, 100_000, 50_000_000),
    *(2**31 - 1, 2**31, 2**53, 2**63 - 1, 1 - 2**63, -(2**63), 2**63, 10**30, 10**400, True),
    *(float("nan"), float("inf"), float("-inf"), False),
)
_TEXTS: tuple[Json, ...] = (
    *("", " ", "0", "7", "-1", "--5", "1e5", "NaN", "²", "null", "\0", "\ud800", "ü", "\u202e"),
    *("x" * 5000, "7" * 30, "7" * 5000, "0" * 5000, "a" * 300 + ".png", "a\nb", "\udcff.png"),
)
_NAMES: tuple[Json, ...] = (
    *("../outside/secret.png", "sub/../../outside/secret.png", "..\\outside\\secret.png"),
    *("/etc/hosts", "/dev/zero", "C:\\x.png", "C:x.png", "\\\\host\\share\\x.png", "//x/y.png"),
    *("http://localhost/y.png", "file:///etc/hosts", "link.png", "linked/secret.png", "pipe.png"),
    *("a.png", "A.PNG", "./a.png", "sub", ".", "sub/", "a.png/b.png", "CON", "a.png:x", "bomb.png"),
)
_SHAPES: tuple[Json, ...] = (
    *(None, [], {}, [[]], [[], []], [{}], {"": None}, [None], [1], [1, 2, 3, 4], [[1, 2]]),
    *([[1, 2, 3, 4]], [[1, 2, 3, 4, 5]], [[1, 1, 9, 1, 9, 9], [1, 2]], [1, 1, 9, 1, 9, 9]),
    *([["1", 2, 3, 4, 5, 6]], [[1e9, 1, 9, 1, 9, -1e9]], [[True, 1, 9, 1, 9, 9]]),
    *([[10**400] * 6], [[0.1] * 6], [[-5, -5, 99, -5, 99, 99, -5, 99]], [0, 100_000] * 2000),
    *({"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH]}, {"size": [1, 1], "counts": [1]}),
    *({"size": [HEIGHT, WIDTH], "counts": [0, HEIGHT * WIDTH]}, {"size": [HEIGHT, WIDTH]}),
    *({"size": [10**9, 10**9], "counts": [10**18]}, {"size": [10**5, 10**5], "counts": [10**10]}),
    *({"counts": [5]}, {"size": [10**9, 10**9], "counts": "0"}, {"size": [0, 0], "counts": []}),
    *({"size": [float(HEIGHT), float(WIDTH)], "counts": [0, 9, HEIGHT * WIDTH - 9]},),
    *({"size": [HEIGHT, WIDTH], "counts": [9, 0, 0, 9, HEIGHT * WIDTH - 18]},),
    *({"size": [HEIGHT, WIDTH], "counts": [-9, 9, HEIGHT * WIDTH]},),
    *({"size": [HEIGHT, WIDTH], "counts": [2**63, 2**63, 5]},),
)
# Texts that stand for JSON that no encoder writes; `to_bytes` puts it in their place.
_RAW: dict[str, str] = {
    "@deep list@": "[" * 100_000 + "]" * 100_000,
    "@list 240@": "[" * 240 + "]" * 240,
    "@list 900@": "[" * 900 + "]" * 900,
    "@object 500@": '{"a":' * 500 + "1" + "}" * 500,
    "@open@": "[" * 5000,
    "@digits@": "9" * 5000,
    "@infinite@": "1e999",
    "@exact@": "0." + "1" * 3000,
    "@zeros@": "[" + "0," * 30_000 + "0]",
    "@escape@": '"\\ud83d"',
    "@comment@": "1 /* one */",
}


def dataset() -> Json:
    """A valid COCO file: parts, a hole, a crowd, keypoints, and fields that COCO does not know."""
    pixels = WIDTH * HEIGHT
    segmentations: list[Json] = [
        [[2, 2, 9, 2, 9, 9, 2, 9]],
        [[1, 1, 4, 1, 4, 4], [10.5, 3.25, 15, 3, 15, 9]],
        {"size": [HEIGHT, WIDTH], "counts": [20, 5, 30, 5, pixels - 60]},
        dict(encode_rle(_RING, HEIGHT, WIDTH)),
        [[-3, -3, 40, -3, 40, 40, -3, 40]],
        [],
    ]
    annotations = [
        {
            "id": 10 + n,
            "image_id": (1, 2, 3, 4, 4, 1)[n],
            "category_id": 1 + n % 2,
            "segmentation": each,
        }
        | {"iscrowd": int(n == 2), "area": 30.5, "bbox": [2, 2, 7, 7], "worker": {"name": "Zoë"}}
        for n, each in enumerate(segmentations)
    ]
    annotations[5] |= {"keypoints": [1, 1, 2, 5, 5, 1], "num_keypoints": 2, "attributes": {"a": 1}}
    return {
        "info": {"year": 2024, "url": None},
        "licenses": [{"id": 1, "name": "free"}],
        "images": [
            {"id": n, "file_name": name, "width": WIDTH, "height": HEIGHT, "license": 1}
            for n, name in enumerate((*IMAGES, TURNED), start=1)
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "Hünd", "supercategory": "x"}],
        "annotations": annotations,
    }


def mutated(seed: int) -> bytes:
    """The file after some changes."""
    return damaged(dataset(), seed)


def results() -> Json:
    """A valid COCO results file on the same images."""
    return [
        {"image_id": each["image_id"], "category_id": 1, "score": 0.5 + each["id"] / 100}
        | {"segmentation": each["segmentation"], "bbox": each["bbox"]}
        for each in dataset()["annotations"]
    ]


def damaged(root: Json, seed: int) -> bytes:
    """A file after one to four changes; of five files one is damaged as bytes, too."""
    draw = random.Random(seed)
    for _ in range(draw.randint(1, 4)):
        draw.choice(_CHANGES)(draw, root)
    data = to_bytes(root, draw)
    while draw.random() < 0.2:
        data = draw.choice(_DAMAGES)(draw, data)
    return data


def to_bytes(root: Json, draw: random.Random) -> bytes:
    """As JSON: spaces and escapes as it falls; what no encoder writes in the place of its name."""
    text = json.dumps(root, ensure_ascii=draw.random() < 0.5, indent=draw.choice((None, None, 1)))
    text = re.sub('"(@[a-z 0-9]+@)"', lambda match: _RAW.get(match[1], match[0]), text)
    return text.encode("utf-8", "surrogatepass")


def _places(root: Json) -> list[Place]:
    """Every value of a tree, by where it stands."""
    found: list[Place] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        keys = node if isinstance(node, dict) else range(len(node))
        found += [(node, key) for key in keys]
        waiting += [node[key] for key in keys if isinstance(node[key], dict | list)]
        if len(found) > 5000:
            break
    return found


def _replace(draw: random.Random, root: Json) -> None:
    node, key = draw.choice(_places(root))
    kind = draw.choice((_NUMBERS, _TEXTS, _NAMES, _SHAPES, tuple(_RAW)))
    node[key] = copy.deepcopy(draw.choice(kind))


def _rename_file(draw: random.Random, root: Json) -> None:
    _set(draw, root, "file_name", _NAMES + _TEXTS)


def _change_id(draw: random.Random, root: Json) -> None:
    _set(draw, root, draw.choice(("id", "image_id", "category_id")), _NUMBERS + _TEXTS)


def _change_size(draw: random.Random, root: Json) -> None:
    _set(draw, root, draw.choice(("width", "height", "size")), _NUMBERS + _SHAPES)


def _change_segmentation(draw: random.Random, root: Json) -> None:
    name = draw.choice(("segmentation", "segmentation", "segmentation", "counts"))
    _set(draw, root, name, _SHAPES + _TEXTS)


def _set(draw: random.Random, root: Json, name: str, values: tuple[Json, ...]) -> None:
    places = [place for place in _places(root) if place[1] == name]
    if places:
        node, key = draw.choice(places)
        node[key] = copy.deepcopy(draw.choice(values))


def _delete(draw: random.Random, root: Json) -> None:
    node, key = draw.choice(_places(root))
    del node[key]


def _double(draw: random.Random, root: Json) -> None:
    """Once more beside itself, or a thousand times."""
    node, key = draw.choice(_places(root))
    if isinstance(node, list):
        times = draw.choice((1, 1, 1, 1000))
        node[key:key] = [copy.deepcopy(node[key]) for _ in range(times)]
    else:
        node[f"{key}{draw.choice(('', ' ', '2'))}"] = node[key]


def _swap(draw: random.Random, root: Json) -> None:
    """Two values change places; copies, as one may be inside the other."""
    (node, key), (other, other_key) = draw.choices(_places(root), k=2)
    first, second = copy.deepcopy(node[key]), copy.deepcopy(other[other_key])
    node[key], other[other_key] = second, first


def _wrap(draw: random.Random, root: Json) -> None:
    node, key = draw.choice(_places(root))
    node[key] = draw.choice(([node[key]], {"a": node[key]}, [[node[key]]], str(node[key])[:200]))


def _shift(draw: random.Random, root: Json) -> None:
    """Numbers a little or much beside the right one."""
    numbers = [(n, k) for n, k in _places(root) if type(n[k]) in (int, float)]
    if numbers:
        node, key = draw.choice(numbers)
        node[key] += draw.choice((1, -1, 0.5, 7, -30, 1e6, -1e6, 10**20))


def _shuffle(draw: random.Random, root: Json) -> None:
    node, _ = draw.choice(_places(root))
    if isinstance(node, list):
        draw.shuffle(node)
    else:
        items = list(node.items())
        draw.shuffle(items)
        node.clear()
        node.update(items)


def _cut(draw: random.Random, data: bytes) -> bytes:
    return data[: draw.randrange(len(data) + 1)]


def _flip(draw: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        if changed:
            changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _insert(draw: random.Random, data: bytes) -> bytes:
    at = draw.randrange(len(data) + 1)
    what = (b'"', b"{", b"]", b",", b"\0", b"\xff", b"\xed\xa0\x80", b"\\u0000", b"e9", b"[" * 3000)
    return data[:at] + draw.choice(what) + data[at:]


def _repeat(draw: random.Random, data: bytes) -> bytes:
    start, stop = sorted(draw.randrange(len(data) + 1) for _ in range(2))
    return data[:stop] + data[start:stop] * draw.choice((1, 1, 20)) + data[stop:]


def _drop(draw: random.Random, data: bytes) -> bytes:
    start, stop = sorted(draw.randrange(len(data) + 1) for _ in range(2))
    return data[:start] + data[stop:]


def _encode(draw: random.Random, data: bytes) -> bytes:
    text = data.decode("utf-8", "replace")
    codec = draw.choice(("utf-16", "utf-8-sig", "latin-1", "utf-32-be"))
    return text.encode(codec, "replace")


_CHANGES: tuple[Callable[[random.Random, Json], None], ...] = (
    *(_replace, _replace, _rename_file, _change_id, _change_id, _change_size),
    *(_change_segmentation, _change_segmentation, _change_segmentation, _change_segmentation),
    *(_delete, _double, _swap, _wrap, _shift, _shuffle),
)
_DAMAGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    *(_cut, _flip, _flip, _insert, _repeat, _drop, _encode),
)
