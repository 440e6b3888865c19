"""Category colours that stay apart on photographs, for colour-blind eyes too."""

from collections.abc import Collection

# Okabe and Ito, https://jfly.uni-koeln.de/color/ (without black, which photos swallow), the
# brightest first; then five of Paul Tol's, https://personal.sron.nl/~pault/.
CATEGORY_COLORS = (
    "#e69f00",
    "#56b4e9",
    "#cc79a7",
    "#009e73",
    "#f0e442",
    "#d55e00",
    "#0072b2",
    "#aa3377",
    "#44aa99",
    "#bbcc33",
    "#ee8866",
    "#99ddff",
)


def next_color(used: Collection[str]) -> str:
    """The first colour that the fewest categories have."""
    counts = [sum(color.lower() == candidate for color in used) for candidate in CATEGORY_COLORS]
    return CATEGORY_COLORS[counts.index(min(counts))]
