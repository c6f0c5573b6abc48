"""Faces: pixels against a slow twin, what depends on what, attributes that can be seen, messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracles
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.errors import InputError, UsageError
from credenza.studies.faces import ATTRIBUTES, COLOURS, read_colours, regions, render
from credenza.studies.faces.chance import TRAITS, face_keys, traits_of
from credenza.studies.faces.raster import FIELDS, POSE, SAMPLES, Sheet, paint

SIZES = (16, 32)
# Where each attribute is seen, in the picture from -1 to 1: left, top, right, bottom.
SEEN = {
    "Bangs": (-0.55, -0.73, 0.55, -0.40),
    "Blond_Hair": (-0.75, -1, 0.75, 0.8),
    "Bushy_Eyebrows": (-0.5, -0.48, 0.5, -0.25),
    "Eyeglasses": (-0.65, -0.4, 0.65, 0.0),
    "Goatee": (-0.25, 0.4, 0.25, 0.75),
    "Mouth_Slightly_Open": (-0.35, 0.1, 0.35, 0.6),
    "Mustache": (-0.3, 0.1, 0.3, 0.4),
    "Rosy_Cheeks": (-0.5, -0.05, 0.5, 0.3),
    "Sideburns": (-0.75, -0.2, 0.75, 0.5),
    "Smiling": (-0.35, 0.1, 0.35, 0.6),
    "Wearing_Earrings": (-0.8, 0, 0.8, 0.35),
    "Wearing_Hat": (-0.85, -1, 0.85, -0.5),
    "Wearing_Lipstick": (-0.35, 0.1, 0.35, 0.6),
    "Wearing_Necklace": (-0.45, 0.5, 0.45, 0.9),
    "Wearing_Necktie": (-0.35, 0.65, 0.35, 1),
}


def coins(n: int, seed: int = 0, share: float = 0.4) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {name: rng.random(n) < share for name in ATTRIBUTES}


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10**6), size=st.integers(2, 6))
def test_shapes_are_painted_as_the_slow_twin_paints_them(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    sheet = Sheet(1)
    for _ in range(4):
        low, high = np.sort(rng.uniform(-1, 1, 2))
        sheet.add(
            rng.random(3), *rng.uniform(-0.8, 0.8, 2), *rng.uniform(0.1, 0.9, 2), bend=rng.uniform(-2, 2),
            taper=rng.uniform(-0.6, 0.6), hole=rng.choice([0, 0.6]), power=rng.integers(1, 4), alpha=rng.random(),
            **({"top": low, "bottom": high} if rng.random() < 0.5 else {}),
        )  # fmt: skip
    sheet.add(rng.random(3), 0, 0, 5, 5, where=False)
    pose = np.array([[0.1, -0.05, 1.1, rng.uniform(-1, 1), 0.9, 0.05, -0.04, 0]])
    ground = rng.random((1, 3))
    (found,) = paint(sheet.shapes(), ground, pose, np.zeros(1, np.uint64), size)
    slow = 255 * oracles.painted_face(sheet.shapes()[0], ground[0], pose[0], size, SAMPLES)
    far = np.abs(found - np.clip(slow, 0, 255)).max(axis=2) > 1
    assert far.sum() <= 1  # a sample on an edge may fall on either side of it


def test_noise_is_centred_and_of_the_size_that_was_asked_for() -> None:
    pose = np.array([[0, 0, 1, 0, 1, 0, 0, 0.2]])
    flat = paint(np.zeros((1, 1, len(FIELDS))), np.full((1, 3), 0.5), pose, face_keys(0, np.arange(1)), 64)
    noise = flat / 255 - 0.5
    assert abs(noise.mean()) < 0.005
    assert noise.std() == pytest.approx(0.2 / 6**0.5, rel=0.03)
    assert abs(np.corrcoef(noise.reshape(-1, 3).T) - np.eye(3)).max() < 0.05
    assert len(POSE) == pose.shape[1]


@settings(deadline=None, max_examples=12)
@given(size=st.integers(16, 64), n=st.integers(0, 3), seed=st.integers(0, 2**70))
def test_any_size_and_number(size: int, n: int, seed: int) -> None:
    images = render(coins(n), size=size, seed=seed)
    assert images.shape == (n, size, size, 3)
    assert images.dtype == np.uint8


def test_a_face_depends_on_its_seed_index_and_attributes_only() -> None:
    columns = coins(520)
    all_of_them = render(columns, size=16, seed=7)
    some = [519, 3, 512, 3]
    again = render({name: values[some] for name, values in columns.items()}, size=16, seed=7, index=some)
    np.testing.assert_array_equal(again, all_of_them[some])
    assert (render(columns, size=16, seed=8) != all_of_them).any(axis=(1, 2, 3)).all()
    assert len(np.unique(all_of_them.reshape(520, -1), axis=0)) == 520
    table = pa.table(
        {name: pa.chunked_array([values[:100], values[100:]]) for name, values in columns.items()}
    )
    np.testing.assert_array_equal(render(table, size=16, seed=7), all_of_them)


def test_traits_are_uniform_and_independent() -> None:
    drawn = np.stack(list(traits_of(face_keys(3, np.arange(4000))).values()))
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert abs(drawn.mean(axis=1) - 0.5).max() < 0.025
    assert abs(np.corrcoef(drawn) - np.eye(len(TRAITS))).max() < 0.08


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_changes_its_part_of_any_face_and_nothing_else(name: str, size: int) -> None:
    columns = coins(60, seed=1)
    on, off = (
        render(columns | {name: np.full(60, value)}, size=size, seed=2).astype(int) for value in (1, 0)
    )
    change = abs(on - off).sum(axis=3)
    at = 2 * (np.arange(size) + 0.5) / size - 1
    left, top, right, bottom = SEEN[name]
    reach = 0.09 + 1 / size
    inside = ((at > top - reach) & (at < bottom + reach))[:, None] & (
        (at > left - reach) & (at < right + reach)
    )
    assert change[:, ~inside].max() == 0
    assert change.sum(axis=(1, 2)).min() * (32 / size) ** 2 > 400


def test_every_attribute_has_a_place_where_it_is_seen() -> None:
    assert tuple(SEEN) == ATTRIBUTES
    assert tuple(sorted(ATTRIBUTES)) == ATTRIBUTES


@pytest.mark.parametrize("size", [*SIZES, 24])
def test_colours_are_read_back_whatever_else_is_drawn(size: int) -> None:
    rng = np.random.default_rng(4)
    drawn = {name: rng.random(400) for name in COLOURS}
    found = read_colours(render(coins(400) | drawn, size=size, seed=5))
    assert tuple(found) == COLOURS
    for name in COLOURS:
        assert np.corrcoef(drawn[name], found[name])[0, 1] > (0.96 if size == 16 else 0.97), name
        assert abs(drawn[name] - found[name]).mean() < 0.06, name
    apart = np.corrcoef(np.stack([*drawn.values(), *found.values()]))
    assert abs(apart[:4, 4:] - np.diag(np.diag(apart[:4, 4:]))).max() < 0.12


@pytest.mark.parametrize("size", SIZES)
def test_attributes_do_not_reach_the_colours(size: int) -> None:
    drawn = {name: np.full(400, 0.5) for name in COLOURS}
    columns = coins(400, seed=6)
    found = read_colours(render(columns | drawn, size=size, seed=6))
    for values in found.values():
        for name in ATTRIBUTES:
            assert abs(values[columns[name]].mean() - values[~columns[name]].mean()) < 0.05, name


def test_colours_that_are_not_given_are_drawn() -> None:
    found = read_colours(render({}, seed=0, index=np.arange(300)))
    assert all(np.ptp(values) > 0.8 for values in found.values())


@settings(deadline=None, max_examples=20)
@given(size=st.integers(16, 64))
def test_regions_are_apart_and_symmetric(size: int) -> None:
    skin, background = regions(size).values()
    assert skin.any()
    assert background.any()
    assert not (skin & background).any()
    for mask in (skin, background):
        np.testing.assert_array_equal(mask, mask[:, ::-1])


def test_numbers_may_stand_for_truth() -> None:
    bools = render({"Smiling": [False, True]}, seed=0)
    for numbers in ([0, 1], [-1, 1], [0.0, 1.0]):
        np.testing.assert_array_equal(render({"Smiling": numbers}, seed=0), bools)


WRONG: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (
        {"Smilling": [True]},
        {},
        InputError,
        "'Smilling' is not an attribute that faces have; did you mean 'Smiling'?",
    ),
    ({"Zzz": [1]}, {}, InputError, "'Zzz' is not an attribute that faces have; there are Bangs, Blond_Hair,"),
    ({}, {}, InputError, "no attributes were given, so no face can be drawn; give at least one, or an index"),
    (
        {"Bangs": [1], "Smiling": [1, 0]},
        {},
        InputError,
        r"attribute 'Smiling' has shape \(2,\) and 'Bangs' has \(1,\); give one value a face",
    ),
    ({"Bangs": [0, 2]}, {}, InputError, "'Bangs' has the value 2; it must be true or false in every row"),
    (
        {"Bangs": [0, -1]},
        {},
        InputError,
        "'Bangs' has the value 0 beside -1; it must be true or false in every row",
    ),
    (
        pa.table({"Bangs": [True, None]}),
        {},
        InputError,
        "'Bangs' has missing values or texts; it must be true or",
    ),
    (
        {"skin_hue": [0.5, 1.5]},
        {},
        InputError,
        "'skin_hue' has the value 1.5; it must be a number from 0 to 1 in",
    ),
    (
        {"skin_hue": ["x"]},
        {},
        InputError,
        "'skin_hue' has missing values or no numbers; it must be a number from",
    ),
    ({"Bangs": [1]}, {"size": 12}, UsageError, "with 16 to 64 pixels along each side; 12 was asked for"),
    ({"Bangs": [1]}, {"seed": -1}, UsageError, "a seed is a whole number from 0 on, not -1"),
    (
        {"Bangs": [1]},
        {"index": [-1]},
        UsageError,
        "the index of faces must be one whole number from 0 on for each",
    ),
    (
        {"Bangs": [1]},
        {"index": [1, 2]},
        UsageError,
        "the index names 2 faces, the attributes describe 1; give one",
    ),
]


@pytest.mark.parametrize(("attributes", "options", "error", "message"), WRONG)
def test_what_cannot_be_drawn_is_said_in_one_line(
    attributes: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        render(attributes, **({"seed": 0} | options))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "images", [np.zeros((1, 16, 16, 3)), np.zeros((1, 16, 18, 3), np.uint8), np.zeros(3, np.uint8)]
)
def test_only_pictures_have_colours(images: Any) -> None:
    with pytest.raises(
        UsageError, match=r"images of faces are uint8 of shape \(n, size, size, 3\); these are"
    ):
        read_colours(images)
