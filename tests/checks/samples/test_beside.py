"""Embeddings that are made here, among what is given beside the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from credenza.checks.samples.beside import Beside, SampleInputs
from credenza.contracts import Outcome, Status
from credenza.data import open_source
from credenza.data.features import Unreadable
from credenza.errors import UsageError
from credenza.models.embedding.base import Embedded
from credenza.models.embedding.make import Request

TABLE = pa.table({"age": list(range(60)), "kind": ["a", "b", "c"] * 20})


def beside(**given: Any) -> Beside:
    source = open_source(TABLE)
    return Beside(source, source, SampleInputs(**given))


def partly() -> Beside:
    """Beside the table, where rows 1 and 4 could not be read."""
    found = beside(labels="kind", embed=Request("table", without=("kind",)))
    rows = np.delete(np.arange(60), [1, 4])
    bad = (Unreadable(1, "row 1", "cut"), Unreadable(4, "row 4", "cut"))
    found.made = Embedded(np.ones((58, 2), np.float32), rows, bad, np.full((58, 3), 2.0, np.float32))
    return found


def test_embeddings_are_made_of_suspect_and_reference() -> None:
    found = beside(labels="kind", embed=Request("table", without=("kind",)))
    named = dict(found.read())
    assert set(named) == {"embeddings", "reference embeddings"}
    assert named["embeddings"].values.shape == (60, 1)
    assert (named["embeddings"].name, named["embeddings"].kind) == ("encoded features", "table")
    assert (found.rows, found.unreadable, found.general) == (None, ((), ()), False)
    assert found.samples is not None
    assert len(found.samples.labels) == 60


def test_given_embeddings_say_what_rows_hold() -> None:
    assert beside(embeddings=np.zeros((60, 2))).general
    assert not beside().general
    assert not beside().has_embeddings


def test_samples_are_of_the_rows_that_were_read() -> None:
    found = partly()
    samples = found.samples
    assert samples is not None
    assert found.labels is not None
    assert len(found.labels.codes) == 60
    assert samples.labels.tolist() == np.delete(found.labels.codes, [1, 4]).tolist()
    assert samples.losses is not None
    assert samples.losses.shape == (58, 3)
    assert found.losses is not None
    assert np.flatnonzero(np.isnan(found.losses.values).any(axis=1)).tolist() == [1, 4]


def test_scores_are_spread_where_they_are_of_those_rows() -> None:
    found = partly()
    picks = np.arange(58) == 2
    scored = Outcome("CZ403", "x", Status.CLEAR, scores=np.arange(58.0), picked=picks)
    spread, picked = found.spread(scored).scores, found.spread(scored).picked
    assert spread is not None
    assert picked is not None
    assert np.flatnonzero(picked).tolist() == [3]
    assert np.flatnonzero(np.isnan(spread)).tolist() == [1, 4]
    assert spread[[0, 2, 3, 5]].tolist() == [0, 1, 2, 3]
    whole = Outcome("CZ402", "x", Status.CLEAR, scores=np.arange(60.0))
    assert found.spread(whole) is whole
    assert beside(embed=Request("table")).spread(scored) is scored


@pytest.mark.parametrize("name", ["embeddings", "reference_embeddings"])
def test_embeddings_are_given_or_made(name: str) -> None:
    option = name.replace("_", "-")
    with pytest.raises(
        UsageError, match=f"^--embed makes the embeddings, and --{option} gives them: leave one of"
    ):
        beside(embed=Request("table"), **{name: np.zeros((60, 2))})
