"""COCO's reference implementation, pycocotools, without its talk.

It prints on every call. Redirecting `sys.stdout` meanwhile would silence the other threads, too, so
that its modules get a `print` of their own that says nothing; it has no switch for this.
"""

import pycocotools.coco
import pycocotools.cocoeval
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

__all__ = ["COCO", "COCOeval"]


def _silent(*_: object, **__: object) -> None:
    """Stands in for print."""


for _module in (pycocotools.coco, pycocotools.cocoeval):
    vars(_module)["print"] = _silent
