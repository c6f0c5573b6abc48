"""The engine that counts pairs on a GPU: the local one with a matrix product of small integers in torch."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credenza.association.counts import PairKernel
from credenza.contracts import IntArray
from credenza.data import Source
from credenza.data.progress import announce
from credenza.engines.base import S
from credenza.engines.local import LocalEngine
from credenza.errors import MissingExtraError

PLANE_BYTES = 1 << 28  # planes made at once, one byte a value
MOST_ROWS = 1 << 24  # float32 holds every integer up to this one
_SIDE = 8  # the integer product wants sides that are multiples of this
_LEAST = 24  # ... and at least so many rows


class CudaEngine:
    """The local engine, with a GPU for the counting of pairs; without one, the local engine and one line that says so.

    Notes
    -----
    The GPU gets one byte a value (the codes), expands them to planes of zeros and ones, and multiplies: see
    :class:`TorchPairs`. It pays where levels are many: where the compiled loops count faster than the file can be read,
    as they do for a thousand booleans, the engine changes nothing.
    """

    name = "cuda"

    @cached_property
    def kernel(self) -> PairKernel | None:
        """The product on the first GPU, or None where there is none.

        Raises
        ------
        MissingExtraError : torch is not installed.
        """
        if importlib.util.find_spec("torch") is None:
            raise MissingExtraError(
                "the cuda engine needs torch, which is not installed: pip install 'credenza[torch]'"
            )
        import torch

        if torch.cuda.is_available():
            return TorchPairs("cuda")
        announce("no GPU was found: pairs are counted on the processor")
        return None

    def open(self, data: Any, *, role: str = "data") -> Source:
        """See :func:`credenza.data.open_source`."""
        return LocalEngine().open(data, role=role)

    def fold(self, source: Source, columns: Sequence[str] | None, state: S, *, label: str = "") -> S:
        """See :meth:`credenza.engines.Engine.fold`; a state with a ``kernel`` counts with this engine's."""
        if getattr(state, "kernel", self) is None:
            state.kernel = self.kernel  # type: ignore[attr-defined]
        return LocalEngine().fold(source, columns, state, label=label)


class TorchPairs:
    """Counts the pairs of levels beyond the first of each feature by a matrix product.

    With X the 0/1 matrix (n, R) of which row has which level, the counts are X^T X. Where the device multiplies bytes
    into 32-bit integers, it does; else in float32, in which all sums up to 2^24 are whole, over at most so many
    rows at a time. Both are exact.

    Parameters
    ----------
    device : "cuda", "cuda:1", "cpu", ... . integers : multiply bytes; None lets the device decide.

    Notes
    -----
    Cost: R^2 n multiplications on the device, n m bytes sent to it. Memory there: 256 MiB of planes, twice while
    they are made, and R^2 integers.
    """

    def __init__(self, device: str, *, integers: bool | None = None) -> None:
        self._device = device
        self._integers = device.startswith("cuda") if integers is None else integers

    def __call__(self, codes: NDArray[np.uint8], sizes: tuple[int, ...]) -> IntArray:
        """Return int64 (R, R), symmetric, of codes (n, m) with ``codes[:, j] < sizes[j]``."""
        import torch

        inner = sum(sizes) - len(sizes)
        width = max(_LEAST, -(-inner // _SIDE) * _SIDE)
        feature = np.repeat(np.arange(len(sizes)), np.asarray(sizes, np.int64) - 1)
        level = np.concatenate([np.empty(0, np.int64), *(np.arange(1, size) for size in sizes)]).astype(
            np.uint8
        )
        features = torch.from_numpy(feature).to(self._device)
        levels = torch.from_numpy(level).to(self._device)[:, None]
        total = torch.zeros((width, width), dtype=torch.int64, device=self._device)
        step = max(_SIDE, min(MOST_ROWS, PLANE_BYTES // width) // _SIDE * _SIDE)
        for start in range(0, len(codes), step):
            part = np.ascontiguousarray(codes[start : start + step].T)
            sent = torch.from_numpy(part).to(self._device)
            planes = torch.zeros(
                (width, -(-part.shape[1] // _SIDE) * _SIDE), dtype=torch.int8, device=self._device
            )
            planes[:inner, : part.shape[1]] = sent[features] == levels
            total += self._product(planes)
        counted: IntArray = total[:inner, :inner].cpu().numpy()
        return counted

    def _product(self, planes: Any) -> Any:
        """Return planes times their transpose as int64."""
        import torch

        if self._integers:
            return torch._int_mm(planes, planes.T).to(torch.int64)
        whole = planes.to(torch.float32)
        return (whole @ whole.T).to(torch.int64)
