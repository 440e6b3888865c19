"""How a COCO file is taken."""

from dataclasses import dataclass

from mrcnn_gui.project.annotation import ReviewStatus


@dataclass(frozen=True)
class ImportOptions:
    """How a COCO file is taken.

    Attributes:
        status: Given to every image; None puts to-do images that got instances in progress.
        as_stored: Annotations of images that EXIF mirrors or turns by 180 degrees were made on
            the stored pixels. The size does not tell; files say so seldom, most tools show images
            upright. (Where EXIF swaps the sides, the size tells, and this is not asked.)
        follow_links: Also take images that are links to files outside the images folder, and
            those in linked folders. Images that the project has already are taken in any case.
    """

    status: ReviewStatus | None = None
    as_stored: bool = False
    follow_links: bool = False
