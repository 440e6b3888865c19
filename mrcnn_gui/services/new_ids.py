"""Ids for what is about to be made."""

from mrcnn_gui.services.session import Session


def new_region_id(session: Session) -> int:
    """An id that no region of the open project has or ever had."""
    return session.store.new_region_id()
