from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from credenza.contracts import AuditResult, FloatArray, Outcome, Status
from credenza.errors import UsageError
from credenza.report import Audit
from credenza.report.rows import HeldWeights, all_weights, require_weights, row_batches, row_table

WEIGHTS = arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 10))


class Pieces:
    """Weights in pieces of three, counted as they are asked for."""

    def __init__(self, weights: FloatArray) -> None:
        self.weights, self.given = weights, 0

    @property
    def rows(self) -> int:
        return len(self.weights)

    def batches(self) -> Iterator[FloatArray]:
        for start in range(0, self.rows, 3):
            self.given += 1
            yield self.weights[start : start + 3]


def test_rows_of_an_over_filled_cell_score_the_share_of_foreign_rows() -> None:
    table = row_table(HeldWeights(np.array([0.75, 1.25, 1.0])))
    assert table.to_pydict() == {"row": [0, 1, 2], "weight": [0.75, 1.25, 1.0], "score": [0.25, 0.0, 0.0]}


@given(WEIGHTS)
def test_pieces_give_the_same_rows_as_the_whole(weights: FloatArray) -> None:
    pieces = Pieces(weights)
    assert row_table(pieces).equals(row_table(HeldWeights(weights)))
    np.testing.assert_array_equal(all_weights(pieces), weights)
    assert (pieces.rows, HeldWeights(weights).rows) == (len(weights), len(weights))


def test_rows_come_a_batch_at_a_time() -> None:
    pieces = Pieces(np.ones(9))
    batches = row_batches(pieces)
    assert next(batches).num_rows == 3
    assert pieces.given == 1


def test_an_audit_streams_its_rows(flagged: AuditResult, tmp_path: Path) -> None:
    pieces = Pieces(np.linspace(0.5, 1.5, 10))
    audit = Audit(flagged, row_weights=pieces)
    target = tmp_path / "rows.parquet"
    audit.to_rows(target)
    assert pq.ParquetFile(target).num_row_groups == 4
    assert pq.read_table(target).equals(audit.rows)
    assert audit.weights is audit.weights
    np.testing.assert_array_equal(audit.weights, pieces.weights)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


def test_rows_need_the_pair_check(flagged: AuditResult, tmp_path: Path) -> None:
    message = (
        "row scores come from CZ201, which did not run: give a reference, and leave CZ201 among the checks"
    )
    audit = Audit(flagged)
    assert audit.weights is None
    for ask in (
        lambda: require_weights(None),
        lambda: audit.rows,
        lambda: audit.to_rows(tmp_path / "rows.parquet"),
    ):
        with pytest.raises(UsageError) as caught:
            ask()
        assert str(caught.value) == message
    assert not list(tmp_path.iterdir())


def test_checks_that_score_rows_have_a_column_each() -> None:
    own, other = np.array([0.0, 0.5, np.nan]), np.array([3.0, 1.0, 2.0])
    table = row_table(Pieces(np.array([0.75, 1.25, 1.0])), {"CZ401": own, "CZ402": other})
    assert table.column_names == ["row", "weight", "score", "CZ401", "CZ402"]
    np.testing.assert_array_equal(table["CZ401"].to_numpy(), own)
    alone = row_table(None, {"CZ402": other})
    assert alone.to_pydict() == {"row": [0, 1, 2], "CZ402": [3.0, 1.0, 2.0]}


def test_scores_without_weights_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credenza.report.rows.PIECE", 4)
    values = np.arange(10.0)
    batches = list(row_batches(None, {"CZ402": values}))
    assert [batch.num_rows for batch in batches] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([batch["CZ402"] for batch in batches]), values)
    assert [row for batch in batches for row in batch["row"].to_pylist()] == list(range(10))


def test_scores_come_from_the_outcomes(flagged: AuditResult) -> None:
    values = np.linspace(0, 1, 5)
    outcome = Outcome("CZ402", "Losses", Status.CLEAR, scores=values)
    audit = Audit(replace(flagged, outcomes=(*flagged.outcomes, outcome)))
    assert audit.rows.column_names == ["row", "CZ402"]
    assert outcome == Outcome("CZ402", "Losses", Status.CLEAR)
    assert "scores" not in audit.to_json()
