"""All tools by name."""

from mrcnn_gui.ui.canvas.tools.box_prompt import BoxPromptTool
from mrcnn_gui.ui.canvas.tools.brush import BrushTool, EraserTool
from mrcnn_gui.ui.canvas.tools.click_prompt import ClickPromptTool
from mrcnn_gui.ui.canvas.tools.context import Tool
from mrcnn_gui.ui.canvas.tools.cut import CutTool
from mrcnn_gui.ui.canvas.tools.lasso import LassoTool
from mrcnn_gui.ui.canvas.tools.polygon import PolygonTool
from mrcnn_gui.ui.canvas.tools.rectangle import RectangleTool
from mrcnn_gui.ui.canvas.tools.region import RegionTool
from mrcnn_gui.ui.canvas.tools.select import SelectTool
from mrcnn_gui.ui.canvas.tools.vertex import VertexTool
from mrcnn_gui.ui.canvas.tools.wand import WandTool

TOOLS: dict[str, type[Tool]] = {
    "select": SelectTool,
    "vertex": VertexTool,
    "brush": BrushTool,
    "eraser": EraserTool,
    "polygon": PolygonTool,
    "lasso": LassoTool,
    "rectangle": RectangleTool,
    "wand": WandTool,
    "box_prompt": BoxPromptTool,
    "click_prompt": ClickPromptTool,
    "cut": CutTool,
    "region": RegionTool,
}
