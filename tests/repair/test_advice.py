from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from repair.weight_worlds import case_of, moved

from credenza.repair import Relabel, Resample, Reweight
from credenza.repair.advice import copies, few_effective, thinned
from credenza.repair.case import Case


def steep() -> Case:
    """Two features that nearly always agree and should not go together at all."""
    cells = [(0, 0)] * 480 + [(0, 1)] * 20 + [(1, 0)] * 20 + [(1, 1)] * 480
    a, b = np.array(cells).T
    return case_of(pa.table({"a": a, "b": b}), ("a", "b"))


def test_weights_that_leave_few_rows_effective_are_warned_of() -> None:
    (warning,) = Reweight().treat(steep(), None, seed=0).summary["warnings"]
    assert warning == (
        "the weights leave 154 of 1,000 rows effective (15%); give a cap, or relabel or reverse instead"
    )
    assert Reweight().treat(case_of(moved(), ("f0", "f1")), None, seed=0).summary["warnings"] == ()


def test_copies_are_told_with_what_avoids_them() -> None:
    treated = Resample().treat(case_of(moved(), ("f0", "f1")), None, seed=0)
    rows = treated.summary["repeated"]
    extra = treated.output.rows - (600 - treated.summary["dropped"])
    assert treated.summary["warnings"] == (
        f"{rows} rows were repeated ({extra} copies), which an audit finds as duplicates (CZ002); "
        "thin, or reweight, to have none",
    )
    assert copies(1, 1) == (
        "1 row was repeated, which an audit finds as duplicates (CZ002); thin, or reweight, to have none",
    )
    assert copies(0, 0) == ()


def test_thinning_repeats_none_and_tells_what_it_loses() -> None:
    few, thin = Resample(thin=True).treat(steep(), None, seed=0).summary["warnings"]
    assert few.startswith("the weights leave 154 of 1,000 rows effective")
    assert thin == "thinning keeps 80 of 1,000 rows (8%); give a cap to keep more, or reweight"
    asked = Resample(thin=True, rows=50).treat(steep(), None, seed=0).summary["warnings"]
    assert len(asked) == 1
    assert thinned(500, 1_000) == ()


def test_no_rows_and_edits_are_nothing_to_warn_of() -> None:
    assert few_effective(0.0, 0) == thinned(0, 0) == ()
    assert "warnings" not in Relabel(rows="random").treat(steep(), None, seed=0).summary


def test_a_case_without_cures_has_no_warnings() -> None:
    case = case_of(moved())
    assert Reweight().treat(case, None, seed=0).summary["warnings"] == ()


@pytest.mark.parametrize("share", [0.5, 0.51])
def test_half_is_enough(share: float) -> None:
    assert few_effective(share * 100, 100) == ()
