"""3 x 3 convolutions with a quarter of the multiplications (Lavin and Gray, arXiv 1509.09308).

One dimension first. m neighbouring outputs of a filter g of 3 taps need n = m + 2 inputs d, and
directly 3 m products. A polynomial of degree n - 1 is known from its values at n points; so is the
product of two polynomials (Toom, Cook), and a filter is the transpose of such a product (Winograd).
So n products will do:

    y = A' [(G g) * (B' d)]

The matrices follow from the points 0, 1, -1, 1/2, -2, ... and infinity. Those of d and of the
products hold small numbers alone; G is applied to the weights once and for all. In two dimensions
each is applied to rows and to columns:

    Y = A' [(G g G') * (B' D B)] A

That are n * n products for m * m outputs: 2.25 per output if m = 4, 1.96 if m = 5, instead of 9.

With many channels "*" is a sum over those of the input: one matrix product for each of the n * n
places of a tile, over all tiles. That is where the time goes. The transforms are matrix products,
too, with the Kronecker product of a matrix and itself: [n * n, n * n] or [m * m, n * n] times all
tiles and channels. All steps are done for some tiles at a time, which stay in the cache.

The price are digits: sums at the points are larger than their differences. In float32 the largest
error is about 3 times that of a direct convolution if m = 4, and 12 times if m = 5 (measured with
256 channels); bfloat16's is 4,000 times.
"""

import math
from collections.abc import Iterator
from functools import cache
from typing import TypeGuard

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

EDITION = 1  # counted up where all this gets faster or slower: what was measured is outdated

_TAPS = 3
_POINTS = (0.0, 1.0, -1.0, 0.5, -2.0, -0.5)  # besides infinity; small, and of exact inverses
_AT_ONE = 1  # where a product counts for every output alike
_SIZES = (4, 5)  # outputs of a tile along each side
_FEWER = 0.8  # so few products must the larger tiles need, to be worth their digits
_TILES = 64  # that a thread works on at a time: what is made of them fits its cache
_FEWEST_CHANNELS = 64  # with less, the transforms cost what is saved

Matrix = NDArray[np.float64]


class WinogradConv(nn.Module):
    """A convolution of 3 x 3 taps, stride 1 and zeros around, for inference in float32 on CPUs.

    It has no parameters: nothing is learned or saved here. It keeps the transformed weights of the
    size of tiles that it needed last: 4 times the memory of the weights if m = 4, 5.4 times if
    m = 5. Where images change from one to the other, they are made again each time: 7 ms for 256
    channels on one core. Threads may share it.

    Args:
        conv: one that `can_replace` accepts.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self._weight = conv.weight.detach()
        self._bias = None if conv.bias is None else conv.bias.detach()
        self._kept: tuple[int, Tensor] | None = None  # size of the tiles, kernels

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W] to [B, K, H, W], channels last."""
        size = _tile_size(x.shape[2], x.shape[3])
        kept = self._kept  # once: another thread may replace it
        if kept is None or kept[0] != size:
            self._kept = kept = size, winograd_kernels(self._weight, size)
        return winograd_conv(x, kept[1], self._bias)


def can_replace(module: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Whether a `WinogradConv` computes the same as this module, and is likely to gain."""
    return (
        isinstance(module, nn.Conv2d)
        and module.kernel_size == (_TAPS, _TAPS)
        and module.stride == module.padding == module.dilation == (1, 1)
        and (module.groups, module.padding_mode) == (1, "zeros")
        and min(module.in_channels, module.out_channels) >= _FEWEST_CHANNELS
    )


def winograd_kernels(weight: Tensor, size: int) -> Tensor:
    """Return G g G' for every pair of channels.

    Args:
        weight: [K, C, 3, 3].
        size: outputs of a tile along each side, 4 or 5.

    Returns:
        [n * n, C, K] with n = size + 2.
    """
    _, filters, _ = matrices(size)
    both = weight.new_tensor(np.kron(filters, filters), dtype=torch.float64)  # [n * n, 9]
    transformed = torch.einsum("pt,kct->pck", both, weight.double().flatten(2))
    return transformed.to(weight.dtype).contiguous()


def winograd_conv(x: Tensor, kernels: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve with 3 x 3 taps, stride 1 and one zero on every side.

    Args:
        x: [B, C, H, W] float32, quickest if channels last.
        kernels: [n * n, C, K] as `winograd_kernels` returns them.
        bias: [K].

    Returns:
        [B, K, H, W], channels last; without gradients.
    """
    size = math.isqrt(len(kernels)) - _TAPS + 1
    pixels = x.permute(0, 2, 3, 1)
    batch, height, width, _ = pixels.shape
    y = x.new_empty(batch, height, width, kernels.shape[2])
    work = _Work(x, kernels, bias, size)
    for images, rows in _blocks(batch, -(-height // size), -(-width // size)):
        work.convolve(work.tiles(pixels[images], rows))
        work.put(y[images, rows.start * size : rows.stop * size])
    return y.permute(0, 3, 1, 2)


class _Work:
    """The steps for a block of tiles, in buffers that serve one block after the other."""

    def __init__(self, x: Tensor, kernels: Tensor, bias: Tensor | None, size: int) -> None:
        self._size, self._side = size, size + _TAPS - 1
        inputs, _, outputs = matrices(size)
        self._into = x.new_tensor(np.kron(inputs, inputs))  # [n * n, n * n]
        self._back = x.new_tensor(np.kron(outputs, outputs))  # [m * m, n * n]
        self._kernels, self._bias = kernels, bias
        self._padded, self._gathered, self._values, self._products, self._results = (
            x.new_empty(0) for _ in range(5)
        )

    def tiles(self, pixels: Tensor, rows: slice) -> Tensor:
        """Cut rows of overlapping tiles out of [b, H, W, C]: a view [n, n, b, r, tiles, C]."""
        batch, height, width, channels = pixels.shape
        size, side, count = self._size, self._side, rows.stop - rows.start
        columns = -(-width // size)
        top, bottom = rows.start * size - 1, rows.stop * size + 1
        first, last = max(top, 0), min(bottom, height)
        padded = self._padded.resize_(batch, bottom - top, columns * size + 2, channels)
        padded[:, : first - top] = 0
        padded[:, last - top :] = 0
        padded[:, :, 0] = 0
        padded[:, :, width + 1 :] = 0
        padded[:, first - top : last - top, 1 : width + 1] = pixels[:, first:last]
        image, down, right, _ = padded.stride()
        shape = (side, side, batch, count, columns, channels)
        return padded.as_strided(shape, (down, right, image, size * down, size * right, 1))

    def convolve(self, tiles: Tensor) -> None:
        """Compute the outputs [m * m, b * r * t * K] of tiles [n, n, b, r, t, C]."""
        places, channels, size = len(self._kernels), tiles.shape[-1], self._size
        count = tiles[0, 0, ..., 0].numel()
        self._gathered.resize_(tiles.shape).copy_(tiles)
        values = self._values.resize_(places, count * channels)
        torch.mm(self._into, self._gathered.view(places, -1), out=values)
        products = self._products.resize_(places, count, self._kernels.shape[2])
        torch.bmm(values.view(places, count, channels), self._kernels, out=products)
        if self._bias is not None:
            products[_AT_ONE * self._side + _AT_ONE] += self._bias
        results = self._results.resize_(size * size, products[0].numel())
        torch.mm(self._back, products.view(places, -1), out=results)

    def put(self, target: Tensor) -> None:
        """Write the outputs to their places in [b, H, W, K], which may cut the last tiles."""
        size, (batch, height, width, channels) = self._size, target.shape
        rows, columns = -(-height // size), -(-width // size)
        outputs = self._results.view(size, size, batch, rows, columns, channels)
        outputs = outputs.permute(2, 3, 0, 4, 1, 5)
        if rows * size == height and columns * size == width:
            target.view(outputs.shape).copy_(outputs)
            return
        whole = self._gathered.resize_(outputs.shape).copy_(outputs)  # it is free again
        whole = whole.view(batch, rows * size, columns * size, channels)
        target.copy_(whole[:, :height, :width])


def _tile_size(height: int, width: int) -> int:
    """Return 5 where its tiles fit the image much better than those of 4."""
    small, large = (-(-height // m) * -(-width // m) * (m + _TAPS - 1) ** 2 for m in _SIZES)
    return _SIZES[1] if large < _FEWER * small else _SIZES[0]


def _blocks(batch: int, rows: int, columns: int) -> Iterator[tuple[slice, slice]]:
    """Return which images and rows of tiles are worked on at a time."""
    tiles = _TILES * torch.get_num_threads()
    if rows * columns > tiles:
        images, lines = 1, max(1, round(tiles / columns))
    else:
        images, lines = max(1, tiles // (rows * columns)), rows
    for image in range(0, batch, images):
        for line in range(0, rows, lines):
            yield slice(image, min(image + images, batch)), slice(line, min(line + lines, rows))


@cache
def matrices(size: int) -> tuple[Matrix, Matrix, Matrix]:
    """Return B' [n, n], G [n, 3] and A' [m, n] for tiles of m = `size` outputs.

    With the points p: a row of B' holds the coefficients of the polynomial that vanishes at all
    other points; G evaluates the filter, divided by that polynomial's value at p; A' holds the
    powers of p. The last row or column belongs to infinity (arXiv 1803.10986, section 3).
    """
    points = np.array(_POINTS[: size + _TAPS - 2])
    others = [np.delete(points, i) for i in range(len(points))]
    inputs = [np.append(np.poly(other)[::-1], 0.0) for other in others] + [np.poly(points)[::-1]]
    scales = [np.prod(p - other) for p, other in zip(points, others, strict=True)]
    filters = points[:, None] ** np.arange(_TAPS) / np.array(scales)[:, None]
    outputs = points ** np.arange(size)[:, None]
    return (
        np.stack(inputs),
        np.vstack((filters, np.eye(_TAPS)[-1:])),
        np.hstack((outputs, np.eye(size)[:, -1:])),
    )
