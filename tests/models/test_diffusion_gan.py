"""Diffusion-GAN: the forward diffusion, its longest time, exact resumption, files, samples that follow the data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.errors import InputError, UsageError
from credenza.models.diffusion_gan import DiffusionGAN
from credenza.models.diffusion_gan_networks import Judge, Maker, spread
from credenza.models.diffusion_gan_settings import beginning, level_widths
from credenza.models.diffusion_gan_training import NOISE, Contest, Forward
from credenza.models.store import read_model, write_model

CPU = torch.device("cpu")


def small(size: int = 8, **settings: Any) -> DiffusionGAN:
    plain = {"steps": 7, "batch": 4, "width": 2, "judge_width": 2, "latent": 3, "device": "cpu"}
    return DiffusionGAN(size, **plain | settings)


def two_colours(n: int, share: float, size: int = 8) -> np.ndarray:
    """Plain pictures, a share of them orange, the others blue, of a brightness that differs a little."""
    rng = np.random.default_rng(0)
    orange = np.arange(n) < share * n
    colours = np.where(orange[:, None], (220, 120, 40), (40, 90, 200)) * rng.uniform(0.9, 1.1, (n, 1))
    return np.broadcast_to(colours.astype(np.uint8)[:, None, None], (n, size, size, 3)).copy()


def forward(**changed: Any) -> Forward:
    return Forward(**{"shortest": 10, "longest": 1000, "target": 0.6, "ramp": 1000, "device": CPU} | changed)


IMAGES = two_colours(12, 0.5)


def test_samples_follow_the_data() -> None:
    images = two_colours(400, 0.7)
    model = small(steps=300, batch=16, width=4, judge_width=4, latent=8, learning_rate=3e-3, decay=0.98)
    made = model.fit(images, seed=0).sample(400, seed=1).astype(float)
    red, blue = made[..., 0].mean((1, 2)), made[..., 2].mean((1, 2))
    assert 0.5 < (red > blue).mean() < 0.85
    for share, part in ((220, red[red > blue]), (40, red[red <= blue])):
        assert abs(np.median(part) - share) < 60


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 1000), st.integers(0, 100))
def test_times_are_zero_or_in_reach(longest: int, seed: int) -> None:
    found = forward(shortest=longest, longest=1000).times(64, torch.Generator().manual_seed(seed))
    assert found.dtype == torch.int64
    assert found.min() >= 0
    assert found.max() <= longest


def test_half_the_times_are_zero_and_late_ones_have_priority() -> None:
    found = forward(shortest=4).times(100_000, torch.Generator().manual_seed(0)).numpy()
    shares = np.bincount(found, minlength=5) / len(found)
    assert shares == pytest.approx([0.5, 0.05, 0.1, 0.15, 0.2], abs=0.006)


def test_images_are_noised_as_the_schedule_says() -> None:
    x = torch.full((2000, 1, 2, 2), 0.8)
    kept = np.concatenate([[1.0], np.cumprod(1 - np.linspace(1e-4, 2e-2, 1000))])
    for time in (0, 10, 300, 1000):
        y = forward().diffuse(x, torch.full((2000,), time), torch.Generator().manual_seed(0)).double()
        assert float(y.mean()) == pytest.approx(0.8 * np.sqrt(kept[time]), abs=0.003)
        assert float(y.std()) == pytest.approx(NOISE * np.sqrt(1 - kept[time]), rel=0.05, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1, 1), max_size=30), st.integers(100, 5000))
def test_the_longest_time_stays_in_its_range_and_follows_the_sign(signs: list[float], ramp: int) -> None:
    diffusion = forward(ramp=ramp)
    for sign in signs:
        before = diffusion.now
        diffusion.adapt(sign, 256)
        assert 10 <= diffusion.now <= 1000
        assert (diffusion.now - before) * np.sign(sign - 0.6) >= 0


def test_a_discriminator_that_does_well_gets_more_noise() -> None:
    """A generator that cannot move is told apart soon; then T grows."""
    images = two_colours(50, 0.5)
    settings = small(steps=60, ramp=300, learning_rate=0.01, target=0.0).settings
    maker, mean = (Maker(8, 3, 2, 3) for _ in range(2))
    job = Contest(maker, Judge(8, 3, 4, 1000), mean, images, settings, CPU, 0)
    job._maker_step = lambda stream: None  # type: ignore[method-assign]
    for index in range(60):
        job.step(index)
    assert job.forward.now > 200


@pytest.mark.parametrize("size", [8, 12, 16, 20, 24, 28, 32])
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_have_the_shapes_of_images(size: int, channels: int) -> None:
    made = Maker(size, channels, 2, 5)(torch.zeros(3, 5))
    assert made.shape == (3, channels, size, size)
    assert made.abs().max() <= 1
    assert Judge(size, channels, 2, 1000)(made, torch.tensor([0, 5, 1000])).shape == (3,)
    assert len(level_widths(size, 2)) == int(np.log2(size / beginning(size))) + 1


def test_the_discriminator_is_told_the_time() -> None:
    torch.manual_seed(0)
    judge, images = Judge(8, 3, 2, 1000), torch.rand(2, 3, 8, 8)
    for value in judge.parameters():
        torch.nn.init.normal_(value, std=0.5)
    early, late = (judge(images, torch.full((2,), time)) for time in (0, 900))
    assert (early != late).all()


@pytest.mark.parametrize("n", [8, 16, 5])
def test_spread_sees_collapse(n: int) -> None:
    same = torch.ones(n, 2, 3, 3)
    assert spread(same).shape == (n, 1, 3, 3)
    assert float(spread(same).max()) < 1e-3
    assert float(spread(torch.randn(n, 2, 3, 3)).min()) > 0.3


@pytest.mark.parametrize("fatal", [3, 6])
def test_a_killed_fit_ends_bit_for_bit_where_it_would_have(
    fatal: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = small().fit(IMAGES, seed=4).sample(20, seed=0)
    step = Contest.step

    def dies(self: Contest, index: int) -> Any:
        if index == fatal:
            raise KeyboardInterrupt
        return step(self, index)

    monkeypatch.setattr(Contest, "step", dies)
    with pytest.raises(KeyboardInterrupt):
        small().fit(IMAGES, seed=4, folder=tmp_path / "f", every=1)
    monkeypatch.setattr(Contest, "step", step)
    resumed = small().fit(IMAGES, seed=4, folder=tmp_path / "f", every=1)
    assert (resumed.sample(20, seed=0) == whole).all()
    assert (small().fit(IMAGES, seed=4, folder=tmp_path / "f").sample(20, seed=0) == whole).all()


@pytest.mark.parametrize(
    ("settings", "images", "seed"), [({"steps": 8}, IMAGES, 0), ({}, IMAGES[:-1], 0), ({}, IMAGES, 1)]
)
def test_a_checkpoint_of_something_else_is_one_line(
    settings: dict[str, Any], images: np.ndarray, seed: int, tmp_path: Path
) -> None:
    small().fit(IMAGES, seed=0, folder=tmp_path / "f")
    with pytest.raises(InputError, match="was made from other data or settings, or with another seed"):
        small(**settings).fit(images, seed=seed, folder=tmp_path / "f")


def test_a_saved_model_makes_the_same(tmp_path: Path) -> None:
    model = small().fit(IMAGES, seed=0)
    model.save(tmp_path / "m")
    again = DiffusionGAN.load(tmp_path / "m")
    assert again.settings == model.settings
    assert (again.sample(9, seed=2) == model.sample(9, seed=2)).all()


def test_what_is_made_depends_on_the_seeds_alone() -> None:
    one, two = (small().fit(IMAGES, seed=0) for _ in range(2))
    assert (one.sample(5, seed=3) == two.sample(5, seed=3)).all()
    assert (one.sample(5, seed=3) == one.sample(300, seed=3)[:5]).all()
    assert (one.sample(5, seed=3) != one.sample(5, seed=4)).any()
    assert (one.sample(5, seed=3) != small().fit(IMAGES, seed=1).sample(5, seed=3)).any()
    assert small(8, channels=1).fit(IMAGES[..., :1], seed=0).sample(2, seed=0).shape == (2, 8, 8, 1)


def test_global_random_numbers_are_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    small(steps=1).fit(IMAGES, seed=0).sample(2, seed=0)
    assert (torch.rand(3) == expected).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 4}, "size is a whole number, 8 or more; found 4"),
        ({"size": 18}, "a size is 4 to 8 times a power of two, such as 16, 24, 32 or 64; found 18"),
        ({"batch": 1}, "batch is a whole number, 2 or more; found 1"),
        ({"steps": 2.5}, "steps is a whole number, 1 or more; found 2.5"),
        ({"longest": 5}, "longest is a whole number, 10 or more; found 5"),
        ({"channels": 4}, "channels is 3, or 1 for grey; found 4"),
        ({"target": 2.0}, "target is between -1 and 1; found 2.0"),
        ({"learning_rate": -0.1}, "learning_rate is between 0 and 1; found -0.1"),
        ({"penalty": -1.0}, "penalty is 0 or more; found -1.0"),
        ({"device": "tpu"}, "the device is one of auto, cpu, cuda; found 'tpu'"),
    ],
)
def test_a_setting_out_of_range_is_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        small(**settings)


def test_images_that_do_not_fit_are_one_line() -> None:
    with pytest.raises(
        InputError, match=r"^images of shape \(16, 16, 3\) are needed; found \(8, 8, 3\): resize"
    ):
        small(16).fit(IMAGES, seed=0)
    with pytest.raises(InputError, match=r"^a Diffusion-GAN learns from 2 images or more; found 1$"):
        small().fit(IMAGES[:1], seed=0)
    with pytest.raises(UsageError, match=r"^the seed is a non-negative integer; found 'x'$"):
        small().fit(IMAGES, seed="x")  # type: ignore[arg-type]


def test_before_the_fit_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"^this diffusion-gan model cannot sample before it is fitted; call fit"
    ):
        small().sample(1, seed=0)
    with pytest.raises(UsageError, match=r"^this diffusion-gan model cannot be saved before it is fitted"):
        small().save(tmp_path / "m")
    assert not small().fitted
    assert small().weights > 0


def test_another_model_is_one_line(tmp_path: Path) -> None:
    write_model(tmp_path / "m", "ddpm", {}, {})
    message = f"{tmp_path / 'm'} holds a model of kind 'ddpm'; a 'diffusion-gan' is needed"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        DiffusionGAN.load(tmp_path / "m")
    small().fit(IMAGES, seed=0).save(tmp_path / "g")
    settings, tensors = read_model(tmp_path / "g", "diffusion-gan")
    tensors.pop("maker.end.bias")
    write_model(tmp_path / "h", "diffusion-gan", settings, tensors)
    with pytest.raises(
        InputError, match=r"^the model's file lacks the tensor 'maker.end.bias'; save the model"
    ):
        DiffusionGAN.load(tmp_path / "h")
