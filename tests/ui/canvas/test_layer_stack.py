import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mrcnn_gui.ui.canvas.boxes import Box, overlap
from mrcnn_gui.ui.canvas.compose import compose
from mrcnn_gui.ui.canvas.grid import Grid
from mrcnn_gui.ui.canvas.layer_stack import EMPTY, LayerStack, Rank
from mrcnn_gui.ui.canvas.style import Layer, Style

STYLE = Style(fill=1, border=2, border_width=2, halo=3, halo_width=1)

layers = st.builds(
    lambda width, height, x, y: Layer(np.ones((height, width), bool), x, y, STYLE),
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(-20, 100),
    st.integers(-20, 100),
)
ranks = st.tuples(st.integers(-5, 1), st.integers(0, 2), st.integers(0, 9))
stacks = st.dictionaries(ranks, layers, max_size=12)
boxes = st.tuples(
    st.integers(0, 60), st.integers(0, 60), st.integers(61, 120), st.integers(61, 120)
)


def plain(stack: LayerStack) -> list[tuple[Rank, Layer]]:
    return list(zip(stack.ranks, stack.layers, strict=True))


@given(stacks, st.data())
def test_a_layer_comes_and_goes_as_in_a_sorted_dictionary(
    content: dict[Rank, Layer], data: st.DataObject
) -> None:
    stack = EMPTY
    for rank, layer in content.items():
        stack = stack.over([(rank, layer)])
    assert (
        plain(stack)
        == plain(LayerStack.of(content.items()))
        == sorted(content.items(), key=lambda item: item[0])
    )
    if content:
        gone = data.draw(st.sampled_from(sorted(content)))
        rest = {rank: layer for rank, layer in content.items() if rank != gone}
        assert plain(stack.without([gone])) == plain(LayerStack.of(rest.items()))
        assert stack.box(gone) == content[gone].box_xyxy
        assert plain(stack.below(gone)) == [it for it in plain(stack) if it[0] < gone]
        some = data.draw(st.sets(st.sampled_from(sorted(content))))
        without = stack.without(some)
        assert plain(without) == [it for it in plain(stack) if it[0] not in some]
        again = without.over((rank, content[rank]) for rank in some)
        assert plain(again) == plain(stack)
        np.testing.assert_array_equal(again.boxes, stack.boxes)


@given(stacks, boxes)
def test_layers_are_found_by_where_they_lie(content: dict[Rank, Layer], box: Box) -> None:
    stack = LayerStack.of(content.items())
    found = [stack.ranks[index] for index in stack.touching(box)]
    assert found == sorted(r for r, layer in content.items() if overlap(layer.box_xyxy, box))


@settings(deadline=None, max_examples=40)
@given(stacks, boxes, st.sampled_from([0.31, 1.0, 2.7]))
def test_a_box_equals_the_same_box_of_all_composed(
    content: dict[Rank, Layer], box: Box, scale: float
) -> None:
    stack = LayerStack.of(content.items())
    whole = np.zeros((130, 130), np.uint32)
    compose(whole, (0, 0, 130, 130), stack.layers, Grid(scale, 0, 0))
    part = stack.pixels(scale, box)
    seen = whole[box[1] : box[3], box[0] : box[2]]
    if part is None:
        assert not seen.any()
    else:
        np.testing.assert_array_equal(part, seen)
    assert (stack.cost(scale, box) > 0) or part is None
