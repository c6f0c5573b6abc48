"""Groups of pairs, and the associations that they are measured by."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report.repairs import made, tables

from credenza.association.counts import PairCounts
from credenza.association.measures import cramers_v, mcc
from credenza.association.probes import Layout
from credenza.association.samples import Sample
from credenza.report.pair_groups import GROUPS, associations


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 40), st.integers(0, 99))
def test_associations_are_those_of_one_table_after_another(sizes: list[int], rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, size, rows) for size in sizes], axis=1).astype(np.uint8)
    counts = PairCounts.empty(tuple(sizes)).update(np.asfortranarray(codes))
    found = associations(Sample.of(counts), Layout(tuple(sizes), (0,) * len(sizes)))
    wanted = []
    for a, b in combinations(range(len(sizes)), 2):
        table = counts.table(a, b).astype(float)
        wanted.append(mcc(table) if table.shape == (2, 2) else cramers_v(table))
    expected = np.array(wanted) if rows > 1 else np.zeros(len(wanted))
    assert np.allclose(found, expected, atol=1e-6)  # roots of rounding errors


def correlations(table: pa.Table, names: tuple[str, ...], weights: np.ndarray | None = None) -> np.ndarray:
    """MCC of binary columns, the long way."""
    bits = np.stack([table[name].to_numpy(zero_copy_only=False).astype(float) for name in names])
    spread = np.cov(bits, aweights=weights, bias=True)
    scale = np.sqrt(np.diag(spread))
    return spread / np.outer(scale, scale)


@pytest.mark.parametrize("name", ["reweight", "relabel"])
def test_the_culprit_and_all_others_are_told_apart(name: str) -> None:
    done = made(name)
    reference, suspect = tables()
    assert tuple(group.name for group in done.groups) == GROUPS
    assert sum(group.pairs for group in done.groups) == 15
    culprits, collateral, untouched = done.groups
    assert culprits.difference is not None
    told = [
        correlations(table, ("x0", "x3"), weights)[0, 1]
        for table, weights in ((reference, None), (suspect, None), (done.data, done.weights))
    ]
    assert culprits.difference == pytest.approx([abs(told[1] - told[0]), abs(told[2] - told[0])], abs=1e-9)
    assert culprits.significant == (1, 0)
    assert collateral.difference is not None
    assert untouched.difference is not None
    assert collateral.pairs == len(done.before.culprits[0].collateral)
    assert collateral.difference[1] < collateral.difference[0]
    assert untouched.difference[1] < 1.25 * untouched.difference[0]
    assert done.after is not None
    assert sum(group.significant[1] for group in done.groups) == done.after.after


def test_slices_are_compared_with_each_other() -> None:
    done = made("slices")
    assert done.after is not None
    assert done.after.against == "other slices"
    assert done.groups[0].difference is not None
    before, after = done.groups[0].difference
    assert before > 0.5 > 0.05 > after


def test_nothing_to_compare_with_gives_no_groups() -> None:
    done = made("independence")
    assert done.after is None
    assert done.groups == ()
