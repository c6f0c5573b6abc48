"""Files of models are read without letting them run code of their own."""

from __future__ import annotations

import importlib.util
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed: pip install 'credenza[torch]'", allow_module_level=True)

import torch
from torch import nn

from credenza.attacks.clean_label.model_files import load_program
from credenza.attacks.clean_label.network import Network, class_scores, representations
from credenza.errors import InputError

PICTURES = np.random.default_rng(0).integers(0, 256, (7, 3, 8, 8)).astype(np.uint8)
REFUSED = "give a program of tensors and torch operators only, or the module itself"


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm, self.head = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.norm(self.conv(x))).mean((2, 3)))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "net.pt2"
    batch = torch.export.Dim("batch", min=1, max=4_096)
    exported = torch.export.export(Net().eval(), (torch.rand(2, 3, 8, 8),), dynamic_shapes={"x": {0: batch}})
    torch.export.save(exported, path)
    return path


def test_a_program_answers_like_the_module(saved: Path) -> None:
    network, module = Network(saved), Network(Net())
    assert np.allclose(class_scores(network, PICTURES), class_scores(module, PICTURES), atol=1e-6)
    assert np.allclose(representations(network, PICTURES), representations(module, PICTURES), atol=1e-6)
    assert network.representation == "input of linear_input_0"
    assert network.name == "net.pt2"


def test_a_program_has_gradients(saved: Path) -> None:
    network = Network(str(saved))
    x = network.tensor(PICTURES).requires_grad_()
    assert float(network.gradient(network.features(x).sum(), x).abs().sum()) > 0


def changed(saved: Path, out: Path, edit: Callable[[str, bytes], bytes | None], **more: bytes) -> Path:
    """A copy of the archive with its entries edited (None: left out), and further ones."""
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = edit(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
        for name, content in more.items():
            new.writestr(f"net/{name}", content)
    return out


def edited_json(ending: str, edit: Callable[[Any], None]) -> Callable[[str, bytes], bytes]:
    def apply(name: str, content: bytes) -> bytes:
        if not name.endswith(ending):
            return content
        document = json.loads(content)
        edit(document)
        return json.dumps(document).encode()

    return apply


def set_target(document: Any, target: str) -> None:
    document["graph_module"]["graph"]["nodes"][0]["target"] = target


def set_size(document: Any, text: str) -> None:
    document["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][0]["as_expr"]["expr_str"] = text


def set_argument(document: Any, text: str) -> None:
    document["graph_module"]["module_call_graph"][0]["signature"]["forward_arg_names"] = [text]


def set_pickle(document: Any, _: str) -> None:
    document["config"]["conv.weight"]["use_pickle"] = True


@pytest.mark.parametrize(
    ("ending", "setter", "text", "what"),
    [
        ("models/model.json", set_target, "torch.serialization.os.system", "the operator '{}'"),
        ("models/model.json", set_target, "torch.ops.aten.from_file.default", "the operator '{}'"),
        ("models/model.json", set_size, "__import__('os').getpid()", 'the size "{}"'),
        ("models/model.json", set_size, "(lambda: 1)()", "the size '{}'"),
        ("models/model.json", set_argument, "x=print(1)", "the name '{}'"),
        ("model_weights_config.json", set_pickle, "", "a pickled tensor"),
    ],
)
def test_what_may_run_code_is_refused(
    saved: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ending: str,
    setter: Callable[[Any, str], None],
    text: str,
    what: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    changed(saved, Path("bad.pt2"), edited_json(ending, lambda document: setter(document, text)))
    with pytest.raises(InputError) as caught:
        load_program("bad.pt2")
    held = f"the model file 'bad.pt2' holds {what.format(text)}, which may run code when it is read"
    assert str(caught.value) == f"{held}; {REFUSED}"


class Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("run"),)


def test_sample_inputs_are_not_unpickled(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    buffer = io.BytesIO()
    torch.save((Payload(),), buffer)
    swap = lambda name, content: buffer.getvalue() if name.endswith("model.pt") else content  # noqa: E731
    changed(saved, Path("bad.pt2"), swap)
    with pytest.raises(InputError) as caught:
        load_program("bad.pt2")
    held = "the model file 'bad.pt2' holds objects in 'data/sample_inputs/model.pt'"
    assert str(caught.value) == f"{held}, which may run code when it is read; {REFUSED}"
    assert not Path("run").exists()


def test_unknown_entries_are_refused(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    entry = "data/constants/opaque_obj_0"
    changed(saved, Path("bad.pt2"), lambda name, content: content, **{entry: pickle.dumps(Payload())})
    with pytest.raises(InputError, match=f"holds the entry '{entry}', which may run code"):
        load_program("bad.pt2")
    assert not Path("run").exists()


def test_files_that_are_no_programs(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(Net().state_dict(), "weights.pt")
    Path("text.pt2").write_text("no archive")
    cut = saved.read_bytes()
    Path("cut.pt2").write_bytes(cut[: len(cut) // 2])
    changed(saved, Path("empty.pt2"), lambda name, content: b"{}" if name.endswith("model.json") else content)
    for name in ("weights.pt", "text.pt2", "cut.pt2", "empty.pt2"):
        with pytest.raises(InputError) as caught:
            load_program(name)
        text = str(caught.value)
        assert text.startswith(f"'{name}' is no exported program, or damaged (")
        assert text.endswith("; give a .pt2 file that torch.export.save wrote")
        assert "\n" not in text
    with pytest.raises(InputError) as caught:
        load_program("absent.pt2")
    assert str(caught.value) == "there is no model file 'absent.pt2'; check the path"
