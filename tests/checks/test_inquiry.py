"""What is in play of a large table, what is drawn of a long one, and that neither changes the answer."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from checks.tables import evidence, poisoned

from credenza.association.planes import DENSE_PLANES, PlaneStore
from credenza.checks import inquiry as module
from credenza.checks.pair_table import pair_table
from credenza.checks.pairs import AssociationShift


def test_a_small_table_is_in_play_as_a_whole(moved: pa.Table, reference: pa.Table) -> None:
    inquiry = evidence(moved, reference).inquiry
    assert inquiry.in_play == tuple(range(6))
    assert inquiry.beyond == 0
    assert len(inquiry.ladder.codes) == 4_000


def test_of_a_large_table_the_features_of_significant_pairs_are(
    moved: pa.Table, reference: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evidence(moved, reference).inquiry
    monkeypatch.setattr(module, "WHOLE_PLANES", 4)
    part = evidence(moved, reference).inquiry
    flagged = {int(f) for k in part.flagged for f in (part.ranking.i[k], part.ranking.j[k])}
    assert set(part.in_play) == flagged
    assert {"smoker", "urban"} <= set(part.part.names) < set(part.schema.names)
    (one,), (other,) = whole.culprits(), part.culprits()
    assert (one.features, one.levels, one.collateral) == (other.features, other.levels, other.collateral)
    assert one.strength == pytest.approx(other.strength)
    assert one.p == pytest.approx(other.p)
    left, right = pair_table(whole), pair_table(part)
    assert (left.feature_a, left.role) == (right.feature_a, right.role)
    np.testing.assert_array_equal(left.p, right.p)
    outcome = AssociationShift().run(evidence(moved, reference))
    assert f"; explained on the {len(part.in_play)} features in play" in outcome.reason


def test_pairs_without_room_are_admitted(
    moved: pa.Table, reference: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WHOLE_PLANES", 4)
    monkeypatch.setattr(module, "IN_PLAY_PLANES", 4)
    seen = evidence(moved, reference)
    assert seen.inquiry.part.names == ("smoker", "urban")
    assert seen.inquiry.beyond == len(seen.inquiry.flagged) - 1 > 0
    ending = f"; whether that explains {seen.inquiry.beyond} flagged pair"
    assert ending in AssociationShift().run(seen).reason


def test_a_calm_table_draws_no_rows(clean: pa.Table, reference: pa.Table) -> None:
    inquiry = evidence(clean, reference).inquiry
    assert len(inquiry.ladder.codes) == 0
    assert inquiry.culprits() == ()
    assert inquiry.climb.calibration.effective_size == 4_000


def test_a_sample_of_rows_names_the_same_culprit(
    moved: pa.Table, reference: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evidence(moved, reference).inquiry
    monkeypatch.setattr(module, "DRAW_ROWS", 1_000)
    seen = evidence(moved, reference)
    assert len(seen.inquiry.ladder.codes) == 1_000
    (one,), (other,) = whole.culprits(), seen.inquiry.culprits()
    assert (one.features, one.levels) == (other.features, other.levels)
    assert one.strength == pytest.approx(other.strength)  # the 2x2 table is that of all rows
    assert one.rows_edited == other.rows_edited
    assert "a seeded sample of 1,000 of 4,000 rows" in AssociationShift().run(seen).reason


def test_the_final_weights_are_solved_on_all_rows(
    moved: pa.Table, reference: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evidence(moved, reference)
    expected = np.concatenate(list(whole.row_weights.batches()))
    monkeypatch.setattr(module, "DRAW_ROWS", 700)
    weights = evidence(moved, reference).row_weights
    found = np.concatenate(list(weights.batches()))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert weights.rows == len(found) == 4_000
    assert found.mean() == pytest.approx(1.0)
    a, b = (np.array(moved[name]) for name in ("smoker", "urban"))
    before = np.mean(np.array(reference["smoker"]) & np.array(reference["urban"]))
    assert found[a & b].sum() / 4_000 == pytest.approx(before, abs=1e-6)


def test_weights_of_an_audit_without_findings_are_one(clean: pa.Table, reference: pa.Table) -> None:
    weights = evidence(clean, reference).row_weights
    assert weights.schema.names == ()
    np.testing.assert_array_equal(np.concatenate(list(weights.batches())), np.ones(4_000))


def wide(rows: int, seed: int, columns: int = DENSE_PLANES // 2 + 30) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table({f"f{j:04d}": rng.random(rows) < 0.3 + 0.05 * (j % 8) for j in range(columns)})


def test_a_wide_table_is_audited_a_tile_at_a_time() -> None:
    suspect, reference = poisoned(wide(1_500, 1), 0.1, pair=("f0003", "f2001")), wide(1_500, 2)
    seen = evidence(suspect, reference)
    assert isinstance(seen.suspect_counts, PlaneStore)
    (culprit,) = seen.inquiry.culprits()
    assert culprit.features == ("f0003", "f2001")
    table = pair_table(seen.inquiry)
    features = len(suspect.column_names)
    assert (table.pairs, table.tested) == (features * (features - 1) // 2,) * 2
    assert len(table.p) == 10_000
    assert table.role[0] == "culprit"
    assert table.strength[0] == pytest.approx(culprit.strength)
    assert 0.08 < culprit.strength < 0.12
    assert np.isfinite(seen.inquiry.power.typical())
