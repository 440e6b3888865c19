"""Numbers and names as people read them."""

from collections.abc import Sequence


def plural(count: int, noun: str) -> str:
    """A number and its noun: "1 suggestion", "12 suggestions"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names as people list them: "a", "a and b", "a, b and c", "a, b, c, d and 3 more"."""
    shown = list(names) if len(names) <= most + 1 else [*names[:most], f"{len(names) - most} more"]
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def sentence(text: str) -> str:
    """An error's text as it stands by itself: with a capital letter."""
    return text[:1].upper() + text[1:]


def duration(seconds: float) -> str:
    """As exact as somebody who waits needs it: "8 s", "4 min", "1 h 20 min"."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def size_of_memory(count: int) -> str:
    """Bytes as people read them: "850 MB", "2.1 GB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
