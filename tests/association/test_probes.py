"""Layouts: which levels a probe holds, and how pairs of probes and pairs of features are numbered."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import oracles
from hypothesis import given
from hypothesis import strategies as st

from credenza.association.kernels import pair_counts
from credenza.association.probes import Layout


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    sizes = draw(st.lists(st.integers(1, 7), min_size=1, max_size=6))
    return Layout(tuple(sizes), tuple(draw(st.integers(0, s)) for s in sizes))


def members(layout: Layout) -> list[tuple[int, set[int]]]:
    out = []
    for r in range(layout.probes):
        feature = int(layout.probe_feature[r])
        planes = np.arange(*layout.probe_planes[r])
        assert set(layout.plane_feature[planes]) == {feature}
        out.append((feature, {int(p - layout.starts[feature]) for p in planes}))
    return out


@given(layouts())
def test_probes_hold_the_levels_of_their_definition(layout: Layout) -> None:
    assert members(layout) == oracles.probes(layout.sizes, layout.ordered)
    assert all(layout.probe_level[r] == min(levels) for r, (_, levels) in enumerate(members(layout)))


def test_a_level_outside_the_order_has_a_probe_of_its_own() -> None:
    layout = Layout(
        (5, 3, 2, 2), (4, 0, 1, 2)
    )  # four bins and "(missing)"; nominal; one bin and "(missing)"; two bins
    assert members(layout)[:4] == [(0, {1, 2, 3}), (0, {2, 3}), (0, {3}), (0, {4})]
    cuts = [layout.is_cut(r) for r in range(layout.probes)]
    assert cuts == [True, True, True, False, False, False, False, False, True]
    assert members(layout)[-2:] == [(2, {1}), (3, {1})]


@given(layouts())
def test_pairs_are_numbered_without_gaps(layout: Layout) -> None:
    i, j = layout.pairs
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == list(combinations(range(layout.features), 2))


@given(layouts(), st.integers(0, 99))
def test_reading_counts_is_counting_probes(layout: Layout, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, s, 40) for s in layout.sizes], axis=1).astype(np.uint8)
    inside = np.stack([np.isin(codes[:, f], list(levels)) for f, levels in members(layout)], axis=1).astype(
        int
    )
    joint = pair_counts(codes, layout.sizes).astype(float)
    np.testing.assert_array_equal(layout.gather(layout.gather(joint).T).T, inside.T @ inside)
    for i, j in combinations(range(layout.features), 2):
        block = oracles.pair_counts(codes[:, [i, j]], (layout.sizes[i], layout.sizes[j]))
        np.testing.assert_array_equal(layout.block(joint, i, j), block[: layout.sizes[i], layout.sizes[i] :])


def test_sizes_add_up() -> None:
    layout = Layout((2, 3, 4), (0, 0, 3))
    assert (layout.features, layout.planes, layout.probes) == (3, 9, 7)
    assert layout.starts.tolist() == [0, 2, 5, 9]
    empty = Layout((), ())
    assert (empty.features, empty.planes, empty.probes, len(empty.pairs[0])) == (0, 0, 0, 0)
