from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.errors import InputError, MissingExtraError, UsageError
from credenza.synthetic import model_images
from credenza.synthetic.pictures import png


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([(), (1,), (3,)]))
def test_pixels_come_back(height: int, width: int, channels: tuple[int, ...]) -> None:
    image = pytest.importorskip("PIL.Image", reason="reading images needs Pillow")
    pixels = np.random.default_rng(height * width).integers(0, 256, (height, width, *channels), np.uint8)
    read = np.array(image.open(io.BytesIO(png(pixels))))
    assert np.array_equal(read, pixels[..., 0] if channels == (1,) else pixels)


def test_images_of_a_generator_of_ours(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="an image generator needs torch")
    from credenza.models import DDPM

    data = np.random.default_rng(0).integers(0, 256, (8, 4, 4, 1), np.uint8)
    model = DDPM(4, channels=1, width=8, steps=1, sampling_steps=4, device="cpu").fit(data, seed=0)
    model.save(tmp_path / "digits")
    made = model_images(tmp_path / "digits", 3, category="seven", seed=2)
    assert made.data.column_names == ["image", "label", "source", "generator_model"]
    expected = [png(image) for image in model.sample(3, seed=2)]
    assert made.data["image"].to_pylist() == expected
    assert set(made.data["label"].to_pylist()) == {"seven"}
    assert made.settings["model"] == "digits"
    assert model_images(tmp_path / "digits", 1, seed=2).data.column_names == [
        "image",
        "source",
        "generator_model",
    ]


def test_images_of_diffusers(tmp_path: Path) -> None:
    diffusers = pytest.importorskip("diffusers", reason="a pipeline needs diffusers")
    network = diffusers.UNet2DModel(
        sample_size=4, in_channels=3, out_channels=3, layers_per_block=1, block_out_channels=(8, 8), norm_num_groups=4,
        down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2,
    )  # fmt: skip
    scheduler = diffusers.DDPMScheduler(num_train_timesteps=5)
    diffusers.utils.logging.set_verbosity_error()
    diffusers.DDPMPipeline(network, scheduler).save_pretrained(tmp_path / "tiny")
    many = model_images(tmp_path / "tiny", 3, steps=2, seed=1, device="cpu")
    assert many.notes == ()
    assert many.rows == 3
    few = model_images(tmp_path / "tiny", 2, steps=2, seed=1, device="cpu")
    assert few.data["image"].to_pylist() == many.data["image"].to_pylist()[:2]
    with pytest.raises(InputError, match=r"cannot make images .* give another model, or other steps"):
        model_images(tmp_path / "tiny", 1, device="cpu")
    (tmp_path / "tiny" / "model_index.json").write_text(json.dumps({"_class_name": "Nothing"}))
    with pytest.raises(InputError, match="cannot be loaded with diffusers"):
        model_images(tmp_path / "tiny", 1, device="cpu")


def test_models_of_other_kinds(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"kind": "ngram"}')
    with pytest.raises(InputError) as error:
        model_images(tmp_path, 1)
    assert str(error.value) == (
        f"{tmp_path} holds a model of kind 'ngram'; images are made by ddpm or diffusion-gan"
    )
    (tmp_path / "model.json").write_text("[]")
    with pytest.raises(InputError, match=r"model\.json is damaged; save the model again"):
        model_images(tmp_path, 1)
    (tmp_path / "model.json").unlink()
    with pytest.raises(InputError, match=r"holds no model_index\.json; give the folder of a diffusers model"):
        model_images(tmp_path, 1)


def test_what_cannot_be_asked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="rows is a whole number, 1 or more; found 0"):
        model_images(tmp_path, 0)
    with pytest.raises(UsageError, match="steps is a whole number, 1 or more; found 0"):
        model_images(tmp_path, 1, steps=0)


def test_without_diffusers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model_index.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(MissingExtraError) as error:
        model_images(tmp_path, 1)
    assert str(error.value) == (
        "image generators need diffusers, which is not installed: pip install 'credenza[torch]'"
    )
