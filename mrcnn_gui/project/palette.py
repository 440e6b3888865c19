"""Category colours that stay apart on photographs, for colour-blind eyes too."""

from collections.abc import Collection

from mrcnn_gui.project.annotation import Source

# Okabe and Ito, https://jfly.uni-koeln.de/color/ (without black, which photos swallow), the
# brightest first; then those five of Paul Tol's, https://personal.sron.nl/~pault/, that lie
# furthest from these and from each other for eyes without red, green or blue cones.
CATEGORY_COLORS = (
    "#e69f00",
    "#56b4e9",
    "#cc79a7",
    "#009e73",
    "#f0e442",
    "#d55e00",
    "#0072b2",
    "#aa3377",
    "#99ddff",
    "#999933",
    "#117733",
    "#bbbbbb",
)

# Yellow, blue and vermilion of the same: they differ in lightness, too.
SOURCE_COLORS = {Source.HUMAN: "#f0e442", Source.MODEL: "#d55e00", Source.IMPORTED: "#0072b2"}


def instance_color(instance_id: int) -> str:
    """A colour for an instance; those with neighbouring ids differ."""
    return CATEGORY_COLORS[instance_id % len(CATEGORY_COLORS)]


def next_color(used: Collection[str]) -> str:
    """The first colour that the fewest categories have."""
    counts = [sum(color.lower() == candidate for color in used) for candidate in CATEGORY_COLORS]
    return CATEGORY_COLORS[counts.index(min(counts))]
