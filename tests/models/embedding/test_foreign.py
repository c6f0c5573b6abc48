"""Models that the user brings: TorchScript, ONNX, and what credenza saved."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models.embedding.embedding_worlds import image_table, stripes
from models.embedding.test_model_files import script, sentences

from credenza.data import open_source
from credenza.errors import CredenzaError, InputError, MissingExtraError
from credenza.models.embedding import foreign
from credenza.models.embedding.foreign import as_floats, open_model, run_model
from credenza.models.embedding.images import ModelMaker
from credenza.models.embedding.network import LabelNetwork


class Means(torch.nn.Module):  # type: ignore[misc]
    """The mean of each colour."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


class Sized(Means):
    """The same, for pictures of four pixels a side only."""

    def __init__(self) -> None:
        super().__init__()
        self.image_size = 4

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[2] == 4
        return x.mean((2, 3))


class Twice(Means):
    """Two answers."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x


def test_torchscript_sees_floats_from_0_to_1(tmp_path: Path) -> None:
    images, labels = stripes(70, 0)
    model = open_model(script(tmp_path / "means.pt", Means()))
    assert (model.takes, model.name, model.size) == ("images", "means.pt", None)
    made = ModelMaker(open_source(image_table(images, labels, row2=b"bad")), "image", model, "0").first()
    assert made.values == pytest.approx(np.delete(images, 2, 0).mean((1, 2)) / 255, abs=1e-5)
    assert made.rows is not None
    assert made.rows.tolist() == [0, 1, *range(3, 70)]
    assert (made.kind, made.name, made.losses) == ("images", "means.pt", None)


def test_a_model_says_what_size_it_takes(tmp_path: Path) -> None:
    images, labels = stripes(3, 0)
    model = open_model(script(tmp_path / "sized.pt", Sized()))
    assert model.size == (4, 4)
    made = ModelMaker(open_source(image_table(images, labels)), "image", model, "0").first()
    assert made.values == pytest.approx(images.mean((1, 2)) / 255, abs=0.01)
    with pytest.raises(
        InputError, match=r"the model sized.pt does not take pictures of shape \(1, 3, 8, 8\): "
    ):
        run_model(model, np.zeros((1, 8, 8, 3), np.uint8))


def test_what_a_model_returns_is_one_tensor(tmp_path: Path) -> None:
    model = open_model(script(tmp_path / "twice.pt", Twice()))
    with pytest.raises(InputError, match=r"the model twice.pt returns a tuple; it must return one tensor"):
        run_model(model, np.zeros((1, 8, 8, 3), np.uint8))
    images, labels = stripes(3, 0)
    flat = open_model(script(tmp_path / "same.pt", torch.nn.Identity()))
    with pytest.raises(InputError, match=r"same.pt returns float32 of shape \(3, 3, 16, 16\) for 3 rows"):
        ModelMaker(open_source(image_table(images, labels)), "image", flat, "0").first()


def test_damaged_torchscript_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "means.pt"
    with (
        zipfile.ZipFile(script(tmp_path / "whole.pt", Means())) as whole,
        zipfile.ZipFile(path, "w") as cut,
    ):
        for name in whole.namelist():
            cut.writestr(name, whole.read(name) if "/code/" not in name else b"def")
    with pytest.raises(InputError, match=r"is damaged \(.*\); export it again") as caught:
        open_model(path)
    assert "\n" not in str(caught.value)


def test_our_own_networks_are_opened(tmp_path: Path) -> None:
    images, labels = stripes(20, 0)
    net = LabelNetwork(width=4, depth=8, epochs=1, device="cpu").fit(images, labels, seed=0)
    net.save(tmp_path / "net")
    model = open_model(tmp_path / "net")
    assert model.size == (16, 16)
    assert (model(images) == net.features(images)).all()
    file = tmp_path / "net" / "model.json"
    file.write_text(file.read_text().replace("label-network", "ddpm"))
    with pytest.raises(
        InputError, match=r"is of kind 'ddpm'; embeddings are made by 'label-network' or 'attr"
    ):
        open_model(tmp_path / "net")


def test_a_network_of_grey_images_is_refused(tmp_path: Path) -> None:
    images, labels = stripes(20, 0)
    net = LabelNetwork(width=4, epochs=1, device="cpu").fit(images[..., :1], labels, seed=0)
    net.save(tmp_path / "net")
    with pytest.raises(InputError, match="is of grey images; one of colour images is needed"):
        open_model(tmp_path / "net")


def test_onnx_models_run(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="writes the model that is read")
    pytest.importorskip("onnxruntime", reason="runs ONNX models")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT

    def written(name: str, shape: list[Any]) -> Path:
        node = helper.make_node("GlobalAveragePool", ["x"], ["y"])
        flat = helper.make_node("Flatten", ["y"], ["z"])
        given = [helper.make_tensor_value_info("x", kind, shape)]
        graph = helper.make_graph([node, flat], "g", given, [helper.make_tensor_value_info("z", kind, None)])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        (tmp_path / name).write_bytes(model.SerializeToString())
        return tmp_path / name

    images, labels = stripes(70, 0)
    model = open_model(written("free.onnx", ["n", 3, "h", "w"]))
    assert model.size is None
    made = ModelMaker(open_source(image_table(images, labels)), "image", model, "0").first()
    assert made.values == pytest.approx(images.mean((1, 2)) / 255, abs=1e-5)
    fixed = open_model(written("fixed.onnx", ["n", 3, 8, 8]))
    assert fixed.size == (8, 8)
    with pytest.raises(InputError, match=r"fixed.onnx does not take pictures of shape \(1, 3, 4, 4\): "):
        run_model(fixed, np.zeros((1, 4, 4, 3), np.uint8))
    with pytest.raises(
        InputError, match=r"takes x \['n', 3\]; it must take one input of shape \(n, 3, H, W\)"
    ):
        open_model(written("table.onnx", ["n", 3]))
    (tmp_path / "cut.onnx").write_bytes((tmp_path / "free.onnx").read_bytes()[:40])
    with pytest.raises(InputError, match=r"cut.onnx' is no ONNX model, or damaged \("):
        open_model(tmp_path / "cut.onnx")


@pytest.mark.parametrize(
    ("library", "form", "message"),
    [
        (
            "onnxruntime",
            "onnx",
            "ONNX models need onnxruntime, which is not installed: pip install 'credenza[onnx]'",
        ),
        (
            "sentence_transformers",
            "folder",
            "sentence-transformers models need sentence_transformers, which is not",
        ),
        (
            "torch",
            "script",
            "TorchScript models need torch, which is not installed: pip install 'credenza[torch]'",
        ),
    ],
)
def test_a_missing_library_is_one_line(
    library: str, form: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net"
    if form == "folder":
        sentences(path)
    elif form == "script":
        script(path, Means())
    else:
        path.write_bytes(b"\x08\x0a\x12\x00")
    real = foreign.import_module

    def missing(name: str) -> Any:
        if name == library:
            raise ModuleNotFoundError(name)
        return real(name)

    monkeypatch.setattr(foreign, "import_module", missing)
    with pytest.raises(MissingExtraError, match=message.replace("[", r"\[")):
        open_model(path)


def test_an_error_of_a_model_is_one_line() -> None:
    class Broken:
        takes, name, size = "text", "broken", None

        def __call__(self, batch: Any) -> Any:
            raise ValueError("first\n  and last.")

    with pytest.raises(CredenzaError, match=r"^the model broken does not take texts: and last$"):
        run_model(Broken(), ["a"])


def test_floats_are_channels_first() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)
    assert as_floats(pixels)[0, 1, 0, 2] == np.float32(7 / 255)
