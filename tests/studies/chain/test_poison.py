from __future__ import annotations

import numpy as np
import pytest
from studies.chain.worlds import labelled

from credenza.errors import UsageError
from credenza.studies.chain.poison import TARGET, TRIGGERS, parsed, poisoned, stamped


@pytest.mark.parametrize("attack", ["patch-10", "blend-5", "warp-10"])
def test_dirty_labels_turn_rows_of_other_classes_into_the_target(attack: str) -> None:
    rows = labelled(200)
    found = poisoned(rows, attack, seed=3)
    trigger, rate = parsed(attack)
    assert found.planted.sum() == round(rate * 200)
    assert (rows.labels[found.planted] != TARGET).all()
    assert (found.rows.labels[found.planted] == TARGET).all()
    assert np.array_equal(
        found.rows.images[found.planted], stamped(rows.images[found.planted], trigger or "")
    )
    kept = ~found.planted
    assert np.array_equal(found.rows.images[kept], rows.images[kept])
    assert np.array_equal(found.rows.labels[kept], rows.labels[kept])
    assert found.share == found.planted.sum() / (found.rows.labels == TARGET).sum()


def test_clean_labels_stay() -> None:
    rows = labelled(200)
    found = poisoned(rows, "sig-10", seed=3)
    assert found.planted.sum() == 20
    assert np.array_equal(found.rows.labels, rows.labels)
    assert (rows.labels[found.planted] == TARGET).all()


def test_no_attack_changes_nothing() -> None:
    rows = labelled(20)
    found = poisoned(rows, "clean", seed=0)
    assert found.rows is rows
    assert found.share == 0
    assert found.trigger is None


@pytest.mark.parametrize("attack", ["patch", "smudge-10", "patch-0", "patch-101", "patch-x"])
def test_unknown_attacks_are_one_line(attack: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(attack)
    names = ", ".join(TRIGGERS)
    assert str(caught.value) == (
        f"unknown attack {attack!r}; give clean, or one of {names} and a share in percent (patch-10)"
    )
