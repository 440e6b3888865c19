"""The services that the window is put together from."""

from dataclasses import dataclass

from mrcnn_gui.services.images import Images
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.project_edits import ProjectEdits
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.services.trainer import Trainer
from mrcnn_gui.services.training_planner import TrainingPlanner
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.services.weights import Weights


@dataclass(frozen=True)
class Services:
    """One of each; the window hands every panel only those that it needs."""

    jobs: JobRunner
    session: Session
    project_edits: ProjectEdits
    view_state: ViewState
    images: Images
    segmenter: Segmenter
    trainer: Trainer
    planner: TrainingPlanner
    weights: Weights
    settings: Settings
