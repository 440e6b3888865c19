"""Which side a done image is on: decided by what never changes, so that it never changes."""

from hashlib import blake2b

from mrcnn_gui.project.annotation import ImageEntry, Side

_VALIDATION_SHARE = 0.2


def side_by_content(content_hash: str) -> Side:
    """By an image's content, so that a copy of it gets the same side."""
    return _side(int(content_hash[:8], 16) / 16**8)


def side_by_name(name: str) -> Side:
    """By a name alone: of a group, so that the side stays when the group grows."""
    digest = blake2b(name.encode("utf-8", "surrogateescape"), digest_size=4).digest()
    return _side(int.from_bytes(digest, "big") / 2**32)


def decided_side(entry: ImageEntry, content_hash: str) -> Side:
    """The side of an image that has none yet: that of its group, else that of its content."""
    return side_by_name(entry.group) if entry.group else side_by_content(content_hash)


def _side(share: float) -> Side:
    return Side.VALIDATION if share < _VALIDATION_SHARE else Side.TRAIN
