"""Which colour an instance has: that of its category, its own, or that of its source."""

from collections.abc import Callable

from mrcnn_gui.project.annotation import Source
from mrcnn_gui.project.palette import SOURCE_COLORS, instance_color
from mrcnn_gui.services.look import ColorBy


def mask_color(
    color_by: ColorBy,
    instance_id: int,
    category_id: int,
    source: Source,
    of_category: Callable[[int], str],
) -> str:
    """The colour of an instance, "#rrggbb".

    Args:
        color_by: What colours tell.
        instance_id: Of the instance.
        category_id: Its category.
        source: Who made it.
        of_category: The colour of a category.
    """
    if color_by is ColorBy.INSTANCE:
        return instance_color(instance_id)
    return SOURCE_COLORS[source] if color_by is ColorBy.SOURCE else of_category(category_id)
