"""Pairs counted by a matrix product in torch: the same integers; and what happens without a GPU or torch.

The product runs on the processor, too, so that its arithmetic is tested where there is no GPU.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from credenza.association.counts import PairCounts, PairKernel
from credenza.data.progress import watch
from credenza.engines import CudaEngine
from credenza.engines import cuda as cuda_module
from credenza.engines.cuda import TorchPairs
from credenza.errors import MissingExtraError

TORCH = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not TORCH, reason="torch is not installed: pip install 'credenza[torch]'")
Codes = NDArray[np.uint8]
SIZES = st.lists(st.integers(1, 5), max_size=6).map(tuple)


def random_codes(rows: int, sizes: tuple[int, ...], seed: int) -> Codes:
    codes = np.empty((rows, len(sizes)), np.uint8, order="F")
    for j, size in enumerate(sizes):
        codes[:, j] = np.random.default_rng([seed, j]).integers(0, size, rows)
    return codes


def obvious(codes: Codes, sizes: tuple[int, ...]) -> NDArray[np.int64]:
    """Rows that have both of two levels, counted one pair at a time."""
    planes = [codes[:, j] == level for j, size in enumerate(sizes) for level in range(1, size)]
    counts = [np.count_nonzero(a & b) for a in planes for b in planes]
    return np.array(counts, np.int64).reshape(len(planes), len(planes))


@needs_torch
@settings(deadline=None)
@given(st.integers(0, 70), SIZES, st.integers(0, 9), st.booleans())
def test_the_product_counts_exactly(rows: int, sizes: tuple[int, ...], seed: int, integers: bool) -> None:
    codes = random_codes(rows, sizes, seed)
    counted = TorchPairs("cpu", integers=integers)(codes, sizes)
    assert counted.dtype == np.int64
    assert np.array_equal(counted, obvious(codes, sizes))


@needs_torch
@pytest.mark.parametrize("integers", [False, True])
def test_rows_are_taken_in_pieces(integers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = (2, 9, 30, 2)
    codes = random_codes(1_003, sizes, 1)
    whole = TorchPairs("cpu", integers=integers)(codes, sizes)
    monkeypatch.setattr(cuda_module, "PLANE_BYTES", 40 * 64)
    assert np.array_equal(TorchPairs("cpu", integers=integers)(codes, sizes), whole)
    assert np.array_equal(whole, obvious(codes, sizes))


@needs_torch
def test_pair_counts_take_it_as_their_kernel() -> None:
    sizes = (2, 7, 3)
    codes = random_codes(500, sizes, 2)
    counts = [PairCounts.empty(sizes).update(codes, kernel) for kernel in (None, TorchPairs("cpu"))]
    assert np.array_equal(counts[0].joint, counts[1].joint)


@needs_torch
def test_sums_beyond_what_half_precision_holds_are_whole() -> None:
    codes = np.ones((70_001, 2), np.uint8, order="F")
    for integers in (False, True):
        assert (TorchPairs("cpu", integers=integers)(codes, (2, 2)) == 70_001).all()


class Announcements:
    """A sink that keeps what is announced."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def start(self, label: str, total: int | None) -> None: ...

    def advance(self, rows: int) -> None: ...

    def done(self) -> None: ...

    def announce(self, text: str) -> None:
        self.texts.append(text)


@dataclass
class Counting:
    """A state that counts pairs with whatever kernel it is given."""

    kernel: PairKernel | None = None
    rows: int = 0

    def update(self, batch: pa.RecordBatch) -> Counting:
        return Counting(self.kernel, self.rows + batch.num_rows)

    def merge(self, other: Counting) -> Counting:
        return Counting(self.kernel, self.rows + other.rows)


def torch_with(gpus: bool) -> ModuleType:
    """A torch of which only the answer to one question matters."""
    module = ModuleType("torch")
    module.__spec__ = importlib.machinery.ModuleSpec("torch", None)
    module.cuda = SimpleNamespace(is_available=lambda: gpus)  # type: ignore[attr-defined]
    return module


def test_without_a_gpu_the_processor_counts_and_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", torch_with(gpus=False))
    said, engine = Announcements(), CudaEngine()
    source = engine.open(pa.table({"a": [1, 2, 3]}), role="suspect")
    with watch(said):
        for _ in range(2):
            state = engine.fold(source, None, Counting())
    assert state == Counting(None, 3)
    assert said.texts == ["no GPU was found: pairs are counted on the processor"]


def test_with_a_gpu_states_count_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", torch_with(gpus=True))
    engine = CudaEngine()
    state = engine.fold(engine.open(pa.table({"a": [1, 2, 3]})), None, Counting())
    assert isinstance(engine.kernel, TorchPairs)
    assert state.kernel is engine.kernel


def test_without_torch_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError) as caught:
        _ = CudaEngine().kernel
    assert str(caught.value) == (
        "the cuda engine needs torch, which is not installed: pip install 'credenza[torch]'"
    )
