"""The one table of commands: menus, tool bars and the sheet of shortcuts are built from it."""

# ruff: noqa: E501 - in the table one command is one line

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QMenuBar, QWidget

from mrcnn_gui.ui.theme import icon


@dataclass(frozen=True)
class Command:
    """What a person can ask for.

    Attributes:
        id: Unique name of the command.
        menu: Title of the menu it stands in.
        text: Its words there.
        keys: Its shortcuts, the first is the one shown.
        tooltip: One line that says what it does.
        slot: "target.method" that it calls.
        needs: Facts that must hold for it to be enabled, see `action_states`.
        icon: Name of its icon.
        argument: Handed to the method when not None.
        checkable: Whether it shows a state.
        gap: Whether a separator goes before it in its menu.
        on_canvas: Whether its keys hold only while the canvas has the keyboard.
    """

    id: str
    menu: str
    text: str
    keys: tuple[str, ...]
    tooltip: str
    slot: str
    needs: str = "project"
    icon: str = ""
    argument: str | int | None = None
    checkable: bool = False
    gap: bool = False
    on_canvas: bool = False


MENUS = (
    "&File",
    "&Edit",
    "&Tools",
    "Mas&k",
    "I&nstance",
    "&Category",
    "&Image",
    "&Model",
    "&View",
    "&Help",
)
_FILE, _EDIT, _TOOLS, _MASK, _INSTANCE, _CATEGORY, _IMAGE, _MODEL, _VIEW, _HELP = MENUS

# fmt: off
COMMANDS: tuple[Command, ...] = (
    Command("new", _FILE, "&New project…", ("Ctrl+N",), "Make a project from a folder of images", "project.ask_new", "", "new"),
    Command("open", _FILE, "&Open folder or project…", ("Ctrl+O",), "Open a folder of images, or a project", "project.ask_open", "", "open"),
    Command("sample", _FILE, "&Try the sample project…", ("Ctrl+Alt+N",), "Make a project of generated images to try everything on", "project.ask_sample", ""),
    Command("import", _FILE, "&Import COCO JSON…", ("Ctrl+I",), "Bring the annotations of a COCO file into this project", "project.ask_import", "writable", "import", gap=True),
    Command("import_results", _FILE, "Import COCO &results…", ("Ctrl+Shift+I",), "Make what another model found suggestions of this project", "project.ask_import_results", "writable", "import"),
    Command("export", _FILE, "&Export COCO JSON…", ("Ctrl+E",), "Write the annotations as one COCO file", "project.ask_export", "project", "export"),
    Command("relink", _FILE, "Find &moved images…", ("Ctrl+Shift+F",), "Look for the files of missing images in another folder", "project.ask_relink", "writable", "search"),
    Command("close", _FILE, "&Close project", ("Ctrl+W",), "Close the project; everything is saved already", "project.close", "project"),
    Command("quit", _FILE, "&Quit", ("Ctrl+Q",), "End the program", "window.close", "", gap=True),

    Command("undo", _EDIT, "&Undo", ("Ctrl+Z",), "Take back the last change of this image", "session.undo", "undo writable", "undo"),
    Command("redo", _EDIT, "&Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Make the undone change again", "session.redo", "redo writable", "redo"),
    Command("project_history", _EDIT, "Project &history…", ("Ctrl+Shift+H",), "Changes over many images: undo and redo them as one", "project.show_history", "project", "history"),
    Command("copy", _EDIT, "&Copy instances", ("Ctrl+C",), "Remember the selected instances, to paste them here or on another image", "clipboard.copy", "instance", gap=True),
    Command("paste", _EDIT, "&Paste instances", ("Ctrl+V",), "Add what was copied, at the same place or beside it", "clipboard.paste", "image writable"),
    Command("duplicate", _EDIT, "Dup&licate instances", ("Ctrl+J",), "Add a copy of each selected instance beside it", "clipboard.duplicate", "instance writable"),
    Command("delete", _EDIT, "&Delete instance", ("Delete",), "Delete the selected instances", "edit.delete_instances", "instance writable", "delete", gap=True),
    Command("select_all", _EDIT, "Select &all", ("Ctrl+A",), "Select every instance that is shown", "edit.select_all", "image", gap=True),
    Command("select_category", _EDIT, "Select all of the cate&gory", ("Ctrl+Shift+A",), "Select every instance of the active category", "edit.select_category", "image"),
    Command("deselect", _EDIT, "D&eselect", ("Ctrl+D", "Esc"), "Select nothing: the brush begins a new instance", "edit.deselect", "image"),

    Command("select", _TOOLS, "&Select and move", ("V",), "Click an instance to select it, drag to move it", "edit.use_tool", "image", "select", "select", True),
    Command("vertex", _TOOLS, "Edit &vertices", ("A",), "Drag vertices of the selected instance, drag a line to insert one; Delete removes", "edit.use_tool", "image writable", "vertex", "vertex", True),
    Command("brush", _TOOLS, "&Brush", ("B",), "Paint into the selected instance, or a new one", "edit.use_tool", "image writable", "brush", "brush", True),
    Command("eraser", _TOOLS, "&Eraser", ("E",), "Erase from the selected instance, or from the one under the cursor", "edit.use_tool", "image writable", "eraser", "eraser", True),
    Command("polygon", _TOOLS, "&Polygon", ("P",), "Click corners; a double click or Enter closes. Shift adds to the selected instance, Ctrl takes away", "edit.use_tool", "image writable", "polygon", "polygon", True),
    Command("lasso", _TOOLS, "&Lasso", ("L",), "Drag around an object; Shift adds to the selected instance, Ctrl takes away", "edit.use_tool", "image writable", "lasso", "lasso", True),
    Command("rectangle", _TOOLS, "&Rectangle", ("R",), "Drag from corner to corner; Shift adds to the selected instance, Ctrl takes away", "edit.use_tool", "image writable", "rectangle", "rectangle", True),
    Command("wand", _TOOLS, "Magic &wand", ("W",), "Press on a colour, drag right for more of it; Shift adds to the selected instance, Ctrl takes away", "edit.use_tool", "image writable", "wand", "wand", True),
    Command("box_prompt", _TOOLS, "Bo&x prompt", ("X",), "Drag a box around an object: the model fills it", "edit.use_tool", "image writable", "box-prompt", "box_prompt", True),
    Command("click_prompt", _TOOLS, "Clic&k prompt", ("C",), "Click an object: the wheel shows the model's candidates, Enter or a click accepts", "edit.use_tool", "image writable", "click-prompt", "click_prompt", True),
    Command("cut", _TOOLS, "&Cut apart", ("K",), "Drag across an instance from edge to edge; Shift keeps the line straight", "edit.use_tool", "image writable", "cut", "cut", True),
    Command("region", _TOOLS, "Mark regio&n", ("G",), "Drag around an area in which everything is labelled: it teaches before the image is done. Shift marks an area to be ignored, Ctrl clears", "edit.use_tool", "image writable", "region", "region", True),
    Command("smaller", _TOOLS, "S&maller brush", ("[",), "Make the brush smaller", "edit.scale_radius", "image", argument=-1, gap=True),
    Command("larger", _TOOLS, "Lar&ger brush", ("]",), "Make the brush larger", "edit.scale_radius", "image", argument=1),

    Command("overlap", _TOOLS, "Next &overlap mode", ("O",), "New paint may overlap others, yield to them, or take from them", "edit.next_overlap", "image writable", gap=True),

    Command("merge", _MASK, "&Merge selected", ("M",), "Unite the selected instances into the one selected first", "mask.merge", "several writable", "merge"),
    Command("subtract_others", _MASK, "&Subtract others from first", ("Shift+S",), "Take from the instance selected first what the others have", "mask.subtract_others", "several writable"),
    Command("subtract_first", _MASK, "Subtract &first from others", ("Shift+D",), "Take from the other selected instances what the first has", "mask.subtract_first", "several writable"),
    Command("intersect", _MASK, "&Intersect", ("Shift+I",), "Leave the instance selected first only what all selected have", "mask.intersect", "several writable"),
    Command("split", _MASK, "S&plit into parts", ("Shift+P",), "Make each connected part an instance of its own", "mask.split", "instance writable"),
    Command("fill_holes", _MASK, "Fill &holes", ("Shift+H",), "Fill what the selected masks enclose", "mask.fill_holes", "instance writable", gap=True),
    Command("keep_largest", _MASK, "Keep &largest part", ("Shift+L",), "Remove all but the largest connected part of each selected mask", "mask.keep_largest", "instance writable"),
    Command("smooth", _MASK, "Sm&ooth", ("Shift+O",), "Round off the edges of the selected masks", "mask.smooth", "instance writable"),
    Command("grow", _MASK, "&Grow by a pixel", ("Ctrl+]",), "Make the selected masks one pixel larger all around", "mask.grow", "instance writable", argument=1, gap=True),
    Command("shrink", _MASK, "Shrin&k by a pixel", ("Ctrl+[",), "Make the selected masks one pixel smaller all around", "mask.grow", "instance writable", argument=-1),
    Command("grow_by", _MASK, "Grow or shrink &by…", ("Ctrl+Shift+G",), "Make the selected masks larger or smaller by a number of pixels", "mask.ask_grow", "instance writable"),

    Command("next_instance", _INSTANCE, "&Next instance", (".",), "Select the next instance and zoom to it", "review.step_instance", "image", argument=1),
    Command("previous_instance", _INSTANCE, "&Previous instance", (",",), "Select the previous instance and zoom to it", "review.step_instance", "image", argument=-1),
    Command("lock", _INSTANCE, "&Lock or unlock", ("Ctrl+L",), "Lock the selected instances: nothing on the canvas touches them; or unlock them", "instance.toggle_locked", "instance writable", "locked", gap=True),
    Command("unlock_all", _INSTANCE, "Unlo&ck all", ("Ctrl+Shift+L",), "Unlock every instance of this image", "instance.unlock_all", "image writable", "unlocked"),
    Command("hide_one", _INSTANCE, "&Hide or show", ("Ctrl+H",), "Hide the selected instances, or show them again", "instance.toggle_hidden", "instance", "hidden", gap=True),
    Command("solo", _INSTANCE, "Show &only these", ("S",), "Hide all but the selected instances, or show all again", "instance.toggle_solo", "instance"),
    Command("hide_all", _INSTANCE, "Hide or show &all", ("H",), "Hide all instances of this image, or show them again", "instance.toggle_all_hidden", "image"),
    Command("show_all", _INSTANCE, "&Show all", ("U",), "Show every hidden instance again", "instance.show_all", "image", "visible"),
    Command("raise_one", _INSTANCE, "One &up", ("Ctrl+Up",), "Draw the selected instance over the next one that it touches", "instance.raise_one", "instance writable", gap=True),
    Command("lower_one", _INSTANCE, "One &down", ("Ctrl+Down",), "Draw the selected instance under the next one that it touches", "instance.lower_one", "instance writable"),
    Command("bring_to_front", _INSTANCE, "Bring to &front", ("Ctrl+Shift+Up",), "Draw the selected instances over all others", "instance.bring_to_front", "instance writable"),
    Command("send_to_back", _INSTANCE, "Send to &back", ("Ctrl+Shift+Down",), "Draw the selected instances under all others", "instance.send_to_back", "instance writable"),

    Command("add_category", _CATEGORY, "&Add category…", ("Ctrl+Shift+N",), "Add a category of objects", "categories.ask_new", "writable", "add"),
    Command("rename_category", _CATEGORY, "&Rename category", ("F2",), "Rename the active category", "categories.rename_active", "writable", "rename"),
    Command("recolour_category", _CATEGORY, "Re&colour category…", ("Ctrl+Shift+K",), "Choose another colour for the active category", "categories.ask_color", "writable", "colour"),
    Command("merge_category", _CATEGORY, "&Merge category into…", ("Ctrl+Shift+M",), "Make all instances of the active category instances of another", "categories.ask_merge", "writable", "merge"),
    Command("delete_category", _CATEGORY, "&Delete category…", ("Ctrl+Shift+Delete",), "Remove the active category with all its instances", "categories.ask_delete", "writable", "delete"),
    *(
        Command(f"category_{key}", _CATEGORY, f"Category &{key}", (str(key),), f"Use the category with key {key}: selected instances get it, a selected suggestion is accepted as it", "review.use_category", "project", argument=key, gap=key == 1)
        for key in range(1, 10)
    ),

    Command("previous", _IMAGE, "&Previous image", ("Left", "PgUp"), "Go to the previous image", "edit.step_image", "image", "previous", -1),
    Command("next", _IMAGE, "&Next image", ("Right", "PgDown"), "Go to the next image", "edit.step_image", "image", "next", 1),
    Command("next_todo", _IMAGE, "Next image &to do", ("N",), "Go to the next image that is not done", "session.next_todo", "project"),
    Command("done", _IMAGE, "Image is &done", ("D",), "Mark this image done: it is exported, and the model learns from it", "edit.toggle_done", "image writable", "done", checkable=True, gap=True),
    Command("keep_for_test", _IMAGE, "&Keep for test", ("Shift+T",), "Keep this image apart: no version learns from it; evaluations measure on it", "project.toggle_test", "image writable", checkable=True),
    Command("find", _IMAGE, "&Find image…", ("Ctrl+F",), "Search the image list by name", "images.focus_search", "project", "search", gap=True),

    Command("presegment", _MODEL, "&Pre-segment this image", ("Space",), "Let the model suggest masks for this image", "model.presegment_image", "image writable", "presegment"),
    Command("presegment_all", _MODEL, "Pre-segment &all to do", ("Ctrl+Space",), "Let the model suggest masks for every image to do", "model.presegment_todo", "writable segmenter_idle"),
    Command("cancel_presegment", _MODEL, "&Cancel pre-segmentation", ("Ctrl+.",), "Stop after the image at hand, or its tile; what is there stays", "segmenter.cancel", "segmenter_runs"),
    Command("tiles", _MODEL, "Large images tile b&y tile", ("Ctrl+Alt+I",), "Look at large images in overlapping tiles: small objects are found, and each tile takes as long as an image", "model.toggle_tiles", "", checkable=True),
    Command("accept", _MODEL, "Accept &suggestion", ("Return", "Enter"), "Make the suggestion under the cursor, or the selected one, an instance", "review.accept", "suggestions writable", "done", gap=True),
    Command("accept_all", _MODEL, "Accept a&ll visible", ("Shift+Return", "Shift+Enter"), "Accept every suggestion that is shown", "segmenter.accept_all_visible", "suggestions writable", "accept-all"),
    Command("reject", _MODEL, "&Reject suggestion", ("Backspace",), "Reject the suggestion under the cursor, or the selected one", "review.reject", "suggestions writable"),
    Command("next_suggestion", _MODEL, "&Next suggestion", ("Tab",), "Select the next suggestion, best first, and bring it into view", "review.step_suggestion", "suggestions", argument=1, on_canvas=True),
    Command("previous_suggestion", _MODEL, "Pre&vious suggestion", ("Shift+Tab",), "Select the previous suggestion, and bring it into view", "review.step_suggestion", "suggestions", argument=-1, on_canvas=True),
    Command("fine_tune", _MODEL, "&Fine-tune", ("Ctrl+T",), "Train the model on the done images", "training.fine_tune", "training_ready", "fine-tune", gap=True),
    Command("show_plan", _MODEL, "Sh&ow the plan first", ("Ctrl+Alt+P",), "Show before a fine-tune what it will do, or begin it at once", "training.toggle_plan", "", checkable=True),
    Command("get_weights", _MODEL, "Get &weights…", ("Ctrl+Shift+W",), "Download published weights, or add a file, as a model version", "model.ask_weights", "writable"),
    Command("compute", _MODEL, "Co&mpute on…", ("Ctrl+Alt+M",), "Choose the device and the precision that models compute with", "model.ask_compute", ""),
    Command("versions", _MODEL, "Model v&ersions…", ("Ctrl+Alt+V",), "Compare, use, delete, export and import versions of the model", "training.show_versions", "project", "history"),
    Command("evaluate", _MODEL, "Evaluat&ion…", ("Ctrl+Alt+E",), "See on done images where a version is right and wrong", "training.show_evaluation", "project", "search"),
    Command("pause_training", _MODEL, "Pa&use training", ("Ctrl+Alt+U",), "Put the training aside after its step, to go on later", "trainer.pause", "training", "pause", gap=True),
    Command("resume_training", _MODEL, "Resume trainin&g", ("Ctrl+Alt+R",), "Go on with the training that was paused or interrupted", "trainer.resume", "training_unfinished", "resume"),
    Command("stop_training", _MODEL, "Stop training, &keep best", ("Ctrl+Shift+T",), "End the training now and keep the best version so far", "trainer.stop", "training", "stop"),
    Command("cancel_training", _MODEL, "Cancel &training", ("Ctrl+Shift+Backspace",), "End the training now and keep nothing of it", "training.ask_cancel", "training", "cancel"),
    Command("keep_unfinished", _MODEL, "Keep the &best of the unfinished run", ("Ctrl+Alt+B",), "Make a version of the best that a paused or interrupted training has learned", "trainer.keep_unfinished", "training_keepable", "done"),
    Command("discard_unfinished", _MODEL, "&Discard the unfinished run", ("Ctrl+Alt+D",), "Remove what a paused or interrupted training has learned", "training.ask_discard", "training_unfinished", "delete"),

    Command("fit", _VIEW, "&Fit image", ("F",), "Show the whole image", "canvas.fit", "image", "fit"),
    Command("zoom_100", _VIEW, "&Actual size", ("Ctrl+1",), "One image pixel on one screen pixel", "canvas.zoom_100", "image", "actual-size"),
    Command("zoom_in", _VIEW, "Zoom &in", ("Ctrl++", "Ctrl+="), "Show the image larger", "canvas.zoom_in", "image"),
    Command("zoom_out", _VIEW, "Zoom &out", ("Ctrl+-",), "Show the image smaller", "canvas.zoom_out", "image"),

    Command("next_form", _VIEW, "Ne&xt form of masks", ("Shift+F",), "Draw of masks fill and outline, the fill alone, or the outline alone", "look.next_form", "image", gap=True),
    Command("next_color_by", _VIEW, "Next &colours", ("Shift+C",), "Colour masks by category, by instance, or by source", "look.next_color_by", "image", "colour"),
    Command("more_opaque", _VIEW, "More opa&que", ("Ctrl+Alt+Right",), "Make the insides of the masks denser", "look.change_opacity", "image", argument=1),
    Command("less_opaque", _VIEW, "L&ess opaque", ("Ctrl+Alt+Left",), "Make the insides of the masks thinner", "look.change_opacity", "image", argument=-1),
    Command("peek", _VIEW, "Image only &while held", ("Q",), "Show the image without masks as long as the key is held", "look.peek", "image", gap=True),
    Command("only_image", _VIEW, "I&mage only", ("Shift+Q",), "Show the image without masks, or with them", "look.toggle_only_image", "image", checkable=True),
    Command("origin", _VIEW, "&Suggestion of the instance", ("Y",), "Show what the model suggested before the selected instance was corrected", "look.toggle_origin", "image", checkable=True),
    Command("pixel_grid", _VIEW, "Pixel &grid", ("Shift+G",), "Show the borders of pixels above 800 %", "look.toggle_guide", "image", argument="pixel_grid", checkable=True, gap=True),
    Command("crosshair", _VIEW, "C&rosshair", ("Shift+X",), "Show lines through the cursor", "look.toggle_guide", "image", argument="crosshair", checkable=True),
    Command("minimap", _VIEW, "Mi&nimap", ("Shift+M",), "Show where the view lies on the image; drag to move it", "look.toggle_guide", "image", argument="minimap", checkable=True),
    Command("reset_tone", _VIEW, "Reset &tones", ("Ctrl+R",), "Show brightness, contrast and gamma of the image as they are", "look.reset_tone", "project", "undo", gap=True),
    Command("clear_filter", _VIEW, "Clear fi&lter of instances", ("Ctrl+U",), "Show the instances that the filter leaves out", "view_state.clear_filter", "filter", "cancel"),

    Command("palette", _HELP, "&Find a command…", ("Ctrl+K", "Ctrl+Shift+P"), "Type a few letters of any command and press Enter", "help.show_palette", "", "search"),
    Command("shortcuts", _HELP, "Keyboard &shortcuts", ("?", "F1"), "Show every shortcut", "help.show_shortcuts", ""),
    Command("change_shortcuts", _HELP, "&Change shortcuts…", ("Ctrl+Alt+K",), "Give commands other keys", "help.change_shortcuts", ""),
)
# fmt: on

GESTURES: tuple[tuple[str, str], ...] = (
    ("Wheel", "Zoom to the cursor"),
    ("Shift + click", "Select one more, or one less (Select)"),
    ("Shift + drag", "Select all in the frame (Select)"),
    ("Shift + draw", "Areas: add to the selected instance"),
    ("Ctrl + draw", "Areas: take away from the selected instance"),
    ("Shift + press", "Brush, eraser, cut: a straight line"),
    ("Arrows", "Nudge by a pixel, with Shift by ten"),
    ("← →", "With nothing selected: previous and next image"),
    ("Middle drag", "Move the view"),
    ("Shift + wheel", "Change the radius of the brush"),
    ("Esc", "Cancel what is being drawn, or deselect"),
)
"""What the mouse does on the canvas, for the sheet of shortcuts."""


def build_actions(window: QMainWindow, targets: Mapping[str, object]) -> dict[str, QAction]:
    """One action for each command, calling its slot on the target of that name.

    Their keys come from a `Keymap`.

    Raises:
        KeyError, AttributeError: A slot names a target or a method that is not there.
    """
    return {command.id: _build(command, window, targets) for command in COMMANDS}


def build_menus(bar: QMenuBar, actions: Mapping[str, QAction]) -> dict[str, QMenu]:
    """Fill the menu bar; returns its menus by plain name, such as "File"."""
    menus = {title: bar.addMenu(title) for title in MENUS}
    for command in COMMANDS:
        if command.gap:
            menus[command.menu].addSeparator()
        menus[command.menu].addAction(actions[command.id])
    return {title.replace("&", ""): menu for title, menu in menus.items()}


def bind_canvas_keys(canvas: QWidget, actions: Mapping[str, QAction]) -> None:
    """Let the keys that only hold on the canvas hold there."""
    for command in COMMANDS:
        if command.on_canvas:
            canvas.addAction(actions[command.id])


def words_of_keys(keys: Iterable[str]) -> str:
    """Shortcuts in the platform's words."""
    native = QKeySequence.SequenceFormat.NativeText
    return ", ".join(dict.fromkeys(QKeySequence(each).toString(native) for each in keys))


def _build(command: Command, window: QMainWindow, targets: Mapping[str, object]) -> QAction:
    action = QAction(command.text, window)
    action.setObjectName(command.id)
    if command.on_canvas:
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
    action.setStatusTip(command.tooltip)
    action.setCheckable(command.checkable)
    if command.icon:
        action.setIcon(icon(command.icon))
        action.setIconVisibleInMenu(False)
    action.triggered.connect(_caller(command, targets))
    return action


def _caller(command: Command, targets: Mapping[str, object]) -> Callable[[], object]:
    name, _, method = command.slot.partition(".")
    slot = attrgetter(method)(targets[name])
    call = slot if command.argument is None else partial(slot, command.argument)
    return lambda: call()  # `triggered` sends whether it is checked: no slot wants that
