"""Where an instance comes from that once was a suggestion."""

from collections.abc import Iterable

from mrcnn_gui.project.annotation import Decision, Instance, Source, Suggestion, Verdict


def origin_of(instance: Instance, decisions: Iterable[Decision]) -> Suggestion | None:
    """The accepted suggestion that an instance was made of; None when it was made otherwise.

    Of several with the version and score that the instance names, the one most like it.
    """
    made_by = instance.provenance
    if made_by.source is not Source.MODEL:
        return None
    accepted = (
        decision.suggestion
        for decision in decisions
        if decision.verdict is Verdict.ACCEPTED
        and decision.suggestion.model_version == made_by.model_version
        and decision.suggestion.score == made_by.score
    )
    return max(accepted, key=lambda it: it.mask.intersect(instance.mask).area, default=None)
