"""What becomes of recorded graphs where memory is short; fakes stand for the device."""

from typing import Any, cast
from weakref import WeakSet

import pytest
import torch

from core.model.graphs import GraphedModel

BATCH, SIZES = torch.zeros(1, 3, 32, 32), torch.tensor([[32, 32]])


class _Full:
    """A graph that cannot be replayed."""

    def replay(self, *_: object) -> None:
        raise torch.OutOfMemoryError("full")


def test_graphs_are_given_up_where_the_memory_does_not_suffice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: WeakSet[_Full] = WeakSet()
    recorded, held_in_passes, found = 0, [], object()

    def record(*_: object) -> _Full:
        nonlocal recorded
        recorded += 1
        graph = _Full()
        held.add(graph)
        return graph

    def predict(*_: object) -> object:
        held_in_passes.append(len(held))
        return found

    monkeypatch.setattr(GraphedModel, "_record", record)
    monkeypatch.setattr("core.model.graphs.predict_padded", predict)
    graphed = GraphedModel(cast("Any", None), cast("Any", None))
    assert all(graphed(BATCH, SIZES) is found for _ in range(4))
    assert held_in_passes == [0] * 4
    assert recorded == 1


def test_memory_that_is_too_small_without_graphs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def predict(*_: object) -> None:
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr("core.model.graphs.predict_padded", predict)
    with pytest.raises(torch.OutOfMemoryError):
        GraphedModel(cast("Any", None), cast("Any", None))(BATCH, SIZES)
