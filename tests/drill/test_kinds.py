"""The kinds of attack: their names, what they fit, what they make."""

from __future__ import annotations

import pytest
from drill.tables import people

from credenza.attacks import AssociativePoisoning, ContinuousPoisoning
from credenza.data import fit_schema, sketch
from credenza.drill.kinds import KINDS, Kind
from credenza.drill.text import KIND_WORDS
from credenza.errors import UsageError


@pytest.mark.parametrize("name", KINDS)
def test_every_name_makes_an_attack(name: str) -> None:
    kind = Kind.of(name)
    attack = kind.attack(("a", "b"), ("x", "y"), 0.1)
    assert isinstance(attack, ContinuousPoisoning if kind.mode == "continuous" else AssociativePoisoning)
    assert name in KIND_WORDS


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"^unknown kind of attack 'sideways'; choose from positive, .*negative$"
    ):
        Kind.of("sideways")


def test_kinds_fit_levels_or_numbers() -> None:
    features = {f.name: f for f in fit_schema(sketch(people(500, 0))).features}
    assert Kind.of("positive").fits(features["smoker"], features["region"])
    assert not Kind.of("positive").fits(features["smoker"], features["income"])
    assert Kind.of("continuous-positive").fits(features["age"], features["income"])
    assert not Kind.of("continuous-negative").fits(features["age"], features["region"])
