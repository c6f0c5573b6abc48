"""What a model file holds is told by its content; what may run code is refused."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from credenza.errors import InputError
from credenza.models.embedding.model_files import ModelForm, model_digest, model_form
from credenza.models.store import packed

OBJECTS = "holds pickled objects, which run code when they are read; export the model as TorchScript"


def script(path: Path, module: Any) -> Path:
    """Write a module as TorchScript, of which torch says that it prefers other formats."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(module).save(str(path))
    return path


def saved(**options: Any) -> bytes:
    file = io.BytesIO()
    torch.save(torch.nn.Linear(2, 1), file, **options)
    return file.getvalue()


PICKLES = {
    "torch": saved(),
    "torch of old": saved(_use_new_zipfile_serialization=False),
    "protocol 5": pickle.dumps([1], protocol=5),
    "protocol 2": pickle.dumps({"a": 1}, protocol=2),
    "compressed": gzip.compress(pickle.dumps({"a": 1})),
}


@pytest.mark.parametrize("name", PICKLES)
@pytest.mark.parametrize("suffix", [".pt", ".onnx", ".bin", ".joblib"])
def test_pickles_are_refused_whatever_they_are_called(name: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"net{suffix}"
    path.write_bytes(PICKLES[name])
    with pytest.raises(InputError, match=OBJECTS) as caught:
        model_form(path)
    assert "\n" not in str(caught.value)


def test_torchscript_is_told_by_code_and_constants(tmp_path: Path) -> None:
    assert model_form(script(tmp_path / "net.any", torch.nn.Linear(2, 1))) is ModelForm.TORCHSCRIPT


def test_torchscript_that_touches_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/constants.pkl", b"")
        archive.writestr("net/code/__torch__.py", "def f(x):\n  return torch.from_file('secret')\n")
    with pytest.raises(
        InputError, match=r"calls torch.from_file, which touches files; give a model without it"
    ):
        model_form(path)


def zipped(**entries: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (packed({"a": np.zeros(2, np.float32)}), r"holds weights without a network \(safetensors\); export"),
        (b"a text", "is neither TorchScript nor ONNX; export the model"),
        (b"", "is neither TorchScript nor ONNX; export the model"),
        (zipped(readme=b"x"), "is a zip archive and no TorchScript; export"),
        (zipped(**{"net/data.pkl": b"x"}), OBJECTS),
    ],
)
def test_other_files_are_refused(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        model_form(path)


def test_onnx_begins_with_its_version(tmp_path: Path) -> None:
    path = tmp_path / "net"
    path.write_bytes(b"\x08\x0a\x12\x00")
    assert model_form(path) is ModelForm.ONNX


def sentences(folder: Path, **files: str) -> Path:
    folder.mkdir()
    kinds = [{"type": "sentence_transformers.models.Transformer"}]
    given = {"modules.json": json.dumps(kinds), "model.safetensors": "x"} | files
    for name, text in given.items():
        if text:
            (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"modules.json": ""}, "is a folder that holds no model: neither model.json nor modules.json"),
        ({"pytorch_model.bin": "x"}, "holds pytorch_model.bin, which may hold objects or code; save it as"),
        ({"custom.py": "x"}, "holds custom.py, which may hold objects or code"),
        ({"model.safetensors": ""}, r"holds no weights \(\*.safetensors\)"),
        ({"modules.json": "{"}, "has a damaged modules.json"),
        ({"modules.json": '[{"type": "os.system"}]'}, "asks for the class os.system, which is not run"),
    ],
)
def test_folders_of_sentence_models_are_looked_at(
    files: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        model_form(sentences(tmp_path / "net", **files))


def test_a_list_of_modules_is_needed(tmp_path: Path) -> None:
    folder = sentences(tmp_path / "net", **{"modules.json": "", "config_sentence_transformers.json": "{}"})
    with pytest.raises(InputError, match=r"holds no modules.json; save it with sentence-transformers"):
        model_form(folder)
    assert model_form(sentences(tmp_path / "other")) is ModelForm.SENTENCES


def test_nothing_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"there is no such file or folder; give auto, images, text, table or a"
    ):
        model_form(tmp_path / "absent.pt")


def test_a_digest_is_of_names_and_bytes(tmp_path: Path) -> None:
    folder = sentences(tmp_path / "net")
    before = model_digest(folder)
    assert before == model_digest(folder)
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    assert model_digest(folder) != before
    assert len(model_digest(folder / "modules.json")) == 64
