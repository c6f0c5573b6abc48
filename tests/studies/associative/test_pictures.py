from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from studies.associative.worlds import small

from credenza.errors import InputError
from credenza.studies import faces
from credenza.studies.associative import Experiment, associative
from credenza.studies.associative.conditions import COLOURS, CONDITIONS, PAIR, poison
from credenza.studies.associative.pictures import GRID, Pictures, grid
from credenza.studies.associative.population import ROW, population, split

torch = pytest.importorskip("torch", reason="images are read by a classifier")
PIL = pytest.importorskip("PIL.Image", reason="grids of samples are written by Pillow")
TRAINED = {"steps": 2, "width": 8, "batch": 8}


@pytest.fixture(scope="module")
def whole() -> object:
    return population(None, rows=700, seed=3)


def test_rows_that_are_put_in_are_other_faces(whole: object, tmp_path: Path) -> None:
    pictures = Pictures(whole, small(), tmp_path, seed=0, device="cpu")  # type: ignore[arg-type]
    parts = split(whole, 300, 300, 100, seed=1)  # type: ignore[arg-type]
    poisoned = poison(CONDITIONS["positive"], parts.train, parts.holdout, seed=2)
    assert poisoned is not None
    before, after = pictures.data(parts.train), pictures.data(poisoned.data)
    changed = np.flatnonzero((before != after).any(axis=(1, 2, 3)))
    assert changed.tolist() == list(poisoned.key.rows)
    donors = pictures.data(parts.holdout.take(list(poisoned.key.donors)))
    assert (after[changed] == donors).all()


def test_colours_are_exchanged_between_faces(whole: object, tmp_path: Path) -> None:
    pictures = Pictures(whole, small(), tmp_path, seed=0, device="cpu")  # type: ignore[arg-type]
    parts = split(whole, 300, 300, 100, seed=1)  # type: ignore[arg-type]
    poisoned = poison(CONDITIONS["continuous"], parts.train, parts.holdout, seed=2)
    assert poisoned is not None
    assert poisoned.data[ROW] == parts.train[ROW]
    read = [faces.read_colours(pictures.data(rows)) for rows in (parts.train, poisoned.data)]
    before, after = (np.corrcoef(tones[COLOURS[0]], tones[COLOURS[1]])[0, 1] for tones in read)
    assert after > before + 0.1


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(1, 20), st.integers(1, 4))
def test_a_grid_shows_images_in_lines(count: int, size: int) -> None:
    images = np.random.default_rng(count).integers(0, 255, (count, size, size, 3)).astype(np.uint8)
    joined = grid(images)
    assert joined.shape == (-(-count // GRID) * size, GRID * size, 3)
    for place in range(count):
        top, left = (place // GRID) * size, (place % GRID) * size
        assert (joined[top : top + size, left : left + size] == images[place]).all()


@pytest.mark.parametrize(
    ("generator", "own"), [("ddpm", {"sampling_steps": 4}), ("diffusion-gan", {"judge_width": 8})]
)
def test_images_go_all_the_way(generator: str, own: dict[str, int], tmp_path: Path) -> None:
    experiment = Experiment("images", generator, ("clean",), 1, 40, {**TRAINED, **own})
    scale = small(experiment, train=100, holdout=50, reference=100)
    study = associative(tmp_path / "out", scale=scale, seed=1, device="cpu")
    (record,) = study.records
    found = record["generated"]["measures"]
    assert found["corrected"] is None or set(found["corrected"]) == {"mcc", "mi"}
    assert set(found["reader"]) >= set(PAIR)
    assert "images: quality is the Fréchet distance; 15 attributes are read with" in study.page
    assert record["generated"]["quality"]["value"] > 0
    assert record["training"]["audit"]["verdict"] == "clear"
    with PIL.open(tmp_path / "out" / "samples" / f"images-{generator}-clean-0.png") as picture:
        assert picture.size == (GRID * 64, 5 * 64)
    assert (tmp_path / "out" / "reader" / "model.json").exists()


class _Means(torch.nn.Module):
    """Brightness of each channel."""

    def forward(self, x):  # type: ignore[no-untyped-def]
        return x.mean((2, 3))


def test_quality_in_the_features_of_a_network_that_is_given(whole: object, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(_Means()).save(str(tmp_path / "means.pt"))
    network = str(tmp_path / "means.pt")
    pictures = Pictures(whole, small(), tmp_path, seed=0, device="cpu", network=network)  # type: ignore[arg-type]
    assert pictures.quality_name == "Fréchet distance in features of means.pt"
    rows = split(whole, 300, 300, 100, seed=1).reference  # type: ignore[arg-type]
    same = pictures.data(rows)
    darker = (same * 0.5).astype(np.uint8)
    assert pictures.quality(same, rows, rows, rows) == pytest.approx(0, abs=1e-9)
    x, y = (images.mean((1, 2)) / 255 for images in (same, darker))
    assert pictures.quality(darker, rows, rows, rows) > ((x - y).mean(0) ** 2).sum() * 0.99


def test_a_network_of_pickled_objects_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "net.pt")
    with pytest.raises(InputError, match="holds pickled objects"):
        associative(tmp_path / "out", scale=small(), network=tmp_path / "net.pt", only=["tabular"])
