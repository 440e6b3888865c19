"""Prediction on a GPU as one CUDA graph per size of batch: the host starts it and is free."""

from collections import OrderedDict
from contextlib import suppress
from threading import Lock

import torch
from torch import Tensor

from core.model.fixed_shape import PaddedPrediction, predict_padded
from core.model.mask_rcnn import MaskRCNN
from core.model.structures import Selection

_WARM_UP = 2  # runs before recording: they choose algorithms and compile kernels
_MOST_GRAPHS = 6  # each holds its own memory


class GraphedModel:
    """Records the prediction of a batch the second time its size comes, then replays it.

    Recording takes longer than an image: it must pay. Threads may share it, one at a time. Where
    the memory does not suffice, the graphs are given up, and fewer are kept from then on.

    Args:
        model: for inference, on a CUDA device; its weights must not change.
        selection: which boxes to keep.
    """

    def __init__(self, model: MaskRCNN, selection: Selection) -> None:
        self._model = model
        self._selection = selection
        self._graphs: OrderedDict[torch.Size, _Recorded] = OrderedDict()
        self._most = _MOST_GRAPHS
        self._seen: set[torch.Size] = set()
        self._lock = Lock()

    @torch.inference_mode()
    def __call__(self, batch: Tensor, sizes: Tensor) -> PaddedPrediction:
        """Predict; see `predict_padded`. What is returned stays valid.

        Raises:
            torch.OutOfMemoryError: The memory does not suffice without any graph, either.
        """
        with self._lock:
            with suppress(torch.OutOfMemoryError):
                return self._quickly(batch, sizes)
            # The error is gone, and with it all that it held.
            self._most = max(len(self._graphs) - 1, 0)
            self._graphs.clear()
            torch.cuda.empty_cache()
            return predict_padded(self._model, batch, sizes, self._selection)

    def _quickly(self, batch: Tensor, sizes: Tensor) -> PaddedPrediction:
        if batch.shape not in self._seen or self._most == 0:
            self._seen.add(batch.shape)
            return predict_padded(self._model, batch, sizes, self._selection)
        return self._recorded_for(batch, sizes).replay(batch, sizes)

    def _recorded_for(self, batch: Tensor, sizes: Tensor) -> "_Recorded":
        recorded = self._graphs.get(batch.shape)
        if recorded is None:
            recorded = self._graphs[batch.shape] = self._record(batch, sizes)
            if len(self._graphs) > self._most:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(batch.shape)
        return recorded

    def _record(self, batch: Tensor, sizes: Tensor) -> "_Recorded":
        inputs = (batch.clone(memory_format=torch.channels_last), sizes.clone())
        before, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, True
        try:
            return self._recorded(inputs)
        finally:
            torch.backends.cudnn.benchmark = before

    def _recorded(self, inputs: tuple[Tensor, Tensor]) -> "_Recorded":
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                predict_padded(self._model, *inputs, self._selection)
            # The graph reads the anchors where they lie: they must not be forgotten before it is.
            anchors = self._model.rpn(self._model.levels(inputs[0])).anchors
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # Other threads, such as one that trains, go on with their own work on the device.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            output = predict_padded(self._model, *inputs, self._selection)
        return _Recorded(graph, inputs, output, anchors)


class _Recorded:
    """A graph with the memory that it reads and writes."""

    def __init__(
        self,
        graph: torch.cuda.CUDAGraph,
        inputs: tuple[Tensor, Tensor],
        output: PaddedPrediction,
        anchors: list[Tensor],
    ) -> None:
        self._graph, self._inputs, self._output, self._anchors = graph, inputs, output, anchors

    def replay(self, batch: Tensor, sizes: Tensor) -> PaddedPrediction:
        self._inputs[0].copy_(batch)
        self._inputs[1].copy_(sizes)
        self._graph.replay()
        return self._output.clone()
