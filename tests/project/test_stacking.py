"""Bringing instances up and down changes what is seen as asked, and nothing else."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.edits import AddInstance, Batch, SetOrder
from mrcnn_gui.project.stacking import height, one_down, one_up, to_back, to_front

Stack = dict[int, Instance]


def square(instance_id: int, left: int, side: int = 10, z_order: int = 0) -> Instance:
    mask = Mask.from_bitmap(np.ones((side, side), bool), left, 0)
    return Instance(instance_id, 1, mask, Provenance(Source.HUMAN), z_order=z_order)


def stacked(*instances: Instance) -> Stack:
    return {instance.id: instance for instance in instances}


def after(instances: Stack, edits: list[SetOrder]) -> Stack:
    made = dict(instances)
    for edit in edits:
        assert made[edit.instance_id].z_order == edit.before != edit.after
        made[edit.instance_id] = replace(made[edit.instance_id], z_order=edit.after)
    return made


def order(instances: Stack) -> list[int]:
    return [it.id for it in sorted(instances.values(), key=height)]


def over(instances: Stack) -> set[tuple[int, int]]:
    """(upper, lower) of all that overlap."""
    stack = list(instances.values())
    return {
        (a.id, b.id)
        for a in stack
        for b in stack
        if height(a) > height(b) and not a.mask.intersect(b.mask).is_empty
    }


def test_an_explicit_order_wins_over_the_size() -> None:
    large, small = square(1, 0, 30, z_order=1), square(2, 0, 10)
    assert order(stacked(large, small)) == [2, 1]
    assert order(stacked(replace(large, z_order=0), small)) == [1, 2]


def test_to_front_and_to_back_keep_the_order_of_what_is_moved() -> None:
    stack = stacked(*(square(key, 0) for key in range(1, 6)))
    assert order(after(stack, to_front(stack, [3, 1]))) == [2, 4, 5, 1, 3]
    assert order(after(stack, to_back(stack, [3, 4]))) == [3, 4, 1, 2, 5]
    assert to_front(stack, list(stack)) == []


def test_one_up_passes_what_it_touches_only() -> None:
    stack = stacked(square(1, 0), square(2, 100), square(3, 5), square(4, 5))
    edits = one_up(stack, 1)
    assert over(after(stack, edits)) == (over(stack) - {(3, 1)}) | {(1, 3)}
    assert 2 not in [edit.instance_id for edit in edits]
    assert one_up(stack, 2) == one_down(stack, 2) == one_up(stack, 4) == []


stacks = st.lists(
    st.tuples(st.integers(0, 30), st.integers(3, 15), st.integers(-2, 2)), min_size=2, max_size=9
).map(lambda rows: stacked(*(square(key, *row) for key, row in enumerate(rows, start=1))))


@settings(deadline=None)
@given(stacks, st.data())
def test_one_step_swaps_one_pair_and_back(stack: Stack, data: st.DataObject) -> None:
    chosen = data.draw(st.sampled_from(sorted(stack)))
    for move in (one_up, one_down):
        made = after(stack, move(stack, chosen))
        changed = over(made) - over(stack)
        assert len(changed) <= 1
        assert {(lower, upper) for upper, lower in over(stack) - over(made)} == changed
        assert all(chosen in pair for pair in changed)


@given(stacks)
def test_many_orders_in_one_batch_are_sorted_and_undone(stack: Stack) -> None:
    document = ImageDocument(1, 100, 100)
    for instance in stack.values():
        document.apply(AddInstance(instance))
    before = dict(document.instances)
    edits = tuple(SetOrder(key, it.z_order, 7 - key) for key, it in document.instances.items())
    batch = Batch(edits, "")
    document.apply(batch)
    assert list(document.instances) == sorted(stack, reverse=True)
    document.apply(batch.inverse())
    assert list(document.instances.items()) == list(before.items())
