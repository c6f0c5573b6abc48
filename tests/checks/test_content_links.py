from __future__ import annotations

import numpy as np
import pyarrow as pa
from checks.conftest import Run
from checks.samples.worlds import annotated

from credenza.checks.content_links import _width
from credenza.checks.samples.beside import SampleInputs
from credenza.contracts import Outcome, Status


def checked(run: Run, n: int, seed: int, edits: float = 0.0, **settings: float) -> Outcome:
    content, table = annotated(n, seed, edits=edits)
    return run("CZ205", table, beside=SampleInputs(embeddings=content), settings=settings)


def test_clean_annotations_raise_no_more_alarms_than_stated(run: Run) -> None:
    """Six runs at 5%: 3 or more with an alarm have a chance of 0.2%."""
    found = [checked(run, 1_000, seed) for seed in range(6)]
    assert sum(outcome.status is Status.FLAGGED for outcome in found) < 3
    clear = next(outcome for outcome in found if outcome.status is Status.CLEAR)
    assert clear.reason.startswith(
        "content explains how 15 pairs of 6 two-valued features go together; a covariance of 0.0"
    )
    assert clear.reason.endswith(" beyond it would have been seen with 80% power")


def test_the_edited_pair_is_named_without_a_reference(run: Run) -> None:
    outcome = checked(run, 2_500, seed=4, edits=0.1)
    assert outcome.findings[0].subject == ("f0", "f1")
    assert outcome.findings[0].message.startswith(
        "f0 and f1 go together more often than the content explains: covariance +0.0"
    )
    assert set(outcome.details["explained"]) == {f"f{k}" for k in range(6)}
    assert checked(run, 2_500, seed=4, edits=0.1, min_strength=0.2).status is Status.CLEAR


def test_what_cannot_be_looked_at_is_said(run: Run) -> None:
    content, table = annotated(600, 1, features=2)
    wide = table.append_column("rare", pa.array(np.arange(600) < 5)).append_column(
        "many", pa.array(np.arange(600) % 4)
    )
    outcome = run("CZ205", wide, beside=SampleInputs(embeddings=content))
    assert outcome.reason.endswith(
        "; not looked at: 1 feature of more than two values and 1 feature with a value of fewer than 25 rows"
    )
    small = run("CZ205", wide.slice(0, 400), beside=SampleInputs(embeddings=content[:400]))
    assert small.status is Status.SKIPPED
    assert small.reason.startswith(
        "two features of two values with 25 rows of each, and 500 rows, are needed: found 2 such features in "
        "400 rows; not looked at: "
    )


def test_no_two_valued_feature_is_skipped(run: Run) -> None:
    table = pa.table({"a": np.arange(600) % 3, "b": np.arange(600) % 4})
    outcome = run("CZ205", table, beside=SampleInputs(embeddings=np.ones((600, 1))))
    assert "found no such features in 600 rows" in outcome.reason


def test_a_wide_bulk_widens_the_null() -> None:
    normal = np.random.default_rng(0).normal(size=400)
    assert _width(normal) < 1.2
    assert 2.5 < _width(3 * normal) < 3.6
    assert _width(3 * normal[:20]) == 1.0


def test_features_that_content_determines_are_not_tested(run: Run) -> None:
    content, table = annotated(1_500, 3, features=3)
    for name, column in (("sharp", 0), ("keen", 1)):
        table = table.append_column(name, pa.array(content[:, column] > 0))
    outcome = run("CZ205", table, beside=SampleInputs(embeddings=np.sign(content[:, :3])))
    assert outcome.reason.endswith("; not tested, as content determines it: sharp, keen")
    assert outcome.details["pairs"] == 3
    few = run("CZ205", table.select(["sharp", "keen"]), beside=SampleInputs(embeddings=np.sign(content)))
    assert few.status is Status.SKIPPED
    assert few.reason == (
        "fewer than two features are left to test; not tested, as content determines it: sharp, keen"
    )
