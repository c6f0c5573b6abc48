from __future__ import annotations

import pytest

from credenza.studies.associative.summary import verdict_of_ablation
from credenza.studies.common.tables import number, table
from credenza.studies.common.workers import minutes_left


def row(share: float, mcc: float, *, significant: bool, named: int) -> dict[str, object]:
    return {"share": share, "mcc": mcc, "significant": significant, "named": named, "audits": 3}


def test_the_audit_must_be_there_when_the_shift_becomes_significant() -> None:
    rows = [
        row(0.0, 0.1, significant=False, named=0),
        row(0.05, 0.2, significant=False, named=3),
        row(0.10, 0.3, significant=True, named=3),
        row(0.15, 0.4, significant=True, named=2),
    ]
    held = verdict_of_ablation(rows)
    assert held == {"monotone": True, "threshold": 0.10, "caught": True, "caught_from": 0.05}
    rows[1]["named"], rows[3]["mcc"] = 2, 0.3
    assert verdict_of_ablation(rows) == {
        "monotone": False,
        "threshold": 0.10,
        "caught": False,
        "caught_from": 0.10,
    }
    for item in rows:
        item["significant"] = False
    held = verdict_of_ablation(rows)
    assert held is not None
    assert held["threshold"] is None
    assert not held["caught"]
    assert verdict_of_ablation([]) is None


def test_time_left_of_kinds_not_seen_is_the_mean() -> None:
    assert minutes_left([], ["a"], 1) is None
    assert minutes_left([("a", 60.0)], ["a", "b"], 1) == pytest.approx(2.0)
    assert minutes_left([("a", 60.0)], [], 1) == 0


def test_numbers_in_tables() -> None:
    assert [number(x) for x in (0.5, -0.25, 1.5, None)] == [".500", "-.250", "1.500", "-"]
    assert table(["x"], [["1"], ["2"]]) == "| x |\n|---|\n| 1 |\n| 2 |\n"
