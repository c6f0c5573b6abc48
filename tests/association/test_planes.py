"""Bit planes of a whole table: the pair counts of nested loops, in memory, on disk, and however the rows are cut."""

from __future__ import annotations

import gc
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association.counts import PairCounts
from credenza.association.kernels import pack_codes
from credenza.association.planes import PlaneStore
from credenza.errors import InputError, UsageError

Table = tuple[tuple[int, ...], np.ndarray]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Level sizes and codes, with levels that stay empty and features of one level."""
    sizes = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=6)))
    n = draw(st.sampled_from([0, 1, 63, 64, 65, 200]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    codes = np.stack([rng.integers(0, s, n) for s in sizes], axis=1).astype(np.uint8)
    return sizes, codes * (rng.random(codes.shape) < draw(st.sampled_from([0.0, 0.3, 1.0])))


def stored(table: Table, memory: int = 2**20, cuts: tuple[int, ...] = ()) -> PlaneStore:
    sizes, codes = table
    store = PlaneStore(sizes, len(codes), memory=memory)
    for piece in np.split(codes, sorted(cuts)):
        store.add(piece)
    return store


def same_counts(store: PlaneStore, table: Table) -> None:
    """Every reading of the store is what nested loops count."""
    sizes, codes = table
    joint = oracles.pair_counts(codes, sizes)
    starts = np.concatenate(([0], np.cumsum(sizes)))
    assert (store.sizes, store.rows) == (sizes, len(codes))
    np.testing.assert_array_equal(store.margins(), np.diag(joint))
    np.testing.assert_array_equal(store.part(range(len(sizes))).joint, joint)
    half = len(sizes) // 2
    found = store.block(range(half), range(half, len(sizes)))
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, joint[: starts[half], starts[half] :])
    for f in range(len(sizes)):
        np.testing.assert_array_equal(store.marginal(f), np.diag(joint)[starts[f] : starts[f + 1]])


@given(tables(), st.lists(st.integers(0, 200), max_size=4), st.sampled_from([0, 100, 2**20]))
def test_counts_are_those_of_nested_loops(table: Table, cuts: list[int], memory: int) -> None:
    same_counts(stored(table, memory, tuple(cuts)), table)


@given(tables(), st.integers(0, 200))
def test_merging_is_appending(table: Table, cut: int) -> None:
    sizes, codes = table
    first, second = (stored((sizes, part)) for part in np.split(codes, [cut]))
    same_counts(first.merge(second), table)
    same_counts(second, (sizes, codes[cut:]))


@given(tables(), st.integers(0, 99))
def test_features_come_in_the_order_asked_for(table: Table, seed: int) -> None:
    sizes, codes = table
    order = np.random.default_rng(seed).permutation(len(sizes))[: max(1, len(sizes) - 1)]
    for memory in (0, 2**20):
        store = stored(table, memory)
        part = store.part(order)
        whole = PairCounts.empty([sizes[f] for f in order]).update(np.asfortranarray(codes[:, order]))
        assert (part.sizes, part.rows) == (whole.sizes, whole.rows)
        np.testing.assert_array_equal(part.joint, whole.joint)
        last = int(order[-1])
        for f in order[:-1]:
            cell = oracles.pair_counts(codes[:, [f, last]], (sizes[f], sizes[last]))
            np.testing.assert_array_equal(store.table(f, last), cell[: sizes[f], sizes[f] :])


@pytest.mark.parametrize("memory", [0, 1_000, 2**20])
def test_many_chunks_are_counted_as_one(memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credenza.association.planes.CHUNK_BYTES", 300)
    rng = np.random.default_rng(0)
    sizes = (2, 3, 4, 2)
    table = sizes, np.stack([rng.integers(0, s, 3_000) for s in sizes], axis=1).astype(np.uint8)
    store = PlaneStore(sizes, 10, memory=memory)
    for piece in np.split(table[1], [5, 64, 700, 701, 2_000]):
        store.add(piece)
        store.margins()
    assert store.on_disk == (memory < 2**20)
    same_counts(store, table)


def test_rows_that_are_packed_already_are_the_same() -> None:
    rng = np.random.default_rng(1)
    sizes, codes = (2, 4), rng.integers(0, 2, (130, 2)).astype(np.uint8)
    store = PlaneStore(sizes, 130)
    for piece in np.split(codes, [7, 71]):
        store.add_planes(pack_codes(np.asfortranarray(piece), sizes), len(piece))
    same_counts(store, (sizes, codes))


def test_no_features_at_all() -> None:
    store = PlaneStore((), 3).add(np.empty((3, 0), np.uint8))
    assert store.margins().shape == (0,)
    assert store.block([], []).shape == (0, 0)
    assert store.part([]).rows == 3


def test_codes_that_do_not_fit_are_refused() -> None:
    store = PlaneStore((2, 3), 2)
    with pytest.raises(InputError, match=r"codes of shape \(2, 1\) for 2 features: one column a feature"):
        store.add(np.zeros((2, 1), np.uint8))
    with pytest.raises(InputError, match=r"code 3 in column 1, which has 3 levels: codes run from 0 to 2"):
        store.add(np.array([[1, 3]], np.uint8))
    with pytest.raises(InputError, match=r"planes of shape \(3, 2\) for 64 rows of 3 planes"):
        store.add_planes(np.zeros((3, 2), np.uint64), 64)
    assert store.rows == 0
    with pytest.raises(InputError, match="bit planes of 2 and 1 features with differing levels"):
        store.merge(PlaneStore((2,), 1))


def test_a_store_stays_in_its_process() -> None:
    with pytest.raises(UsageError, match="more than 4,096 levels is audited in one process: use --engine"):
        pickle.dumps(PlaneStore((2,), 1))


@pytest.mark.parametrize("memory", [0, 2**20])
def test_a_closed_store_says_so(memory: int) -> None:
    store = stored(((2, 2), np.zeros((64, 2), np.uint8)), memory)
    store.close()
    with pytest.raises(UsageError, match="bit planes of this table were given up: read the table again"):
        store.table(0, 1)


def test_the_file_has_no_name_and_goes_with_the_store(tmp_path: Path) -> None:
    store = PlaneStore((2, 2), 64, tmp_path, memory=0).add(np.ones((64, 2), np.uint8))
    assert store.on_disk
    assert store.table(0, 1).tolist() == [[0, 0], [0, 64]]
    del store
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_space_is_named_before_rows_are_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"need [\d,]+\.\d GB on disk, .* has [\d,.]+ GB left: audit fewer"):
        PlaneStore((2,) * 10_000, 10**13, tmp_path)
    with pytest.raises(
        InputError, match=r"cannot be kept in .*absent \(No such file or directory\): set TMP"
    ):
        PlaneStore((2,) * 100, 10, tmp_path / "absent", memory=0)


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes, as on a disk that is full."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_that_fills_is_one_line(tmp_path: Path) -> None:
    store = PlaneStore((2,) * 50, 6_400, tmp_path, memory=0)
    with file_limit(1_000), pytest.raises(InputError, match=r"cannot be kept in .* \(File too large\): set"):
        store.add(np.ones((6_400, 50), np.uint8))
