from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.attacks.image_triggers import Patch, Sinusoid
from credenza.checks.triggers.carriers import suspicion
from credenza.checks.triggers.data import trigger_in_data
from credenza.checks.triggers.mixture import second_part

rng = np.random.default_rng(3)
LABELS = np.arange(800) % 4
CLEAN = np.clip(rng.normal(110 + 20 * LABELS[:, None, None, None], 25, (2, 800, 16, 16, 3)), 0, 255).astype(
    np.uint8
)


@pytest.mark.parametrize("trigger", [Patch(), Sinusoid()])
def test_images_with_the_trigger_are_told_from_those_without(trigger: Patch | Sinusoid) -> None:
    images, planted = CLEAN[0].copy(), np.flatnonzero(LABELS == 2)[:40]
    images[planted] = [trigger.stamp(image) for image in images[planted]]
    found = trigger_in_data(images, LABELS, CLEAN[1], LABELS)
    assert found.flagged
    assert found.target == 2
    told = suspicion(found, images, LABELS, CLEAN[1], LABELS)
    picked = np.flatnonzero(told >= 0.5)
    assert len(np.setdiff1d(picked, planted)) <= 2
    assert len(np.intersect1d(picked, planted)) >= 38
    assert (told[LABELS != 2] == 0).all()


def test_equal_sides_carry_nothing() -> None:
    found = trigger_in_data(CLEAN[0], LABELS, CLEAN[0], LABELS)
    assert (suspicion(found, CLEAN[0], LABELS, CLEAN[0], LABELS) == 0).all()


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(40, 400), st.floats(0.05, 0.5))
def test_a_part_far_away_is_found_whole(seed: int, rows: int, share: float) -> None:
    high = max(1, round(share * rows))
    draws = np.random.default_rng(seed).normal(0, 1, rows)
    draws[:high] += 12
    told = second_part(draws, 0.0, 1.0)
    assert (told[:high] > 0.5).all()
    assert (told[high:] < 0.5).all()


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_one_part_has_no_second_above_chance(seed: int) -> None:
    told = second_part(np.random.default_rng(seed).normal(0, 1, 300), 0.0, 1.0)
    assert (told >= 0.5).sum() <= 30
