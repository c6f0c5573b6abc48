"""Pipelines that diffusers wrote are read, foresee what their scheduler says, and are refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from credenza.errors import InputError, UsageError

torch = pytest.importorskip("torch", reason="torch is not installed")
diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed")

from credenza.models.foreign_diffusion import ForeignDiffusion  # noqa: E402
from credenza.models.trajectories import Trajectories, open_trajectories  # noqa: E402

SIZE = 8


def pipeline(folder: Path, *, predicts: str = "epsilon", channels: int = 3, **more: Any) -> Path:
    """A small pipeline with random weights, as diffusers saves it."""
    torch.manual_seed(0)
    blocks = {"block_out_channels": (8, 8), "norm_num_groups": 4, "layers_per_block": 1}
    kinds = {"down_block_types": ("DownBlock2D",) * 2, "up_block_types": ("UpBlock2D",) * 2}
    net = diffusers.UNet2DModel(
        sample_size=SIZE, in_channels=channels, out_channels=channels, **blocks, **kinds, **more
    )
    scheduler = diffusers.DDPMScheduler(num_train_timesteps=500, prediction_type=predicts)
    made = diffusers.DDIMPipeline if predicts == "epsilon" else diffusers.DDPMPipeline
    made(unet=net, scheduler=scheduler).save_pretrained(folder, safe_serialization=True)
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pipeline(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pipeline(tmp_path_factory.mktemp("told"), channels=1, num_class_embeds=3)


def foreseen(folder: Path, noise: Any, label: int | None) -> np.ndarray:
    """x0 from pure noise, by the network and the schedule themselves, in grey levels."""
    net = diffusers.UNet2DModel.from_pretrained(folder / "unet", use_safetensors=True)
    scheduler = diffusers.DDIMScheduler.from_pretrained(folder / "scheduler", clip_sample=False)
    scheduler.set_timesteps(len(scheduler.alphas_cumprod))
    top = len(scheduler.alphas_cumprod) - 1
    codes = None if label is None else torch.full((len(noise),), label)
    with torch.no_grad():
        said = net(noise, torch.full((len(noise),), top), class_labels=codes).sample
        image = scheduler.step(said, top, noise).pred_original_sample
    return np.asarray((image + 1) * 127.5).transpose(0, 2, 3, 1)


def test_a_pipeline_is_what_its_configuration_says(plain: Path, told: Path) -> None:
    model = open_trajectories(plain)
    assert isinstance(model, Trajectories)
    assert (model.size, model.channels, model.classes) == (SIZE, 3, None)
    classed = open_trajectories(str(told))
    assert (classed.size, classed.channels, classed.classes) == (SIZE, 1, 3)


@pytest.mark.parametrize("label", [None, 0, 2])
def test_from_pure_noise_it_foresees_what_the_scheduler_does(
    plain: Path, told: Path, label: int | None
) -> None:
    folder = plain if label is None else told
    model = ForeignDiffusion(folder, device="cpu")
    labels = None if label is None else [label] * 3
    found = model.trajectory(3, seed=4, times=(999,), labels=labels)
    assert found.shape == (1, 3, SIZE, SIZE, model.channels)
    assert found.dtype == np.float32
    start = model._start(slice(0, 3), 4)
    assert found[0] == pytest.approx(foreseen(folder, start, label), rel=1e-3, abs=0.05)


@pytest.mark.parametrize("predicts", ["sample", "v_prediction"])
def test_other_predictions_are_read(tmp_path: Path, predicts: str) -> None:
    folder = pipeline(tmp_path, predicts=predicts)
    model = ForeignDiffusion(folder, device="cpu")
    found = model.trajectory(2, seed=1, times=(999,))
    assert found[0] == pytest.approx(foreseen(folder, model._start(slice(0, 2), 1), None), rel=1e-3, abs=0.05)


def test_times_stand_in_the_order_asked_and_images_keep_their_noise(told: Path) -> None:
    model = ForeignDiffusion(told, device="cpu")
    few = model.trajectory(3, seed=4, times=(900, 980), labels=[1, 1, 1], batch=2)
    more = model.trajectory(4, seed=4, times=(980, 900), labels=[1, 1, 1, 2])
    assert few.shape == (2, 3, SIZE, SIZE, 1)
    assert few[0] == pytest.approx(more[1, :3], rel=1e-3, abs=0.05)
    assert not np.allclose(few[0], few[1])
    assert not np.allclose(few[0], model.trajectory(3, seed=5, times=(900,), labels=[1, 1, 1])[0])


def test_labels_are_given_where_there_are_classes_and_only_there(plain: Path, told: Path) -> None:
    with pytest.raises(InputError, match="this model takes no labels; found labels"):
        ForeignDiffusion(plain, device="cpu").trajectory(2, seed=0, times=(999,), labels=[0, 1])
    model = ForeignDiffusion(told, device="cpu")
    with pytest.raises(InputError, match="this model takes labels of 3 classes; found none"):
        model.trajectory(2, seed=0, times=(999,))
    with pytest.raises(InputError, match="labels are from 0 to 2; found them from 0 to 3"):
        model.trajectory(2, seed=0, times=(999,), labels=[0, 3])
    with pytest.raises(
        InputError, match=r"labels are 2 whole numbers, one an image; found float64 of \(2,\)"
    ):
        model.trajectory(2, seed=0, times=(999,), labels=[0.0, 1.0])
    with pytest.raises(
        UsageError, match=r"times are whole numbers from 0 to 999, at least one; found \[1000\]"
    ):
        model.trajectory(2, seed=0, times=(1000,), labels=[0, 1])


def _index(folder: Path, unet: object) -> None:
    (folder / "model_index.json").write_text(json.dumps({"unet": unet}), encoding="utf-8")


def test_folders_that_are_no_such_pipeline_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no diffusion model: give the folder of a saved DDPM"):
        open_trajectories(tmp_path)
    (tmp_path / "model_index.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"model_index.json cannot be read \(.*\); give a whole pipeline$"):
        open_trajectories(tmp_path)
    _index(tmp_path, ["diffusers", "UNet2DConditionModel"])
    with pytest.raises(InputError, match=r"no UNet2DModel of images \(found UNet2DConditionModel\)"):
        open_trajectories(tmp_path)
    _index(tmp_path, ["diffusers", "UNet2DModel"])
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match=r"no .safetensors weights, and pickled ones are not read"):
        open_trajectories(tmp_path)
    (tmp_path / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"short")
    with pytest.raises(
        InputError, match=r"cannot be loaded with diffusers \(.*\); give another model$"
    ) as said:
        open_trajectories(tmp_path)
    assert "\n" not in str(said.value)
    (tmp_path / "unet" / "net.py").write_text("raise SystemExit", encoding="utf-8")
    with pytest.raises(InputError, match=r"holds code \(net.py\), which is not run"):
        open_trajectories(tmp_path)


def test_a_network_of_latents_is_refused(tmp_path: Path) -> None:
    pipeline(tmp_path, channels=4)
    with pytest.raises(InputError, match=r"no square images, grey or RGB \(size 8, 4 channels in, 4 out\)"):
        open_trajectories(tmp_path)


def test_something_else_is_no_model() -> None:
    with pytest.raises(UsageError, match="a diffusion model is a fitted DDPM or a folder; found int"):
        open_trajectories(3)
