"""Which triples of probes there are, in which order, and the cells of their tables."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association.probes import Layout
from credenza.association.triples import Threes, cells_of

SIZES = st.lists(st.integers(1, 5), min_size=0, max_size=6).map(tuple)


def layouts(sizes: tuple[int, ...]) -> Layout:
    return Layout(sizes, tuple(size if k % 2 else 0 for k, size in enumerate(sizes)))


def every(layout: Layout) -> list[tuple[int, int, int]]:
    """All triples of probes of different features, nested loops over features, then probes."""
    of = [np.flatnonzero(layout.probe_feature == f).tolist() for f in range(layout.features)]
    found = [t for i, j, k in combinations(range(layout.features), 3) for t in product(of[i], of[j], of[k])]
    return sorted(
        found, key=lambda t: (t[0], layout.probe_feature[t[1]], layout.probe_feature[t[2]], t[1], t[2])
    )


@given(SIZES)
def test_every_triple_is_numbered_once(sizes: tuple[int, ...]) -> None:
    layout = layouts(sizes)
    threes = Threes(layout)
    found = []
    for probe in range(layout.probes):
        begin = threes.begin(int(layout.probe_feature[probe]))
        span = threes.span(probe)
        pairs = list(zip(threes.second[begin:].tolist(), threes.third[begin:].tolist(), strict=True))
        assert span.stop - span.start == len(pairs)
        found += [(probe, *pair) for pair in pairs]
    assert found == every(layout)
    assert threes.count == len(found)


@given(SIZES)
def test_blocks_cover_every_triple_of_features(sizes: tuple[int, ...]) -> None:
    layout = layouts(sizes)
    threes = Threes(layout)
    expected = list(combinations(range(layout.features), 3))
    assert [tuple(t) for t in threes.features.tolist()] == expected
    met = []
    for probes, at, pairs, heads in threes.blocks():
        assert at.stop - at.start == len(heads)
        (feature,) = set(layout.probe_feature[probes].tolist())
        second, third = threes.second[pairs], threes.third[pairs]
        for head, stop in zip(heads, [*heads[1:], len(second)], strict=True):
            ((b, c),) = {
                (int(layout.probe_feature[x]), int(layout.probe_feature[y]))
                for x, y in zip(second[head:stop], third[head:stop], strict=True)
            }
            met.append((feature, b, c))
    assert met == expected


@pytest.mark.parametrize("seed", range(5))
def test_cells_are_those_of_the_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bits = rng.random((60, 3)) < rng.random(3)
    a, b, c = bits.T
    found = cells_of(
        np.array([(a & b & c).sum()]),
        tuple(np.array([x.sum()]) for x in (a & b, a & c, b & c)),  # type: ignore[arg-type]
        tuple(np.array([x.sum()]) for x in (a, b, c)),  # type: ignore[arg-type]
        60,
    )
    assert found[:, 0].tolist() == np.bincount(bits @ [4, 2, 1], minlength=8).tolist()


def test_rounding_below_zero_is_cut_off() -> None:
    one = np.array([1.0])
    assert cells_of(one + 1e-9, (one, one, one), (one, one, one), 1.0).min() == 0.0
