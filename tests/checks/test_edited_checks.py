"""Values that were edited in place, through the checks: whole tables, slices, strata, samples, profiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from association.edits import exchanged, population, relabelled
from checks.tables import evidence

from credenza.association.profile import Profile
from credenza.checks import inquiry as module
from credenza.checks.groups import ByColumn, OutsideGroups
from credenza.checks.pair_table import pair_table
from credenza.checks.pairs import AssociationShift
from credenza.contracts import Status
from credenza.data import open_source

ROWS = 6_000
TRUE = {"f8", "f1"}


def table(codes: np.ndarray, **more: object) -> pa.Table:
    columns: dict[str, object] = {f"f{j}": codes[:, j] > 0 for j in range(codes.shape[1])}
    return pa.table(columns | more)


@pytest.fixture(scope="module")
def known() -> pa.Table:
    return table(population(ROWS, 1))


@pytest.fixture(scope="module")
def torn() -> pa.Table:
    """The values of f1 edited along f8."""
    return table(relabelled(population(ROWS, 2), 8, 1, 0.2, 3))


def profiled(known: pa.Table) -> Profile:
    from credenza.report.profiling import profile

    return profile(known)


def test_one_edit_is_one_culprit_that_says_which_feature(run: Any, torn: pa.Table, known: pa.Table) -> None:
    outcome = run("CZ201", torn, known)
    (culprit,) = outcome.culprits
    assert set(culprit.features) == TRUE
    assert culprit.edited == "f1"
    assert len(culprit.collateral) >= 3
    assert culprit.filter_ceiling == 1.0
    assert culprit.rows_edited == pytest.approx(0.2 * ROWS, rel=0.2)
    (finding,) = outcome.findings
    assert finding.message.endswith("; values of f1 edited in place")
    assert finding.details["edited"] == "f1"
    assert outcome.details["edits_asked"]


def test_the_list_of_pairs_knows_what_the_edit_explains(torn: pa.Table, known: pa.Table) -> None:
    seen = evidence(torn, known)
    listed = pair_table(seen.inquiry)
    roles = dict(zip(zip(listed.feature_a, listed.feature_b, strict=True), listed.role, strict=True))
    assert {pair for pair, role in roles.items() if role == "culprit"} == {("f1", "f8")}
    assert {("f0", "f1"), ("f1", "f2"), ("f1", "f3")} <= {
        p for p, role in roles.items() if role == "collateral"
    }
    assert listed.p_after[np.array(listed.role) == "collateral"].min() > 1e-4


def test_exchanged_rows_have_no_edited_feature(run: Any, known: pa.Table) -> None:
    suspect = table(exchanged(population(ROWS, 22), 8, 1, 0.15, 3))
    outcome = run("CZ201", suspect, known)
    assert {frozenset(c.features) for c in outcome.culprits} == {frozenset(TRUE)}
    assert [c.edited for c in outcome.culprits] == [None]
    assert "edited" not in outcome.findings[0].details
    assert not outcome.details["edits_asked"]


def test_a_profile_has_no_rows_to_ask(torn: pa.Table, known: pa.Table, run: Any) -> None:
    outcome = run("CZ201", torn, profiled(known))
    assert len(outcome.culprits) > 1
    assert {c.edited for c in outcome.culprits} == {None}
    assert not outcome.details["edits_asked"]
    assert outcome.reason.endswith(
        "; some culprits share a feature: whether its values were edited in place takes the reference's rows, "
        "which a profile does not have"
    )


def test_weights_stay_those_that_restore_the_reference(torn: pa.Table, known: pa.Table) -> None:
    seen = evidence(torn, known)
    weights = np.concatenate(list(seen.row_weights.batches()))
    a, b = (np.array(torn[name]) for name in ("f8", "f1"))
    before = np.mean(np.array(known["f8"]) & np.array(known["f1"]))
    assert weights[a & b].sum() / ROWS == pytest.approx(before, abs=1e-5)


def test_a_sample_of_the_suspect_tells_the_same(
    torn: pa.Table, known: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DRAW_ROWS", 2_500)
    seen = evidence(torn, known)
    assert len(seen.inquiry.ladder.codes) == 2_500
    assert [(set(c.features), c.edited) for c in seen.inquiry.culprits()] == [(TRUE, "f1")]


def test_the_whole_table_need_not_be_in_play(
    torn: pa.Table, known: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WHOLE_PLANES", 4)
    seen = evidence(torn, known)
    assert len(seen.inquiry.in_play) < 10
    assert [(set(c.features), c.edited) for c in seen.inquiry.culprits()] == [(TRUE, "f1")]


def test_a_slice_with_edited_values_is_told_so(run: Any) -> None:
    parts = [population(4_000, seed) for seed in range(3)]
    parts[1] = relabelled(parts[1], 8, 1, 0.25, 3)
    names = np.repeat(["north", "south", "west"], 4_000)
    outcome = run("CZ202", table(np.concatenate(parts), site=names), slices="site")
    (culprit,) = outcome.culprits
    assert (set(culprit.features), culprit.edited, culprit.where) == (TRUE, "f1", "site = south")


def test_a_stratum_with_edited_values_is_told_so(run: Any) -> None:
    sides = []
    for seed in (1, 5):
        parts = [population(4_000, seed), population(4_000, seed + 1)]
        if seed == 5:
            parts = [relabelled(parts[0], 8, 1, 0.25, 3), _reversed(parts[1])]
        sides.append(table(np.concatenate(parts), sex=np.repeat([False, True], 4_000)))
    outcome = run("CZ204", sides[1], sides[0], strata=("sex",))
    assert outcome.status is Status.FLAGGED
    found = {(frozenset(c.features), c.edited, c.where) for c in outcome.culprits}
    assert (frozenset(TRUE), "f1", "sex = False") in found


def _reversed(codes: np.ndarray) -> np.ndarray:
    """An edit that cancels the other stratum's in the whole."""
    flipped = codes.copy()
    flipped[:, 8] = 1 - codes[:, 8]
    out = relabelled(flipped, 8, 1, 0.25, 4)
    out[:, 8] = 1 - out[:, 8]
    return out


def test_rows_outside_groups_are_picked() -> None:
    batch = pa.RecordBatch.from_pydict({"site": ["b", None, "a", "b"]})
    outside = OutsideGroups(ByColumn("site"), ("site = b", "site = q"))
    assert outside(batch).tolist() == [False, True, True, False]
    assert outside.columns == ("site",)


def test_rows_that_count_are_those_that_are_picked(known: pa.Table) -> None:
    parts = known.append_column("site", pa.array(np.repeat(["a", "b"], ROWS // 2)))
    seen = evidence(parts, known)
    picked = seen.given_pairs_of(
        open_source(parts), seen.schema, ((0, 1),), OutsideGroups(ByColumn("site"), ("site = a",))
    )
    plain = seen.given_pairs_of(open_source(parts.slice(ROWS // 2)), seen.schema, ((0, 1),))
    assert (picked.inner[0] == plain.inner[0]).all()
    assert AssociationShift().run(seen).status is Status.CLEAR
