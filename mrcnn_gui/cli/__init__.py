"""The command line."""

from mrcnn_gui.cli import data, model, projects
from mrcnn_gui.cli.app import app, run

__all__ = ["app", "data", "model", "projects", "run"]
