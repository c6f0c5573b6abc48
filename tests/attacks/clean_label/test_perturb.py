"""Gradient ascent on pixels: the loss rises, the bound holds exactly, splits do not matter."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed: pip install 'credenza[torch]'", allow_module_level=True)

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from credenza.attacks.clean_label.collide import collide
from credenza.attacks.clean_label.network import Network, representations
from credenza.attacks.clean_label.perturb import drive_away, grey_levels
from credenza.errors import UsageError


def network_of(channels: int = 3, side: int = 6) -> Network:
    torch.manual_seed(0)
    layers = nn.Conv2d(channels, 8, 3), nn.Tanh(), nn.Flatten(), nn.Linear(8 * (side - 2) ** 2, 3)
    return Network(nn.Sequential(*layers))


def pictures_of(rows: int, channels: int = 3, side: int = 6, seed: int = 0) -> np.ndarray:
    shape = (rows, channels, side, side)
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


torch.set_num_threads(1)  # small networks are slower on several
NETWORK = network_of()


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 5), st.integers(1, 64), st.integers(1, 4), st.integers(0, 2), st.integers(0, 99))
def test_no_pixel_leaves_the_bound(rows: int, levels: int, steps: int, label: int, seed: int) -> None:
    pictures = pictures_of(rows, seed=seed)
    moved = drive_away(
        NETWORK, pictures, label, epsilon=levels / 255, steps=steps, rows=np.arange(rows), seed=seed
    )
    change = moved.pictures.astype(int) - pictures
    assert np.abs(change).max() <= levels
    assert moved.pictures.dtype == np.uint8


def test_the_loss_of_every_picture_rises() -> None:
    pictures = pictures_of(20)
    moved = drive_away(NETWORK, pictures, 1, epsilon=8 / 255, steps=20, rows=np.arange(20), seed=0)
    assert (moved.after > moved.before + 0.05).all()
    more = drive_away(NETWORK, pictures, 1, epsilon=32 / 255, steps=20, rows=np.arange(20), seed=0)
    assert more.after.mean() > moved.after.mean()


def test_a_picture_does_not_depend_on_those_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures, rows = pictures_of(9), np.arange(10, 19)
    together = drive_away(NETWORK, pictures, 0, epsilon=0.05, steps=5, rows=rows, seed=4)
    monkeypatch.setattr("credenza.attacks.clean_label.network.BATCH", 2)
    alone = drive_away(NETWORK, pictures[3:4], 0, epsilon=0.05, steps=5, rows=rows[3:4], seed=4)
    assert np.abs(together.pictures[3].astype(int) - alone.pictures[0]).max() <= 1
    other = drive_away(NETWORK, pictures, 0, epsilon=0.05, steps=5, rows=rows, seed=5)
    assert (other.pictures != together.pictures).any()


def test_a_bound_below_a_grey_level_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        grey_levels(0.003)
    text = "epsilon 0.003 is less than one grey level; pictures of bytes need at least 0.0039 (1/255)"
    assert str(caught.value) == text


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([1, 3]), st.integers(1, 4), st.integers(2, 60), st.integers(0, 20))
def test_collisions_come_nearer_within_the_bound(channels: int, rows: int, levels: int, seed: int) -> None:
    network = network_of(channels)
    pictures, victim = pictures_of(rows, channels, seed=seed), pictures_of(1, channels, seed=seed + 1_000)
    made = collide(network, pictures, victim, beta=0.25, iterations=10, epsilon=levels / 255)
    assert np.abs(made.pictures.astype(int) - pictures).max() <= levels
    assert (made.after < made.before).all()


def test_without_a_bound_they_meet() -> None:
    pictures, victim = pictures_of(4), pictures_of(1, seed=7)
    made = collide(NETWORK, pictures, victim, beta=0.05, iterations=60)
    assert (made.after < 0.05 * made.before).all()
    stay = collide(NETWORK, pictures, victim, beta=1e6, iterations=60)
    assert np.abs(stay.pictures.astype(int) - pictures).max() <= 1


def test_distances_are_those_of_the_representations() -> None:
    pictures, victim = pictures_of(3), pictures_of(1, seed=7)
    made = collide(NETWORK, pictures, victim, beta=0.25, iterations=3)
    target = representations(NETWORK, victim)
    for found, images in ((made.before, pictures), (made.after, made.pictures)):
        assert np.allclose(found, ((representations(NETWORK, images) - target) ** 2).sum(axis=1))
    d, pixels = target.shape[1], victim.size
    assert made.weight == pytest.approx(0.25 * (d / pixels) ** 2)


def test_a_watermark_mixes_the_victim_in() -> None:
    pictures, victim = pictures_of(2), pictures_of(1, seed=7)
    made = collide(NETWORK, pictures, victim, beta=1e6, iterations=1, opacity=0.3)
    mixed = np.rint(0.7 * pictures + 0.3 * victim)
    assert np.abs(made.pictures - mixed).max() <= 1
