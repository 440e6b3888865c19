"""Numbers and names as people read them."""


def plural(count: int, noun: str) -> str:
    """A number and its noun: "1 suggestion", "12 suggestions"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def duration(seconds: float) -> str:
    """As exact as somebody who waits needs it: "8 s", "4 min", "1 h 20 min"."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
