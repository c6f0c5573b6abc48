"""Shared bits of planes: every shape, every block border, every number of threads, and narrower machines."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association import tiles


def words(rng: np.random.Generator, planes: int, length: int) -> np.ndarray:
    return rng.integers(0, 2**64, (planes, length), dtype=np.uint64)


def counted(left: np.ndarray, right: np.ndarray, *, mirrored: bool) -> np.ndarray:
    out = np.zeros((len(left), len(right)), np.int64)
    tiles.count(left, right, out, mirrored=mirrored)
    return out


def gram(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Shared bits as a product of matrices of zeros and ones, exact in float64."""
    a, b = (np.unpackbits(p.view(np.uint8), axis=1).astype(float) for p in (left, right))
    return (a @ b.T).astype(np.int64)


@given(st.integers(0, 13), st.integers(0, 9), st.sampled_from([0, 1, 7, 8, 9, 17]), st.integers(0, 999))
def test_counts_are_those_of_one_word_at_a_time(a: int, b: int, length: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    left, right = words(rng, a, length), words(rng, b, length)
    np.testing.assert_array_equal(counted(left, left, mirrored=True), oracles.shared_bits(left, left))
    np.testing.assert_array_equal(counted(left, right, mirrored=False), oracles.shared_bits(left, right))


@pytest.mark.parametrize(
    ("planes", "length"), [(tiles.PANEL * 2 + 5, 3), (30, tiles.WORDS * 2 + 9), (4, tiles.WORDS)]
)
@pytest.mark.parametrize("cores", [1, 3])
def test_blocks_and_threads_change_nothing(
    planes: int, length: int, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "cores", lambda: cores)
    monkeypatch.setattr(tiles, "THREADED", 0)
    rng = np.random.default_rng(planes)
    left, right = words(rng, planes, length), words(rng, tiles.PANEL + 9, length)
    np.testing.assert_array_equal(counted(left, left, mirrored=True), gram(left, left))
    np.testing.assert_array_equal(counted(left, right, mirrored=False), gram(left, right))


def test_counts_are_added_to_what_was_there() -> None:
    planes = words(np.random.default_rng(1), 6, 10)
    out = counted(planes, planes, mirrored=True)
    tiles.count(planes, planes, out, mirrored=True)
    np.testing.assert_array_equal(out, 2 * oracles.shared_bits(planes, planes))


def test_every_tile_is_in_one_block() -> None:
    for rows, columns, mirrored in ((1, 1, True), (1000, 1000, True), (530, 530, True), (70, 600, False)):
        seen = np.zeros((rows, columns), int)
        for i, i_end, j, j_end in tiles._blocks(rows, columns, mirrored):
            assert (i % tiles.SIDE, j % tiles.SIDE) == (0, 0)
            seen[i:i_end, j:j_end] += 1
        assert seen.max() == 1
        assert (np.triu(seen) if mirrored else seen).sum() == (
            rows * (rows + 1) / 2 if mirrored else seen.size
        )


def test_tasks_are_done_once_and_errors_come_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "cores", lambda: 3)
    for cost in (0.0, 1e12):
        done: list[int] = []
        tiles.spread(done.extend, range(50), cost)
        assert sorted(done) == list(range(50))
        with pytest.raises(ZeroDivisionError):
            tiles.spread(lambda numbers: [1 // n for n in numbers], [1, 0], cost)


def test_panels_begin_with_a_cache_line_and_cores_are_those_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert all(tiles.aligned(n).ctypes.data % 64 == 0 and tiles.aligned(n).size == n for n in range(1, 9))
    assert tiles.cores() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert tiles.cores() == os.cpu_count()


NARROW = """
import numpy as np
from credenza.association import tiles
assert not tiles.wide()
planes = np.random.default_rng(0).integers(0, 2**64, (13, 70), dtype=np.uint64)
out = np.zeros((13, 13), np.int64)
tiles.count(planes, planes, out, mirrored=True)
bits = np.unpackbits(planes.view(np.uint8), axis=1).astype(int)
assert (out == bits @ bits.T).all()
"""


def test_machines_without_wide_counts_count_alike(tmp_path: object) -> None:
    plain = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", NARROW], check=True, env={**os.environ, **plain})


@pytest.mark.parametrize("planes", [5, 250, 517, 1_000])
def test_a_block_mirrors_its_own_counts_and_leaves_those_of_other_threads_alone(planes: int) -> None:
    """Blocks are counted side by side: a cell outside a block, and outside its mirror image, may be in the making."""
    seen = np.zeros((planes, planes), np.int64)
    before = np.arange(planes * planes).reshape(planes, planes)
    for block in tiles._blocks(planes, planes, True):
        out = before.copy()
        tiles._mirror(out, *block)
        rows, columns = np.meshgrid(np.arange(*block[:2]), np.arange(*block[2:]), indexing="ij")
        upper = rows <= columns
        rows, columns = rows[upper], columns[upper]
        seen[rows, columns] += 1
        expected = before.copy()
        expected[columns, rows] = before[rows, columns]
        np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(seen, np.triu(np.ones_like(seen)))


def test_threads_that_meet_in_a_block_row_count_what_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "cores", lambda: 4)
    planes = words(np.random.default_rng(5), 1_000, 150)
    expected = gram(planes, planes)
    for _ in range(8):
        np.testing.assert_array_equal(counted(planes, planes, mirrored=True), expected)
