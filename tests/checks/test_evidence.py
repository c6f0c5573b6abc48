from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from checks.tables import evidence

from credenza.checks.strata import StrataShift
from credenza.errors import InputError, UsageError
from credenza.report import profiling as profiles


def computed(seen: object) -> set[str]:
    given = {
        "suspect",
        "reference",
        "settings",
        "slices",
        "strata",
        "policy",
        "engine",
        "_columns",
        "triples",
        "beside",
    }
    return set(vars(seen)) - given


def test_nothing_is_computed_before_it_is_asked_for(clean: pa.Table, reference: pa.Table) -> None:
    seen = evidence(clean, reference)
    assert computed(seen) == set()
    assert seen.schema.names == tuple(clean.column_names)
    read = {"columns", "suspect_survey", "reference_survey", "_fitted"}
    assert computed(seen) == read
    assert len(seen.suspect_census.dense.joint) == seen.schema.planes
    assert computed(seen) == read | {"suspect_census"}


def test_what_was_computed_is_kept(clean: pa.Table, reference: pa.Table) -> None:
    seen = evidence(clean, reference)
    assert seen.suspect_counts is seen.suspect_counts
    assert seen.reference_counts is seen.reference_counts
    assert seen.inquiry.climb is seen.inquiry.climb


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"columns": ["smoker", "urbn"]},
            "--columns names 'urbn', which Arrow table does not have: did you mean 'urban'?",
        ),
        (
            {"slices": "zzz"},
            "--slices names 'zzz', which Arrow table does not have: "
            "it has 'smoker', 'urban', 'active', 'insured', 'region', 'age'",
        ),
        (
            {"strata": ("regio",)},
            "--strata names 'regio', which Arrow table does not have: did you mean 'region'?",
        ),
        ({"columns": []}, "no columns were chosen: name at least one, or leave the choice out"),
    ],
)
def test_unknown_columns_are_refused_at_once(clean: pa.Table, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        evidence(clean, **options)
    assert str(caught.value) == message


def test_strata_that_are_not_features_say_why(clean: pa.Table, reference: pa.Table) -> None:
    seen = evidence(clean, reference, columns=["smoker", "urban"], strata=("region",))
    with pytest.raises(
        UsageError, match="'region' is not among the features; choose one of 'smoker', 'urban'"
    ):
        StrataShift().run(seen)


def test_correlations_are_those_of_the_rows() -> None:
    rng = np.random.default_rng(0)

    def draw(n: int, slope: float) -> pa.Table:
        x = rng.normal(size=n)
        return pa.table({"x": x, "y": slope * x + rng.normal(size=n), "z": rng.normal(size=n)})

    suspect, reference = draw(500, 0.2), draw(700, 0.9)
    before, after = evidence(suspect, reference).moments
    for table, found in ((reference, before), (suspect, after)):
        truth = np.corrcoef(table["x"].to_numpy(), table["y"].to_numpy())[0, 1]
        assert found.pearson("x", "y") == found.pearson("y", "x") == pytest.approx(truth)
        assert np.isnan(found.pearson("x", "w"))


def test_a_profile_restricted_to_columns(clean: pa.Table, reference: pa.Table) -> None:
    seen = evidence(clean, profiles.profile(reference), columns=["urban", "age"])
    assert set(seen.schema.names) == {"urban", "age"}
    direct = evidence(clean, reference.select(["urban", "age"]), columns=["urban", "age"])
    assert seen.reference_counts.rows == direct.reference_counts.rows
    assert int(seen.reference_counts.joint.sum()) == int(direct.reference_counts.joint.sum())


def test_the_reference_may_have_no_rows_here(clean: pa.Table) -> None:
    with pytest.raises(InputError, match="the reference has no rows here"):
        _ = evidence(clean, settings={"correction": "permutation"}).permutation_p
