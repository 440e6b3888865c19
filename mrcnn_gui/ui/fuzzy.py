"""Finding words by a few of their letters."""

_NEXT, _WORD_START, _ANYWHERE = 9, 8, 1


def fuzzy_score(wanted: str, text: str) -> int | None:
    """How well letters fit a text: all must occur in it, in their order; blanks do not count.

    Letters at the start of a word and letters that follow each other are worth more; of equally
    good texts the shorter one wins.

    Returns:
        A number that is higher for a better fit; None where a letter is missing.
    """
    letters, text = wanted.replace(" ", "").casefold(), text.casefold()
    best: dict[int, int] = {-1: 0}  # place of the last letter used: score so far
    for letter in letters:
        reached: dict[int, int] = {}
        for place in (it for it, found in enumerate(text) if found == letter):
            scores = [
                score + _worth(text, place, last) for last, score in best.items() if last < place
            ]
            if scores:
                reached[place] = max(scores)
        best = reached
    return max(best.values()) * 100 - len(text) if best else None


def _worth(text: str, place: int, last: int) -> int:
    if last >= 0 and place == last + 1:
        return _NEXT
    return _WORD_START if place == 0 or not text[place - 1].isalnum() else _ANYWHERE
