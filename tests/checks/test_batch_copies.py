"""Near copies: told by numbers in proportion, and by the cut that shows most of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.checks.batch_copies import NEAR_SHARES, largest_excess, near_copies
from credenza.checks.batches.batch import Batch
from credenza.checks.batches.options import BatchOptions
from credenza.checks.batches.shares import tail_excess
from credenza.data import fit_schema, sketch


def rows_of(n: int, seed: int) -> pa.Table:
    """Hours that are 40 in half of the rows, and seven numbers beside them."""
    rng = np.random.default_rng(seed)
    hours = np.where(rng.random(n) < 0.5, 40, rng.integers(10, 70, n))
    others = {f"n{k}": rng.normal(40, 12, n) for k in range(6)}
    return pa.table({"hours": hours, **others, "pay": rng.lognormal(3, 1, n)})


def batch_of(own: pa.Table, known: pa.Table) -> Batch:
    return Batch(own, known, fit_schema(sketch(known)), BatchOptions())


def test_copies_with_an_hour_more_are_near() -> None:
    known, own = rows_of(1_500, 1), rows_of(600, 2)
    clean, _ = near_copies(batch_of(own, known))
    assert not clean.beyond(0.02, 0.005)
    moved = known[:60].set_column(0, "hours", pa.array(known["hours"].to_numpy()[:60] + 1))
    found, scores = near_copies(batch_of(pa.concat_tables([own[:540], moved]), known))
    assert found.beyond(0.02, 0.005)
    assert np.median(scores[540:]) > np.median(scores[:540])


@pytest.mark.parametrize("known", [[1.0, 1.0, 1.0], [0.0] * 200 + [7.0], [np.nan] * 3, [1.0, np.nan, 3.0]])
def test_odd_columns_have_finite_places(known: list[float]) -> None:
    from credenza.checks.batches.batch import _spread

    places = _spread(np.array([0.0, np.nan, 1e9, -1e9]), np.array(known))
    assert places.shape == (4, 2)
    assert np.isfinite(places).all()
    assert places[:, 0].min() >= -1
    assert places[:, 0].max() <= 2
    assert places[:, 1].tolist() == [0, 1, 0, 0]


@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.integers(2, 300))
@settings(max_examples=40, deadline=None)
def test_it_is_the_largest_of_the_cuts_at_their_price(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    own, known = rng.random(n), rng.random(m)
    cuts = [tail_excess(own, known, share) for share in NEAR_SHARES]
    found = largest_excess(own, known)
    assert found.share == max(cut.share for cut in cuts)
    assert found.p >= min(cut.p for cut in cuts)
    assert found.p <= 1
