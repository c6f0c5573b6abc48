"""Which feature was edited: told from the rest of the rows, by the reference's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from repair.edit_worlds import case_of, people

from credenza.attacks import AssociativePoisoning
from credenza.data import open_source
from credenza.repair.case import Case
from credenza.repair.suspicion import informed

PAIR = ("plan", "cough")


def seen(seed: int, mode: str, pair: tuple[str, str] = PAIR) -> Case:
    """A pair that was moved, seen beside trusted rows; the audit has said nothing of an edit."""
    clean, reference, spare = (people(3_000, 3 * seed + k) for k in range(3))
    levels = tuple("full" if name == "plan" else "true" for name in pair)
    attack = AssociativePoisoning(pair, levels=levels, strength=0.05, mode=mode)
    suspect = attack.apply(clean, holdout=spare if mode == "replace" else None, seed=seed).data
    return replace(case_of(suspect, reference, pair), reference=open_source(reference))


@pytest.mark.parametrize("pair", [PAIR, ("urban", "cough"), ("cough", "plan")])
def test_an_edited_feature_is_named_and_exchanged_rows_are_not_suspected(pair: tuple[str, str]) -> None:
    for seed in range(2):
        case = seen(seed, "relabel", pair)
        assert informed(case, seed).cures[0].edited == case.schema.index(pair[1])
        for mode in ("replace", "duplicate"):
            assert informed(seen(seed, mode, pair), seed).cures[0].edited is None


def test_what_the_audit_says_stands_and_without_trusted_rows_nothing_is_said() -> None:
    case = seen(0, "relabel")
    told = replace(case, cures=(replace(case.cures[0], edited=case.schema.index("plan")),))
    assert informed(told, 0) == told
    assert informed(replace(case, reference=None), 0).cures[0].edited is None


def test_a_pair_of_a_slice_is_left_alone() -> None:
    case = seen(0, "relabel")
    inside = replace(case, cures=(replace(case.cures[0], where=("contributor", "c1")),))
    assert informed(inside, 0) == inside
