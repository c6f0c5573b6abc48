"""All pairs of a table, tested a tile of pairs at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from credenza.association.counts import PairCounts
from credenza.association.planes import PlaneStore
from credenza.association.probes import Layout
from credenza.association.samples import BlockSample, Sample
from credenza.association.shift import block_shift, pair_shift, tables_at
from credenza.contracts import FloatArray, IntArray

BLOCK_PLANES = 1_024  # levels a side of a tile
Pairs = tuple[IntArray, IntArray]


@dataclass(frozen=True)
class Tile:
    """The tests of N pairs of features, in the numbering of the whole table.

    Attributes
    ----------
    log_p, z, probe_a, probe_b, tested : (N,), as in :class:`credenza.association.shift.PairShift`.
    pairs_at : gives the features (i, j) of the pairs at some positions.
    tables_at : gives the 2x2 tables (N', 8) of the pairs at some positions, at their strongest probes.
    """

    log_p: FloatArray
    z: FloatArray
    probe_a: IntArray
    probe_b: IntArray
    tested: NDArray[np.bool_]
    pairs_at: Callable[[IntArray], Pairs]
    tables_at: Callable[[IntArray], FloatArray]


def scaled(counts: PairCounts, design_effect: float = 1.0) -> Sample:
    """Pair counts as a sample of rows / ``design_effect`` independent rows."""
    size = counts.rows / design_effect
    return Sample(counts.joint * np.float64(size / max(counts.rows, 1)), size)


def dense_tile(reference: Sample, suspect: Sample, layout: Layout, feature: int = 0, probe: int = 0) -> Tile:
    """All pairs of a layout in one tile; ``feature`` and ``probe`` number its first ones in the whole table."""
    shift = pair_shift(reference, suspect, layout)

    def pairs_at(at: IntArray) -> Pairs:
        i, j = layout.pairs
        return i[at] + feature, j[at] + feature

    def tables(at: IntArray) -> FloatArray:
        return tables_at(reference, suspect, layout, shift.probe_a[at], shift.probe_b[at])

    a, b = shift.probe_a + probe, shift.probe_b + probe
    return Tile(shift.log_p, shift.z, a, b, shift.tested, pairs_at, tables)


def blocks_of(sizes: Sequence[int], planes: int) -> list[range]:
    """Cut the features into runs of at most so many levels, each of at least one feature.

    Examples
    --------
    >>> blocks_of([2, 2, 3, 9, 2], 5)
    [range(0, 2), range(2, 3), range(3, 4), range(4, 5)]
    """
    out, first, held = [], 0, 0
    for feature, size in enumerate(sizes):
        if held and held + size > planes:
            out.append(range(first, feature))
            first, held = feature, 0
        held += size
    return [*out, range(first, len(sizes))] if held else out


def wide_tiles(
    reference: PlaneStore, suspect: PlaneStore, layout: Layout, design_effect: float = 1.0
) -> Iterator[Tile]:
    """Count and test one block of features against another, until every pair has been in one tile.

    Memory: per tile 48 K_I K_J + 33 m_I m_J bytes and the temporaries of the tests, K_I, K_J <= ``BLOCK_PLANES``.
    """
    blocks = blocks_of(layout.sizes, BLOCK_PLANES)
    parts = [_part(layout, block) for block in blocks]
    probes = np.cumsum([0] + [part.probes for part in parts])
    for a, rows in enumerate(blocks):
        samples = scaled(reference.part(rows)), scaled(suspect.part(rows), design_effect)
        yield dense_tile(*samples, parts[a], rows.start, int(probes[a]))
        for b in range(a + 1, len(blocks)):
            before = _rectangle(reference, layout, rows, blocks[b])
            after = _rectangle(suspect, layout, rows, blocks[b], design_effect)
            yield _block_tile(before, after, (parts[a], parts[b]), (rows, blocks[b]), (probes[a], probes[b]))


def _part(layout: Layout, features: range) -> Layout:
    cut = slice(features.start, features.stop)
    return Layout(layout.sizes[cut], layout.ordered[cut])


def _rectangle(
    store: PlaneStore, layout: Layout, rows: range, columns: range, design_effect: float = 1.0
) -> BlockSample:
    """The counts of one block of features against another as a sample of rows / ``design_effect``."""
    size = store.rows / design_effect
    joint: FloatArray | IntArray = store.block(rows, columns)
    margins: FloatArray | IntArray = store.margins()
    if design_effect != 1.0:
        factor = np.float64(size / max(store.rows, 1))
        joint, margins = joint * factor, margins * factor
    ends = [slice(*layout.starts[[part.start, part.stop]]) for part in (rows, columns)]
    return BlockSample(joint, margins[ends[0]], margins[ends[1]], size)


def _block_tile(
    before: BlockSample,
    after: BlockSample,
    layouts: tuple[Layout, Layout],
    blocks: tuple[range, range],
    probes: tuple[int, int],
) -> Tile:
    """One block of features against another one; ``probes`` number the first ones of each in the whole table."""
    shift = block_shift(before, after, *layouts)
    rows, columns = blocks

    def pairs_at(at: IntArray) -> Pairs:
        return at // len(columns) + rows.start, at % len(columns) + columns.start

    a, b = shift.probe_a.ravel(), shift.probe_b.ravel()

    def tables(at: IntArray) -> FloatArray:
        return np.hstack([_tables_of(sample, layouts, a[at], b[at]) for sample in (before, after)])

    log_p, z, tested = shift.log_p.ravel(), shift.z.ravel(), shift.tested.ravel()
    return Tile(log_p, z, a + probes[0], b + probes[1], tested, pairs_at, tables)


def _tables_of(
    sample: BlockSample, layouts: tuple[Layout, Layout], probe_a: IntArray, probe_b: IntArray
) -> FloatArray:
    """One sample's half of :func:`credenza.association.shift.tables_at`, (N, 4)."""
    i, j = layouts
    both = np.empty(len(probe_a))
    for probe in np.unique(probe_a):
        first, last = i.probe_planes[probe]
        at = np.flatnonzero(probe_a == probe)
        both[at] = j.gather(sample.joint[first:last].sum(axis=0))[probe_b[at]]
    margins = i.gather(sample.margin_i)[probe_a], j.gather(sample.margin_j)[probe_b]
    return np.stack([both, *margins, np.full(len(both), sample.size)], axis=1)
