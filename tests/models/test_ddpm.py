"""DDPM-IP: samples follow the data, runs resume exactly, noise and sampler are the papers'; bad input is one line."""

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
from credenza.models import DDPM
from credenza.models.ddpm_job import Batches, Diffusion
from credenza.models.ddpm_network import TIMES, default_levels
from credenza.models.ddpm_noise import Average, kept_share, noised, reverse, sampling_times, spread_times

TINY: dict[str, Any] = {"channels": 1, "width": 8, "batch": 16, "sampling_steps": 6, "device": "cpu"}
SHARE = 0.2  # of dark images


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Any:
    """Small networks are fastest on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def two_shades(n: int) -> tuple[Any, Any]:
    """Grey images of 4 x 4 pixels, dark (a fifth) or light, and which are light."""
    light = (np.random.default_rng(0).random(n) >= SHARE).astype(np.int64)
    shade = np.where(light, 200, 50).astype(np.uint8)
    return np.broadcast_to(shade[:, None, None, None], (n, 4, 4, 1)).copy(), light


IMAGES, LIGHT = two_shades(1000)


@pytest.fixture(scope="module")
def fitted() -> DDPM:
    """A model that is told whether an image is light."""
    model = DDPM(4, **TINY | {"batch": 32}, classes=2, steps=80, decay=0.95, learning_rate=5e-3)
    return model.fit(IMAGES, seed=0, labels=LIGHT)


def test_samples_are_as_often_dark_as_the_data() -> None:
    chosen = TINY | {"batch": 32, "sampling_steps": 10}
    model = DDPM(4, **chosen, steps=120, decay=0.95, learning_rate=5e-3).fit(IMAGES, seed=0)
    found = model.sample(300, seed=1).mean((1, 2, 3))
    dark = found < 125
    assert abs(dark.mean() - SHARE) < 0.1
    assert abs(found[dark].mean() - 50) < 35
    assert abs(found[~dark].mean() - 200) < 35


def test_classes_decide(fitted: DDPM) -> None:
    labels = np.arange(60) % 2
    found = fitted.sample(60, seed=1, labels=labels).mean((1, 2, 3))
    dark, light = found[labels == 0].mean(), found[labels == 1].mean()
    assert light - dark > 50
    drawn = fitted.sample(60, seed=1).mean()
    assert abs(drawn - (SHARE * dark + (1 - SHARE) * light)) < 20


def test_a_saved_model_samples_the_same(fitted: DDPM, tmp_path: Path) -> None:
    fitted.save(tmp_path / "m")
    again = DDPM.load(tmp_path / "m")
    assert again.settings == fitted.settings
    if again.device.type == "cpu":
        assert np.array_equal(again.sample(5, seed=3), fitted.sample(5, seed=3))


def test_an_image_does_not_depend_on_those_beside_it(fitted: DDPM) -> None:
    labels = np.arange(7) % 2
    whole = fitted.sample(7, seed=2, labels=labels).astype(int)
    assert np.abs(fitted.sample(7, seed=2, labels=labels, batch=3) - whole).max() <= 1
    assert np.abs(fitted.sample(4, seed=2, labels=labels[:4]) - whole[:4]).max() <= 1
    assert not np.array_equal(fitted.sample(7, seed=3, labels=labels), whole)


def test_a_trajectory_ends_in_the_sample(fitted: DDPM) -> None:
    labels = np.ones(6, np.int64)
    early, late, again = fitted.trajectory(6, seed=2, times=[900, 0, 0], labels=labels, batch=4)
    assert early.shape == (6, 4, 4, 1)
    assert np.array_equal(late, again)
    assert not np.array_equal(early, late)
    visited = sampling_times(fitted.settings.sampling_steps)[3]
    (_, end) = fitted.trajectory(6, seed=2, times=[visited, 0], labels=labels)
    close = fitted.sample(6, seed=2, labels=labels).astype(float)
    assert np.abs(end.clip(0, 255).round() - close).max() <= 1


def test_a_killed_fit_ends_as_if_it_had_not_been(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class KilledError(Exception):
        pass

    images, light = IMAGES[:40], LIGHT[:40]

    def made() -> DDPM:
        return DDPM(4, **TINY, classes=2, steps=6)

    whole = made().fit(images, seed=5, labels=light)
    step = Diffusion.step

    def dying(job: Diffusion, index: int) -> Any:
        if index == 5:
            raise KilledError
        return step(job, index)

    monkeypatch.setattr(Diffusion, "step", dying)
    with pytest.raises(KilledError):
        made().fit(images, seed=5, labels=light, folder=tmp_path, every=2)
    monkeypatch.setattr(Diffusion, "step", step)
    again = made().fit(images, seed=5, labels=light, folder=tmp_path, every=2)
    kept, tensors = whole._contents()
    assert again._contents()[0] == kept
    for name, value in again._contents()[1].items():
        assert np.array_equal(value, tensors[name]), name
    other = made().fit(images, seed=6, labels=light)
    assert not np.array_equal(
        other._contents()[1]["network.unet.conv_in.weight"], tensors["network.unet.conv_in.weight"]
    )


def test_a_checkpoint_of_something_else_is_one_line(tmp_path: Path) -> None:
    DDPM(4, **TINY, steps=1).fit(IMAGES[:8], seed=0, folder=tmp_path)
    message = "was made from other data or settings, or with another seed; give another folder, or delete it$"
    for model, images, seed in (
        (DDPM(4, **TINY, steps=1), IMAGES[8:16], 0),
        (DDPM(4, **TINY, steps=1), IMAGES[:8], 1),
        (DDPM(4, **TINY, steps=1, gamma=0.0), IMAGES[:8], 0),
    ):
        with pytest.raises(InputError, match=message):
            model.fit(images, seed=seed, folder=tmp_path)
    assert DDPM(4, **TINY, steps=2).fit(IMAGES[:8], seed=0, folder=tmp_path).fitted


# Noise.


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.floats(0, 1), st.integers(0, TIMES - 1))
def test_noise_is_added_as_in_the_paper(n: int, gamma: float, time: int) -> None:
    stream = torch.Generator().manual_seed(0)
    x, eps, xi = torch.randn(3, n, 1, 2, 2, generator=stream)
    abar = kept_share()[torch.full((n,), time)]
    found = noised(x, abar, eps, xi, gamma)
    for k in range(n):
        a = float(abar[k])
        wanted = a**0.5 * x[k] + (1 - a) ** 0.5 * (eps[k] + gamma * xi[k])
        assert torch.allclose(found[k], wanted, atol=1e-5)
    assert torch.equal(noised(x, abar, eps, None, 0.0), noised(x, abar, eps, xi, 0.0))


def test_without_perturbation_noise_is_that_of_diffusers() -> None:
    from diffusers import DDPMScheduler

    schedule = DDPMScheduler(num_train_timesteps=TIMES, beta_schedule="squaredcos_cap_v2")
    x, eps = torch.randn(2, 4, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    times = torch.tensor([0, 10, 500, 999])
    found = noised(x, kept_share()[times], eps, None, 0.0)
    assert torch.allclose(found, schedule.add_noise(x, eps, times), atol=1e-6)


def gaussian(mean: float, spread: float) -> Any:
    """The best guess of the noise in pixels that are normal and independent."""
    abar = kept_share()

    def denoiser(noisy: Any, times: Any, labels: Any) -> Any:
        kept = abar[times].view(-1, 1, 1, 1)
        variance = kept * spread**2 + 1 - kept
        return (1 - kept).sqrt() * (noisy - kept.sqrt() * mean) / variance

    return denoiser


def test_the_sampler_is_that_of_diffusers() -> None:
    from diffusers import DDIMScheduler

    schedule = DDIMScheduler(
        num_train_timesteps=TIMES, beta_schedule="squaredcos_cap_v2", timestep_spacing="leading"
    )
    schedule.set_timesteps(20)
    denoiser = gaussian(0.1, 0.2)
    noise = torch.randn(8, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    x = noise
    for time in schedule.timesteps:
        eps = denoiser(x, time.expand(8), None)
        x = schedule.step(eps, time, x, use_clipped_model_output=True).prev_sample
    found = list(reverse(denoiser, noise, kept_share(), schedule.timesteps.tolist()))
    assert [time for time, _ in found] == schedule.timesteps.tolist()
    assert torch.allclose(found[-1][1].clamp(-1, 1), x, atol=1e-4)


@pytest.mark.parametrize(("mean", "spread"), [(0.3, 0.1), (-0.5, 0.05)])
def test_the_sampler_makes_the_distribution_whose_noise_it_is_told(mean: float, spread: float) -> None:
    noise = torch.randn(4000, 1, 1, 1, generator=torch.Generator().manual_seed(0))
    *_, (_, found) = reverse(gaussian(mean, spread), noise, kept_share(), sampling_times(50))
    assert abs(float(found.mean()) - mean) < 0.02
    assert 0.9 < float(found.std()) / spread < 1.05


@settings(max_examples=25, deadline=None)
@given(st.integers(4, TIMES), st.sets(st.integers(0, TIMES - 1), max_size=5))
def test_the_sampler_goes_from_noise_to_image(steps: int, also: set[int]) -> None:
    times = sampling_times(steps, also)
    assert times == sorted(set(times), reverse=True)
    assert also <= set(times)
    assert len(set(sampling_times(steps))) <= steps
    assert times[-1] == 0
    assert max(times) < TIMES


# Batches, averages, networks.


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 5))
def test_every_row_comes_once_a_round(n: int, batch: int, seed: int) -> None:
    batches = Batches(n, batch, seed)
    rows = [row for index in range(n) for row in batches.rows(index)]
    for k in range(batch):
        assert sorted(rows[k * n : (k + 1) * n]) == list(range(n))
    assert Batches(n, batch, seed).rows(n - 1) == rows[-batch:]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 300), st.integers(0, 3))
def test_noise_levels_are_spread(batch: int, seed: int) -> None:
    times = spread_times(batch, torch.Generator().manual_seed(seed))
    assert times.shape == (batch,)
    edges = np.arange(batch + 1) * (TIMES / batch)
    assert all(edges[k] - 1 <= int(time) <= edges[k + 1] for k, time in enumerate(times))


def test_an_average_of_weights() -> None:
    net, mean = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    average = Average(net, mean, decay=0.5)
    wanted = net.weight.item()
    for index in range(20):
        torch.nn.init.constant_(net.weight, index)
        average.update(index)
        old = min(0.5, (1 + index) / (10 + index))
        wanted = old * wanted + (1 - old) * index
    assert mean.weight.item() == pytest.approx(wanted, rel=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 80))
def test_levels_halve_what_can_be_halved(side: int) -> None:
    levels = default_levels(side)
    assert 1 <= levels <= 4
    assert side % 2 ** (levels - 1) == 0


def test_a_million_weights() -> None:
    assert 0.8e6 < DDPM(16, device="cpu").weights < 2e6


# Bad input.


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 1}, "size is a whole number, 2 or more; found 1"),
        ({"steps": -1}, "steps is a whole number, 0 or more; found -1"),
        ({"batch": 2.0}, "batch is a whole number, 1 or more; found 2.0"),
        ({"classes": True}, "classes is a whole number, 1 or more; found True"),
        ({"channels": 2}, "channels is 3, or 1 for grey; found 2"),
        ({"gamma": 1.5}, "gamma is between 0 and 1; found 1.5"),
        ({"decay": float("nan")}, "decay is between 0 and 1; found nan"),
        ({"width": 12}, "width is a multiple of 8, 8 or more; found 12"),
        ({"levels": 5}, "levels is between 1 and 4; found 5"),
        (
            {"size": 20, "levels": 4},
            "size is a multiple of 8 for patches of 1 and 4 levels; found 20",
        ),
        ({"size": 9, "patch": 2}, "size is a multiple of 2 for patches of 2 and 1 levels; found 9"),
        ({"sampling_steps": 3}, "sampling_steps is a whole number, 4 or more; found 3"),
        ({"sampling_steps": 1001}, "sampling_steps is at most 1000; found 1001"),
        ({"device": "tpu"}, "the device is one of auto, cpu, cuda; found 'tpu'"),
    ],
)
def test_bad_settings_are_one_line(settings: dict[str, Any], message: str) -> None:
    size = settings.pop("size", 16)
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        DDPM(size, **settings)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_one_line() -> None:
    with pytest.raises(
        UsageError, match=r"^the device 'cuda' was asked for, and no GPU was found; use 'cpu'"
    ):
        DDPM(16, device="cuda")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES[:1], "a diffusion model learns from 2 images or more; found 1"),
        (
            np.zeros((3, 4, 4, 3), np.uint8),
            "images of shape (4, 4, 1) are needed; found (4, 4, 3): resize them",
        ),
        (
            np.zeros((3, 5, 4, 1), np.uint8),
            "images of shape (4, 4, 1) are needed; found (5, 4, 1): resize them",
        ),
        (
            np.zeros((3, 4, 4, 1)),
            "images are a uint8 array of shape (n, H, W, 3), or (n, H, W, 1) for grey; found float64 of shape "
            "(3, 4, 4, 1)",
        ),
    ],
)
def test_bad_images_are_one_line(images: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        DDPM(4, **TINY).fit(images, seed=0)


@pytest.mark.parametrize(
    ("classes", "labels", "message"),
    [
        (None, [0] * 8, "this model takes no labels, as it was made without classes; found labels"),
        (2, None, "this model takes labels of 2 classes; found none"),
        (2, [0] * 7, "labels are 8 whole numbers, one an image; found int64 of (7,)"),
        (2, [0.5] * 8, "labels are 8 whole numbers, one an image; found float64 of (8,)"),
        (2, [0, 2] * 4, "labels are from 0 to 1; found them from 0 to 2"),
    ],
)
def test_bad_labels_are_one_line(classes: int | None, labels: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        DDPM(4, **TINY, classes=classes).fit(IMAGES[:8], seed=0, labels=labels)


def test_nothing_goes_before_fit(tmp_path: Path) -> None:
    model = DDPM(4, **TINY)
    for call in (lambda: model.sample(1, seed=0), lambda: model.trajectory(1, seed=0, times=[0])):
        with pytest.raises(UsageError, match=r"^this ddpm model cannot sample before it is fitted; call fit"):
            call()
    with pytest.raises(UsageError, match=r"^the seed is a non-negative integer; found -1$"):
        model.fit(IMAGES, seed=-1)


@pytest.mark.parametrize("times", [[], [1000], [-1], [0.5]])
def test_times_that_are_none_are_one_line(fitted: DDPM, times: Any) -> None:
    message = f"times are whole numbers from 0 to 999, at least one; found {times!r}"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        fitted.trajectory(2, seed=0, times=times)


def test_a_file_of_other_settings_is_one_line(fitted: DDPM, tmp_path: Path) -> None:
    fitted.save(tmp_path / "m")
    file = tmp_path / "m" / "model.json"
    file.write_text(file.read_text().replace('"width": 8', '"width": 16'))
    with pytest.raises(
        InputError, match=r"^the tensor '.+' has the shape .+; its settings ask for .+: save the"
    ):
        DDPM.load(tmp_path / "m")


def test_a_fit_may_start_from_another_model(fitted: DDPM) -> None:
    told = {"seed": 5, "labels": LIGHT, "start": fitted}
    same, further = (DDPM(4, **TINY, classes=2, steps=steps).fit(IMAGES, **told) for steps in (0, 2))
    wanted = fitted.sample(3, seed=1, labels=[0, 1, 1])
    assert np.array_equal(same.sample(3, seed=1, labels=[0, 1, 1]), wanted)
    assert not np.array_equal(further.sample(3, seed=1, labels=[0, 1, 1]), wanted)


def test_a_start_of_another_form_or_without_a_fit_is_one_line(fitted: DDPM) -> None:
    with pytest.raises(
        UsageError, match=r"^the model to start from has learnt nothing yet; call fit, or load"
    ):
        DDPM(4, **TINY).fit(IMAGES, seed=0, start=DDPM(4, **TINY))
    with pytest.raises(
        UsageError, match=r"^a fit starts from a model of its own form, Shape\(size=4, .*; found Sh"
    ):
        DDPM(4, **{**TINY, "width": 16}).fit(IMAGES, seed=0, start=fitted)
