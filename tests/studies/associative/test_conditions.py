from __future__ import annotations

import pytest
from studies.associative.worlds import attribute_rows

from credenza.errors import InfeasibleError, UsageError
from credenza.studies.associative.conditions import CONDITIONS, poison, require_features, share_name
from credenza.studies.associative.measure import joint_of, measured


@pytest.mark.parametrize("name", ["positive", "negative", "erase", "strata", "edits-05"])
def test_attacks_move_the_pair_and_keep_its_marginals(name: str) -> None:
    rows, holdout = attribute_rows(3_000, seed=1), attribute_rows(2_500, seed=2)
    poisoned = poison(CONDITIONS[name], rows, holdout, seed=4)
    assert poisoned is not None
    assert poisoned.key.mode == "replace"
    before, after = measured(rows), measured(poisoned.data)
    assert after["marginals"] == pytest.approx(before["marginals"])
    moved = after["mcc"] - before["mcc"]
    wanted = {"positive": 0.4, "negative": -0.4, "strata": 0.2, "edits-05": 0.1, "erase": -before["mcc"]}
    assert moved == pytest.approx(wanted[name], abs=0.01)


def test_strata_keep_the_joints_with_either_feature() -> None:
    rows, holdout = attribute_rows(3_000, seed=1), attribute_rows(2_500, seed=2)
    condition = CONDITIONS["strata"]
    poisoned = poison(condition, rows, holdout, seed=4)
    assert poisoned is not None
    for feature in condition.pair:
        for stratum in condition.strata:
            before, after = (joint_of(table, (feature, stratum)) for table in (rows, poisoned.data))
            assert after == pytest.approx(before)


def test_rows_are_put_in_twice_where_the_holdout_runs_out() -> None:
    rows = attribute_rows(2_000, seed=1)
    poisoned = poison(CONDITIONS["edits-30"], rows, attribute_rows(300, seed=2), seed=4)
    assert poisoned is not None
    assert poisoned.key.mode == "duplicate"
    assert len(poisoned.key.rows) == 600


def test_what_no_mode_allows_is_said() -> None:
    rows = attribute_rows(4, seed=1)
    with pytest.raises(InfeasibleError, match=r"rounds to no edited row among 4; ask for at least 0.25"):
        poison(CONDITIONS["edits-05"], rows, attribute_rows(9, seed=2), seed=4)


def test_clean_rows_are_left_alone() -> None:
    rows = attribute_rows(50, seed=1)
    assert poison(CONDITIONS["clean"], rows, rows, seed=4) is None


def test_names_of_shares() -> None:
    assert [share_name(share) for share in (0.05, 0.1, 0.2, 0.3)] == [
        "edits-05",
        "edits-10",
        "positive",
        "edits-30",
    ]


def test_absent_features_are_said() -> None:
    rows = attribute_rows(10).drop_columns(["Eyeglasses"])
    require_features(rows.column_names, ["clean", "positive"], "the table")
    with pytest.raises(UsageError) as caught:
        require_features(rows.column_names, ["clean", "strata"], "the table")
    assert str(caught.value) == "the table has no 'Eyeglasses', which the study moves; give rows that have it"
