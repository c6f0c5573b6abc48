from __future__ import annotations

from dataclasses import replace

import pytest

from credenza.errors import UsageError
from credenza.studies.chain.settings import SCALES, Group, Unit, deciding, scale_of, units_of

SMALL = SCALES["small"]


def test_the_first_models_of_all_groups_come_before_the_second() -> None:
    found = units_of(
        replace(SMALL, groups=(Group("clean", 1), Group("patch-10", 2), Group("sig-5", 2, "tuned")))
    )
    assert [unit.name for unit in found] == [
        "clean-scratch-0",
        "patch-10-scratch-0",
        "sig-5-tuned-0",
        "patch-10-scratch-1",
        "sig-5-tuned-1",
    ]


def test_filters_pick_attacks_and_attackers() -> None:
    tuned = units_of(SMALL, ["*/tuned"])
    assert {unit.attacker for unit in tuned} == {"tuned"}
    assert set(units_of(SMALL, ["clean", "*/tuned"])) == {*tuned, *units_of(SMALL, ["clean/scratch"])}


@pytest.mark.parametrize("only", ["patch-11", "patch-10/thief", "patch-10/scratch/0"])
def test_a_filter_that_lets_nothing_pass_names_what_there_is(only: str) -> None:
    with pytest.raises(UsageError) as caught:
        units_of(SCALES["tiny"], [only])
    assert str(caught.value) == (
        f"--only {only!r} lets nothing pass at scale tiny; choose from clean/scratch, patch-10/scratch, patch-10/tuned"
    )


def test_scales_go_by_name() -> None:
    assert scale_of("paper") is SCALES["paper"]
    assert scale_of(SMALL) is SMALL
    with pytest.raises(UsageError, match=r"^unknown scale 'huge'; choose from tiny, small, paper$"):
        scale_of("huge")


def test_more_models_may_be_asked_of_a_folder_with_results() -> None:
    before, after = ({"scale": replace(SMALL, groups=groups).to_dict()} for groups in ((), SMALL.groups))
    assert deciding(before, [{}]) == deciding(after, [{}])
    other = {"scale": replace(SMALL, train=5).to_dict()}
    assert deciding(before, [{}]) != deciding(other, [{}])


def test_every_scale_names_attacks_that_there_are() -> None:
    from credenza.studies.chain.poison import parsed

    for scale in SCALES.values():
        for unit in units_of(scale):
            assert isinstance(unit, Unit)
            assert parsed(unit.attack)[1] <= 0.1
