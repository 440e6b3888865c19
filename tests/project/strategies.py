"""Random masks, instances, documents and sequences of edits that fit them."""

import numpy as np
from hypothesis import strategies as st

from core.masks import Mask
from mrcnn_gui.project.annotation import (
    Instance,
    Provenance,
    ReviewStatus,
    Source,
    Suggestion,
)
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.edits import (
    AcceptSuggestion,
    AddInstance,
    Batch,
    Edit,
    PaintMask,
    RejectSuggestion,
    RemoveInstance,
    SetAttributes,
    SetCategory,
    SetReviewStatus,
)
from tests.project.samples import CATEGORY_IDS, HEIGHT, WIDTH


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    """Small masks; they may reach out of the image, and may be empty."""
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    packed = draw(st.binary(min_size=5, max_size=5))
    bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8))[: height * width]
    x, y = draw(st.integers(-5, WIDTH - 1)), draw(st.integers(-5, HEIGHT - 1))
    return Mask.from_bitmap(bits.reshape(height, width), x, y)


attributes = st.dictionaries(
    st.text(max_size=4),
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    max_size=3,
)
scores = st.floats(0, 1)
provenances = st.just(Provenance(Source.HUMAN)) | st.builds(
    Provenance, st.sampled_from(Source), st.text(max_size=3), st.none() | scores
)
suggestions = st.builds(
    Suggestion.of, st.sampled_from(["object", "über"]), scores, masks(), st.just("v1")
)


def instances(instance_id: int) -> st.SearchStrategy[Instance]:
    return st.builds(
        Instance,
        st.just(instance_id),
        st.sampled_from(CATEGORY_IDS),
        masks(),
        provenances,
        st.booleans(),
        attributes,
        st.sampled_from(["", '{"id":4,"score":0.25}']),
    )


@st.composite
def edit_for(draw: st.DrawFn, document: ImageDocument, next_id: int) -> Edit:
    """An edit that fits the document as it is."""
    kinds = ["add", "accept", "reject", "status"]
    if document.instances:
        kinds += ["remove", "paint", "paint", "category", "attributes"]
    kind = draw(st.sampled_from(kinds))
    match kind:
        case "add":
            return AddInstance(draw(instances(next_id)))
        case "status":
            return SetReviewStatus(document.status, draw(st.sampled_from(ReviewStatus)))
        case "accept" | "reject":
            suggestion = draw(suggestions.filter(lambda s: s.key not in document.decisions))
            if kind == "reject":
                return RejectSuggestion(suggestion)
            return AcceptSuggestion(suggestion, draw(instances(next_id)))
    instance = draw(st.sampled_from(list(document.instances.values())))
    match kind:
        case "remove":
            return RemoveInstance(instance)
        case "paint":
            return PaintMask(instance.id, draw(masks()))
        case "category":
            after = draw(st.sampled_from(CATEGORY_IDS))
            return SetCategory(instance.id, instance.category_id, after)
    return SetAttributes(instance.id, instance.attributes, draw(attributes))


@st.composite
def edit_sequences(draw: st.DrawFn, document: ImageDocument, max_size: int = 8) -> list[Edit]:
    """Edits that fit one after the other; the document is changed by them."""
    edits: list[Edit] = []
    for number in range(draw(st.integers(1, max_size))):
        edit = draw(edit_for(document, 2 * number + 1))
        document.apply(edit)
        if draw(st.integers(0, 4)) == 0:
            second = draw(edit_for(document, 2 * number + 2))
            document.apply(second)
            edit = Batch((edit, second), "Two at once")
        edits.append(edit)
    return edits


def empty_document(image_id: int = 1) -> ImageDocument:
    return ImageDocument(image_id, WIDTH, HEIGHT)
