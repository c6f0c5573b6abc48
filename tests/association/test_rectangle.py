"""Tiles cover every pair of features once, whatever their size, and put values where pairs are numbered."""

from __future__ import annotations

from threading import Lock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association.probes import Layout
from credenza.association.rectangle import Rectangle, Tile, in_threads, probes_of


@st.composite
def rectangles(draw: st.DrawFn) -> Rectangle:
    layouts = []
    for _ in range(2):
        sizes = draw(st.lists(st.integers(1, 5), min_size=0, max_size=6))
        layouts.append(Layout(tuple(sizes), tuple(draw(st.integers(0, s)) for s in sizes)))
    return Rectangle.of(layouts[0]) if draw(st.booleans()) else Rectangle(layouts[0], layouts[1])


def numbered(pairs: Rectangle) -> list[tuple[int, int]]:
    """All pairs, row by row."""
    m_i, m_j = pairs.layout_i.features, pairs.layout_j.features
    return [(i, j) for i in range(m_i) for j in range(m_j) if i < j or not pairs.triangle]


@given(rectangles(), st.sampled_from([1, 4, 15, 10_000]))
def test_every_pair_gets_its_value_once(pairs: Rectangle, tables: int) -> None:
    expected = numbered(pairs)
    assert pairs.count == len(expected)
    out = np.zeros(pairs.count)
    for tile in pairs.tiles(tables):
        i, j = (np.arange(part.start, part.stop) for part in (tile.rows, tile.columns))
        before = out.copy()
        pairs.spread(tile, 100.0 * (i[:, None] + 1) + j, out)
        assert np.all(before[out != before] == 0)
    assert out.tolist() == [100.0 * (i + 1) + j for i, j in expected]


@given(rectangles(), st.sampled_from([1, 15, 10_000]), st.integers(0, 99))
def test_tiles_read_the_tables_of_their_probes(pairs: Rectangle, tables: int, seed: int) -> None:
    i, j = pairs.layout_i, pairs.layout_j
    joint = np.random.default_rng(seed).integers(0, 99, (i.planes, j.planes))
    whole = [[joint[slice(*a), slice(*b)].sum() for b in j.probe_planes] for a in i.probe_planes]
    for tile in pairs.tiles(tables):
        rows, columns = probes_of(i, tile.rows), probes_of(j, tile.columns)
        found = pairs.sums(joint, tile)
        np.testing.assert_array_equal(found, np.array(whole, float)[rows, columns])
        first, second = pairs.local_starts(tile)
        assert (first + rows.start).tolist() == i.probe_starts[tile.rows].tolist()
        assert (second + columns.start).tolist() == j.probe_starts[tile.columns].tolist()
        wanted = pairs.above(tile)
        assert (wanted is None) == (not pairs.triangle)
        if wanted is not None:
            f, g = i.probe_feature[rows], j.probe_feature[columns]
            assert wanted.tolist() == [[bool(a < b) for b in g] for a in f]


@given(rectangles())
def test_larger_pairs_are_those_of_more_than_one_table(pairs: Rectangle) -> None:
    number, i, j = pairs.larger()
    widths = [np.diff(layout.probe_starts) for layout in (pairs.layout_i, pairs.layout_j)]
    expected = [(k, a, b) for k, (a, b) in enumerate(numbered(pairs)) if widths[0][a] > 1 or widths[1][b] > 1]
    assert list(zip(number.tolist(), i.tolist(), j.tolist(), strict=True)) == expected


def test_a_tile_is_at_least_one_feature() -> None:
    pairs = Rectangle.of(Layout((2, 9, 2), (0, 0, 0)))
    assert list(pairs.tiles(1)) == [Tile(slice(0, 1), slice(1, 3)), Tile(slice(1, 2), slice(2, 3))]
    assert list(pairs.tiles(1_000)) == [Tile(slice(0, 2), slice(1, 3))]


def test_threads_do_every_part_and_raise_their_errors() -> None:
    done, lock = [], Lock()

    def work(part: int) -> None:
        with lock:
            done.append(part)
        if part == 7:
            raise ValueError("the seventh")

    in_threads(work, [])
    in_threads(work, [3])
    assert done == [3]
    with pytest.raises(ValueError, match="the seventh"):
        in_threads(work, range(10))
