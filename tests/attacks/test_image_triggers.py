"""Image triggers: what they change, what they leave, and that they do what their formulas say."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from credenza.attacks.image_triggers import (
    GRAIN,
    PATTERNS,
    POSITIONS,
    Blend,
    Image,
    ImageTrigger,
    Patch,
    Sinusoid,
)
from credenza.attacks.image_warp import Warp
from credenza.errors import InfeasibleError, InputError, UsageError

SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda size: st.sampled_from([size, *((*size, channels) for channels in (1, 2, 3, 4))])
)
IMAGES = SHAPES.flatmap(lambda shape: hnp.arrays(np.uint8, shape))
EVERY: tuple[ImageTrigger, ...] = (
    *(Patch(size=2, position=position, pattern=pattern) for position in POSITIONS for pattern in PATTERNS),
    Blend(),
    Sinusoid(frequency=0.3),
    Warp(k=2, s=1.5),
)


def noise(*shape: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def alpha_of(image: Image) -> Image | None:
    return image[:, :, -1] if image.ndim == 3 and image.shape[2] in (2, 4) else None


@settings(max_examples=60, deadline=None)
@given(image=IMAGES, trigger=st.sampled_from(EVERY))
def test_shape_kind_and_alpha_stay_and_the_image_itself_is_not_touched(
    image: Image, trigger: ImageTrigger
) -> None:
    before = image.copy()
    try:
        stamped = trigger.stamp(image)
    except InfeasibleError:
        assert min(image.shape[:2]) < 3
        return
    assert stamped.shape == image.shape
    assert stamped.dtype == np.uint8
    assert (image == before).all()
    assert not np.shares_memory(stamped, image)
    if alpha_of(image) is not None:
        assert (alpha_of(stamped) == alpha_of(image)).all()
    assert (trigger.stamp(image) == stamped).all()


@settings(max_examples=60, deadline=None)
@given(
    image=hnp.arrays(np.uint8, st.tuples(st.integers(5, 12), st.integers(5, 12), st.just(3))),
    size=st.integers(1, 4),
    margin=st.integers(0, 1),
    position=st.sampled_from(POSITIONS),
    pattern=st.sampled_from(PATTERNS),
)
def test_a_patch_changes_its_square_and_nothing_else(
    image: Image, size: int, margin: int, position: str, pattern: str
) -> None:
    stamped = Patch(size, position, pattern, margin).stamp(image)
    height, width, _ = image.shape
    rows = {"b": range(height - margin - size, height - margin), "t": range(margin, margin + size)}
    columns = {"t": range(width - margin - size, width - margin), "left": range(margin, margin + size)}
    if position == "center":
        inside = np.ix_(
            range((height - size) // 2, (height - size) // 2 + size),
            range((width - size) // 2, (width - size) // 2 + size),
        )
    else:
        side = "left" if position.endswith("left") else "t"
        inside = np.ix_(rows[position[0]], columns[side])
    outside = np.ones((height, width), dtype=bool)
    outside[inside] = False
    assert (stamped[outside] == image[outside]).all()
    square = stamped[inside]
    assert square.shape == (size, size, 3)
    if pattern == "white":
        assert (square == 255).all()
    if pattern == "checkerboard":
        assert (square == np.where(np.add.outer(range(size), range(size)) % 2 == 0, 255, 0)[:, :, None]).all()
    if pattern == "random":
        assert (square == Patch(size, "center", pattern).stamp(noise(size, size, 3))).all()


def test_a_random_patch_is_the_same_everywhere_and_follows_its_seed() -> None:
    first, second = (Patch(4, "top-left", "random", 0).stamp(noise(9, 9, 3, seed=s))[:4, :4] for s in (1, 2))
    other = Patch(4, "top-left", "random", 0, seed=1).stamp(noise(9, 9, 3))[:4, :4]
    assert (first == second).all()
    assert (first != other).any()


@settings(max_examples=40, deadline=None)
@given(image=IMAGES, delta=st.floats(0.5, 255), frequency=st.floats(0.01, 0.49))
def test_a_sinusoid_is_what_its_formula_says(image: Image, delta: float, frequency: float) -> None:
    stamped = Sinusoid(delta, frequency).stamp(image)
    twin = oracles.sinusoid_stamped(image, delta, frequency)
    assert np.abs(stamped.astype(int) - twin).max() <= 1  # halves that rounding errors tip
    assert np.mean(stamped != twin) < 0.1 or image.size < 20


def test_the_published_sinusoid() -> None:
    image = noise(16, 32, 3)
    assert (Sinusoid().stamp(image) == oracles.sinusoid_stamped(image, 40, 6)).all()
    rows = Sinusoid().stamp(np.full((5, 32), 100, np.uint8))
    assert (rows == rows[0]).all()
    assert rows.max() == 140
    assert rows.min() == 60


@settings(max_examples=40, deadline=None)
@given(image=IMAGES, alpha=st.floats(0.01, 1.0), seed=st.integers(0, 3))
def test_a_blend_is_what_its_formula_says(image: Image, alpha: float, seed: int) -> None:
    trigger = Blend(alpha, seed)
    stamped = trigger.stamp(image)
    twin = oracles.blended(image, trigger.pattern(*image.shape[:2]), alpha)
    assert np.abs(stamped.astype(int) - twin).max() <= 1
    assert np.mean(stamped != twin) < 0.1 or image.size < 20


def test_the_noise_of_a_blend_is_pixels_at_its_own_size_and_scaled_at_others() -> None:
    own = Blend().pattern(GRAIN, GRAIN)
    assert (own == np.random.default_rng(0).integers(0, 256, (GRAIN, GRAIN, 3))).all()
    twice = Blend().pattern(2 * GRAIN, 2 * GRAIN)
    halved = twice.reshape(GRAIN, 2, GRAIN, 2, 3).mean(axis=(1, 3))
    assert np.corrcoef(halved.ravel(), own.ravel())[0, 1] > 0.9
    assert (Blend(seed=1).pattern(GRAIN, GRAIN) != own).any()


def test_a_warp_of_no_strength_changes_nothing() -> None:
    image = noise(11, 17, 4)
    assert (Warp(s=0).stamp(image) == image).all()


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(4, 40),
    width=st.integers(4, 40),
    k=st.integers(2, 4),
    s=st.floats(0, 3),
    seed=st.integers(0, 9),
)
def test_a_warp_moves_pixels_no_further_than_its_control_points_allow(
    height: int, width: int, k: int, s: float, seed: int
) -> None:
    field = Warp(k, s, seed).field(height, width)
    moved = np.abs(field - np.indices((height, width)))
    control = np.random.default_rng(seed).uniform(-1, 1, (2, k, k))
    largest = np.abs(control).max() / np.abs(control).mean()
    assert moved.max() <= s / 2 * largest * 1.375**2 + 1e-9  # cubic weights sum to at most 1.375 in size
    assert field.min() >= 0
    assert field[0].max() <= height - 1
    assert field[1].max() <= width - 1


def test_a_warp_moves_pixels_by_about_half_its_strength() -> None:
    moved = np.abs(Warp(s=2.0).field(64, 64) - np.indices((64, 64)))
    assert 0.3 < moved.mean() < 1.5


@settings(max_examples=30, deadline=None)
@given(image=hnp.arrays(np.uint8, st.tuples(st.integers(2, 9), st.integers(2, 9))), s=st.floats(0, 4))
def test_a_warp_reads_pixels_bilinearly(image: Image, s: float) -> None:
    trigger = Warp(2, s)
    twin = oracles.resampled(image, trigger.field(*image.shape))
    assert np.abs(trigger.stamp(image).astype(int) - twin).max() <= 1


def test_a_warp_is_the_published_one() -> None:
    torch = pytest.importorskip("torch")
    size, trigger = 20, Warp(4, 0.8, 3)
    control = np.random.default_rng(3).uniform(-1, 1, (2, 4, 4))
    control /= np.abs(control).mean()
    big = torch.nn.functional.interpolate(
        torch.from_numpy(control)[None], size=size, mode="bicubic", align_corners=True
    )
    line = torch.linspace(-1, 1, size, dtype=torch.float64)
    down, across = torch.meshgrid(line, line, indexing="ij")
    grid = torch.stack((across, down), 2)[None] + 0.8 * big.permute(0, 2, 3, 1) / size
    image = noise(size, size)
    pixels = torch.from_numpy(image.astype(float))[None, None]
    published = torch.nn.functional.grid_sample(pixels, grid.clamp(-1, 1), align_corners=True)
    assert np.abs(trigger.stamp(image) - published[0, 0].numpy()).max() <= 0.5 + 1e-6


def test_triggers_describe_themselves() -> None:
    for trigger in EVERY:
        assert trigger.describe() == {"name": trigger.name, **asdict(trigger)}


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Patch(size=0), "patch: size is a whole number of at least 1; found 0"),
        (lambda: Patch(size=2.5), "patch: size is a whole number of at least 1; found 2.5"),
        (lambda: Patch(size=True), "patch: size is a whole number of at least 1; found True"),
        (lambda: Patch(margin=-1), "patch: margin is a whole number of at least 0; found -1"),
        (
            lambda: Patch(position="middle"),
            "patch: unknown position 'middle'; choose from bottom-right, bottom-left, top-right, top-left, center",
        ),
        (
            lambda: Patch(pattern="stripes"),
            "patch: unknown pattern 'stripes'; choose from checkerboard, white, random",
        ),
        (lambda: Blend(alpha=0), "blend: alpha is a number above 0 and at most 1; found 0"),
        (lambda: Blend(alpha=1.5), "blend: alpha is a number above 0 and at most 1; found 1.5"),
        (lambda: Blend(seed=-1), "blend: seed is a whole number of at least 0; found -1"),
        (lambda: Sinusoid(delta=300), "sinusoid: delta is a number above 0 and at most 255; found 300"),
        (lambda: Sinusoid(frequency=float("nan")), "sinusoid: frequency is a number above 0; found nan"),
        (lambda: Sinusoid(frequency="6"), "sinusoid: frequency is a number above 0; found '6'"),
        (lambda: Warp(k=1), "warp: k is a whole number of at least 2; found 1"),
        (lambda: Warp(s=-0.5), "warp: s is a number at least 0; found -0.5"),
    ],
)
def test_parameters_out_of_range(make: object, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()  # type: ignore[operator]
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("trigger", "shape", "text"),
    [
        (
            Patch(size=3),
            (3, 8),
            "a patch of 3x3 pixels and its margin of 1 is larger than an image of 8x3; at most size=2 fits",
        ),
        (
            Patch(size=9, position="center"),
            (8, 8, 3),
            "a patch of 9x9 pixels is larger than an image of 8x8; at most size=8 fits",
        ),
        (
            Sinusoid(),
            (20, 12),
            "6 waves need an image more than 12 pixels wide; found one of 12x20; lower the frequency",
        ),
        (
            Warp(k=4),
            (3, 8),
            "a warp of 4x4 control points is larger than an image of 8x3; at most k=3 fits",
        ),
    ],
)
def test_triggers_larger_than_the_image(trigger: ImageTrigger, shape: tuple[int, ...], text: str) -> None:
    with pytest.raises(InfeasibleError) as caught:
        trigger.stamp(noise(*shape))
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4)), np.zeros((4, 4, 5), np.uint8), np.zeros(4, np.uint8), np.zeros((0, 4), np.uint8)],
)
def test_what_is_no_image(image: Image) -> None:
    with pytest.raises(InputError) as caught:
        Patch().stamp(image)
    found = f"{image.dtype} of shape {image.shape}"
    assert str(caught.value) == f"an image is uint8 of shape (H, W) or (H, W, 1 to 4 channels); found {found}"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_blend_with_a_picture(mode: str, tmp_path: Path) -> None:
    picture = pytest.importorskip("PIL.Image")
    path, pixels = tmp_path / "kitty.png", noise(6, 4, 3, seed=2)
    shown = picture.fromarray(pixels).convert(mode)
    shown.save(path)
    trigger, image = Blend(alpha=0.5, image=str(path)), noise(6, 4, 3)
    expected = np.asarray(shown.convert("RGB")).astype(float)
    assert (trigger.pattern(6, 4) == expected).all()
    assert (trigger.stamp(image) == oracles.blended(image, expected, 0.5)).all()
    assert trigger.pattern(12, 8).shape == (12, 8, 3)
    assert trigger.describe()["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    picture.fromarray(noise(60, 40, 3)).save(path)
    assert (trigger.pattern(6, 4) != expected).any()


def test_a_blend_with_a_file_that_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "kitty.png"
    path.write_text("meow")
    with pytest.raises(InputError, match=r"kitty\.png' is not an image that we know; give PNG"):
        Blend(image=str(path)).stamp(noise(4, 4))


def test_a_blend_with_a_picture_that_is_not_there(tmp_path: Path) -> None:
    trigger = Blend(image=str(tmp_path / "kitty.png"))
    with pytest.raises(InputError) as caught:
        trigger.stamp(noise(4, 4))
    assert str(caught.value).startswith("blend: cannot read the image ")
    assert str(caught.value).endswith("no such file or directory; give an image file")
    with pytest.raises(InputError):
        trigger.describe()
