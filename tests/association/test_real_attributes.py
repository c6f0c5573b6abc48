"""A few ladders on real face attributes (research-only data that is not shipped)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from association.worlds import ladder, left, named, poison
from scipy import stats

from credenza.association.probes import Layout

DATA = Path(__file__).parents[3] / "shared" / "data" / "celeba_attributes.parquet"
LAYOUT = Layout((2,) * 40, (0,) * 40)

pytestmark = pytest.mark.skipif(
    not DATA.is_file(), reason="the face attributes are not beside the repository"
)


@pytest.fixture(scope="module")
def faces() -> tuple[tuple[str, ...], np.ndarray]:
    import pyarrow.parquet as pq

    table = pq.read_table(DATA).drop_columns(["image_id"])
    return tuple(table.column_names), np.column_stack([c.to_numpy() for c in table.columns]).astype(np.uint8)


PLANTED = [
    ("Mouth_Slightly_Open", "Wearing_Lipstick", 0.05),
    ("High_Cheekbones", "Male", -0.05),
    ("Attractive", "Wavy_Hair", 0.05),
]


@pytest.mark.parametrize(("first", "second", "strength"), PLANTED)
def test_one_pair_is_named_and_nothing_is_left(
    faces: tuple[tuple[str, ...], np.ndarray], first: str, second: str, strength: float
) -> None:
    names, rows = faces
    rng = np.random.default_rng(0)
    order = rng.permutation(len(rows))
    reference, suspect, donors = rows[order[:8000]], rows[order[8000:14_000]], rows[order[14_000:]]
    pair = tuple(sorted((names.index(first), names.index(second))))
    climb = ladder(poison(suspect, *pair, strength, rng, donors), reference, LAYOUT).climb()
    assert (climb.first.q() <= 0.05).sum() > 5  # collateral at first
    assert named(climb, LAYOUT) == [pair]
    assert left(climb) == 0
    eps, error = climb.strengths[0]
    assert abs(eps - strength) < 3.5 * error


@pytest.mark.parametrize("rows_a_side", [500, 4000])
def test_clean_splits_hold_the_rate(faces: tuple[tuple[str, ...], np.ndarray], rows_a_side: int) -> None:
    _, rows = faces
    runs, flagged = 40, 0
    for seed in range(runs):
        order = np.random.default_rng(seed).permutation(len(rows))
        reference, suspect = rows[order[:rows_a_side]], rows[order[rows_a_side : 2 * rows_a_side]]
        flagged += bool(ladder(suspect, reference, LAYOUT).climb().steps)
    assert flagged <= stats.binom.isf(0.0005, runs, 0.05)
