"""A tiny project to fine-tune on, and a window on it that a test drives through a real training."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.learning.progress import Progress, Stop
from core.model.checkpoint import save_model
from core.model.mask_rcnn import MaskRCNN
from mrcnn_gui.app import make_services
from mrcnn_gui.project.annotation import Instance, Provenance, ReviewStatus, Side, Source
from mrcnn_gui.project.store import PROJECT_FOLDER, Store
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.services.trainer import Trainer, run_finetune
from mrcnn_gui.ui.services import Services
from mrcnn_gui.workflows.finetune import FinetuneOptions, FinetuneResult
from mrcnn_gui.workflows.finetune_options import RunOrder
from tests.helpers.photos import write_photos
from tests.services.conftest import square
from tests.workflows.conftest import TINY

EPOCHS = 3
_OPTIONS = FinetuneOptions(epochs=EPOCHS, device="cpu", settings={"batch_size": 1})
SET_UP = "set-up"


def make_project(folder: Path) -> Path:
    """Three done photos with an instance each: two to learn from, one to judge on."""
    folder.mkdir()
    write_photos(folder, 3)
    with Store.create(folder / PROJECT_FOLDER) as store:
        category = store.add_category("object")
        for entry in store.add_images(sorted(folder.glob("*.png"))):
            instance = Instance(
                store.new_instance_id(), category.id, square(8, 8, 20), Provenance(Source.HUMAN)
            )
            store.insert_instances(entry.id, [instance])
            store.set_status(entry.id, ReviewStatus.DONE)
            store.set_side(entry.id, Side.VALIDATION if entry.id == 3 else Side.TRAIN)
    return folder / PROJECT_FOLDER


def make_starter(folder: Path) -> Path:
    """A model that knows nothing."""
    save_model(folder, MaskRCNN(TINY, seed=1), {})
    return folder


class Gate:
    """Holds a run when it comes to a phase, until a test lets it go on."""

    def __init__(self, phase: str = "") -> None:
        self.phase, self.at = phase, SET_UP
        self.reached, self.opened = threading.Event(), threading.Event()

    def finetune(
        self,
        folder: Path,
        order: RunOrder,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], Stop],
    ) -> FinetuneResult:
        """Train as the program does, in a few short epochs."""

        def tell(progress: Progress) -> None:
            on_progress(progress)
            self.at = progress.phase

        def ask() -> Stop:
            if self.at == self.phase and not self.opened.is_set():
                self.reached.set()
                assert self.opened.wait(60), "nobody opened the gate"
            return should_stop()

        self.at = SET_UP
        return run_finetune(folder, RunOrder(order.run_id, _OPTIONS), tell, ask)


def services_with(gate: Gate, settings: Path) -> Services:
    """The services as the program makes them, with a training that stops at a gate."""
    made = make_services(Settings(settings))
    trainer = Trainer(made.session, made.segmenter, made.jobs, finetune=gate.finetune)
    return replace(made, trainer=trainer)
