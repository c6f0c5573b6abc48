from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import encode, fit_schema, open_source, sketch
from credenza.repair.draw import blocks
from credenza.repair.parts import Group, Part, joined
from credenza.repair.tilt import Tilt, parts_of
from tests.repair.weight_worlds import mixed


def indicators(tilt: Tilt, part: Part) -> np.ndarray:
    """The slow twin: one column for each cell of each group."""
    columns = []
    for group, mask in zip(tilt.groups, part.inside, strict=True):
        inside = np.ones(len(part.codes), bool) if mask is None else mask
        columns.append(inside)
        for block, shape in zip(group.blocks, group.shapes, strict=True):
            columns += [
                inside & (part.codes[:, block] == levels).all(axis=1) for levels in np.ndindex(*shape)
            ]
    return np.array(columns, float).T


@pytest.mark.parametrize("cap", [float("inf"), 1.3])
def test_sums_are_those_of_indicators(cap: float) -> None:
    table = mixed(500)
    schema = fit_schema(sketch(table))
    sizes = tuple(map(int, schema.sizes))
    groups = (
        Group(None, sizes, ((0, 2),)),
        Group(("contributor", "c1"), sizes, ((0, 3), (2, 3))),
        Group(("plan", "free"), sizes, ()),
    )
    rng = np.random.default_rng(0)
    tilt = Tilt(schema, groups, rng.normal(0, 0.1, sum(group.cells for group in groups)), cap)
    part = tilt.part(table.combine_chunks().to_batches()[0])
    x = indicators(tilt, part)
    scores = x @ tilt.multipliers
    weights = np.minimum(np.exp(scores), cap)
    chosen = np.sort(rng.choice(x.shape[1], 30, replace=False))
    sums = tilt.sums(parts_of(open_source(table), tilt, "test"), chosen)
    np.testing.assert_allclose(tilt.weights(part)[0], weights)
    np.testing.assert_allclose(sums.cells, weights @ x, atol=1e-9)
    free = np.where(np.exp(scores) > cap, 0.0, weights)
    assert sums.gram is not None
    np.testing.assert_allclose(sums.gram, (x[:, chosen].T * free) @ x[:, chosen], atol=1e-4)
    beyond = np.where(np.exp(scores) > cap, cap * (1 + scores - np.log(cap)), np.exp(scores))
    assert sums.potential == pytest.approx(beyond.sum())
    assert (sums.total, sums.squares) == pytest.approx((weights.sum(), (weights**2).sum()))
    assert (sums.smallest, sums.largest) == pytest.approx((weights.min(), weights.max()))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=8), st.integers(1, 15))
def test_blocks_have_one_length(lengths: list[int], rows: int) -> None:
    table = mixed(sum(lengths) or 1)
    schema = fit_schema(sketch(mixed(200)))
    codes = encode(table.select(schema.names), schema)[: sum(lengths)]
    inside = np.arange(len(codes)) % 2 == 0
    ends = np.cumsum([0, *lengths])
    parts = [Part((), codes[a:b], (inside[a:b], None)) for a, b in pairwise(ends)]
    cut = list(blocks(parts, rows))
    assert [len(part.codes) for part in cut[:-1]] == [rows] * (len(cut) - 1)
    assert sum(len(part.codes) for part in cut) == len(codes)
    if len(codes):
        whole = joined(cut)
        np.testing.assert_array_equal(whole.codes, codes)
        np.testing.assert_array_equal(whole.inside[0], inside)
