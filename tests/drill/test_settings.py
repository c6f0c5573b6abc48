"""What a drill may be asked for."""

from __future__ import annotations

from typing import Any

import pytest

from credenza.drill.settings import DrillSettings, as_pairs
from credenza.errors import UsageError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"runs": 0}, "runs is a whole number from 1 to 100,000; found 0"),
        ({"runs": 2.5}, "runs is a whole number from 1 to 100,000; found 2.5"),
        ({"null_runs": -1}, "null_runs is a whole number from 0 to 100,000; found -1"),
        ({"choose": 0}, "choose is a whole number from 1 to 100,000; found 0"),
        ({"strengths": (0.1, 0.7)}, "a strength is a probability mass above 0 and up to 0.5; found 0.7"),
        ({"target": 0.0}, "target is a probability mass above 0 and up to 0.5; found 0.0"),
        ({"split": 1.0}, "split is the suspect's share of the rows, between 0 and 1; found 1.0"),
        ({"kinds": ("up",)}, "unknown kind of attack 'up'; choose from "),
        ({"pairs": (("a", "a"),)}, "the pair names column 'a' twice; give two different columns"),
        ({"fdr": 0.9}, "fdr is 0.9: give a number above 0 and up to 0.5"),
        ({"seed": -1}, "the seed is a non-negative integer; found -1"),
    ],
)
def test_arguments_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as error:
        DrillSettings(**changes)
    assert str(error.value).startswith(message)


def test_pairs_are_pairs_or_a_number() -> None:
    assert as_pairs(None, 8) == ((), 8)
    assert as_pairs(3, 8) == ((), 3)
    assert as_pairs([["a", "b"], ("a", "b"), ("b", "c")], 8) == ((("a", "b"), ("b", "c")), 8)
    with pytest.raises(
        UsageError, match=r"^pairs are a list of pairs of column names, or a number; found 'ab'$"
    ):
        as_pairs("ab", 8)
    with pytest.raises(UsageError, match=r"^a pair is two column names; found \('a', 'b', 'c'\)$"):
        as_pairs([("a", "b", "c")], 8)
