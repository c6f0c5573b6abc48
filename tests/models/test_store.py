"""Models on disk: any arrays come back; whatever is wrong with a folder is one line."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from credenza.errors import InputError, MissingExtraError, UsageError
from credenza.models.store import packed, read_model, unpacked, write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_model(tmp_path / "m", "ddpm", {"size": 16}, {"a": np.arange(3.0), "b": np.array(2)})
    return tmp_path / "m"


@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    ),
    st.booleans(),
)
def test_arrays_come_back_whatever_their_layout(
    tmp_path_factory: pytest.TempPathFactory, value: Any, turned: bool
) -> None:
    value = value.T if turned else value
    folder = tmp_path_factory.mktemp("s")
    (folder / "x").write_bytes(packed({"x": value}))
    found = unpacked(folder / "x")[0]["x"]
    assert found.dtype == value.dtype
    assert found.shape == value.shape
    assert np.array_equal(found, value, equal_nan=value.dtype.kind == "f")


def test_what_is_written(model: Path) -> None:
    assert {path.name for path in model.iterdir()} == {"model.json", "weights.safetensors"}
    description = json.loads((model / "model.json").read_text())
    assert description["schema"] == "credenza.model/1"
    assert description["kind"] == "ddpm"
    assert {"credenza", "numpy", "torch", "safetensors"} <= set(description["versions"])
    settings, tensors = read_model(model, "ddpm")
    assert settings == {"size": 16}
    assert tensors["a"].tolist() == [0, 1, 2]
    assert tensors["b"] == 2


def test_a_model_is_replaced_by_another(model: Path) -> None:
    write_model(model, "vae", {}, {"c": np.ones(1)})
    assert list(read_model(model, "vae")[1]) == ["c"]
    assert [path.name for path in model.parent.iterdir()] == ["m"]


def test_a_folder_of_something_else_is_left_alone(model: Path) -> None:
    (model / "notes.txt").write_text("keep")
    with pytest.raises(UsageError, match=r"m: the folder is not empty; give the name of a new one$"):
        write_model(model, "vae", {}, {})
    assert read_model(model, "ddpm")[0] == {"size": 16}


def test_a_write_that_fails_leaves_the_old_model(model: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_model(model, "ddpm", {"x": float("nan")}, {})
    assert read_model(model, "ddpm")[0] == {"size": 16}


def changed(model: Path, **values: Any) -> None:
    file = model / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "vae"}, "{m} holds a model of kind 'vae'; a 'ddpm' is needed"),
        (
            {"schema": "credenza.model/2"},
            "{m}/model.json has the schema 'credenza.model/2'; this version reads 'credenza.model/1': update credenza",
        ),
        ({"schema": "x/1"}, "{m}/model.json has the schema 'x/1'; a model has 'credenza.model/1'"),
        ({"kind": 3}, "{m}/model.json is damaged: it says no kind; save the model again"),
        ({"settings": []}, "{m}/model.json is damaged: it says no settings; save the model again"),
        (
            {"tensors": ["a", "z"]},
            "{m}/weights.safetensors lacks the tensor 'z' that model.json lists; save the model again",
        ),
    ],
)
def test_a_model_that_does_not_fit_is_one_line(model: Path, change: dict[str, Any], message: str) -> None:
    changed(model, **change)
    with pytest.raises(InputError, match=f"^{re.escape(message.format(m=model))}$"):
        read_model(model, "ddpm")


def test_a_folder_without_a_model_is_one_line(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^no folder .*x; give a folder that a model was saved to$"):
        read_model(tmp_path / "x", "ddpm")
    with pytest.raises(InputError, match=r"holds no model.json; give a folder that a model was saved to$"):
        read_model(tmp_path, "ddpm")
    (model / "weights.safetensors").write_bytes(b"\x00" * 4)
    with pytest.raises(
        InputError, match=r"weights.safetensors is damaged \(.+\); give a whole safetensors file$"
    ):
        read_model(model, "ddpm")
    (model / "weights.safetensors").unlink()
    with pytest.raises(InputError, match=r"holds no weights.safetensors; give a folder that a model was"):
        read_model(model, "ddpm")
    for text in ("{", "\x00", ""):
        (model / "model.json").write_text(text)
        with pytest.raises(InputError, match=r"model.json is not JSON \(.+\); save the model again$"):
            read_model(model, "ddpm")
    (model / "model.json").write_text("[]")
    with pytest.raises(InputError, match=r"model.json has the schema None; a model has 'credenza.model/1'$"):
        read_model(model, "ddpm")


def test_without_safetensors_the_extra_is_named(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("safetensors", "safetensors.numpy"):
        monkeypatch.setitem(sys.modules, name, None)
    message = "^models are kept with safetensors, which is not installed: pip install 'credenza\\[torch\\]'$"
    with pytest.raises(MissingExtraError, match=message):
        read_model(model, "ddpm")
    with pytest.raises(MissingExtraError, match=message):
        write_model(model, "ddpm", {}, {})
