"""How fast the model answers, beside torchvision with the same weights.

`--only NAME` measures one row, or those that begin with NAME.
"""

from collections.abc import Callable, Iterator
from importlib import import_module

from benchmarks.row import Row

Measure = Callable[[], Iterator[Row]]

# By name: the module and the function that measures it; a name covers the rows that begin with it.
_MEASURES = {
    "r50_cpu_amx": ("benchmarks.inference_cpu", "amx"),
    "r50_cpu_avx2": ("benchmarks.inference_cpu", "avx2"),
    "paste_100_12mpx": ("benchmarks.inference_cpu", "paste"),
    "starter_640": ("benchmarks.inference_starter", "one_photo"),
    "batch_throughput": ("benchmarks.inference_starter", "batch"),
    "starter_bf16": ("benchmarks.inference_starter", "bf16"),
    "starter_winograd": ("benchmarks.inference_starter", "winograd"),
    "starter_proposals": ("benchmarks.inference_starter", "proposals"),
    "r50_gpu_b1": ("benchmarks.inference_gpu", "one_photo"),
    "r50_gpu_b8": ("benchmarks.inference_gpu", "eight_photos"),
    "roialign_gpu": ("benchmarks.inference_gpu_ops", "roi_align"),
    "nms_gpu": ("benchmarks.inference_gpu_ops", "suppression"),
    "cuts_gpu": ("benchmarks.inference_gpu_ops", "cuts"),
}


def rows(only: str = "") -> Iterator[Row]:
    """The rows whose names begin with `only`."""
    for name, (module, function) in _MEASURES.items():
        if name.startswith(only):
            measure: Measure = getattr(import_module(module), function)
            yield from measure()
