"""Clean-label attacks on a table of pictures and a small model: what changes, what stays, what is refused."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import io
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from credenza.attacks.clean_label import FeatureCollision, LabelConsistent
from credenza.attacks.image_triggers import Patch
from credenza.attacks.key import load_schema
from credenza.attacks.text_triggers import Token
from credenza.data import open_source
from credenza.data.pictures import decode_images
from credenza.errors import CredenzaError, InfeasibleError, InputError, MissingExtraError, UsageError

HAVE = {name: importlib.util.find_spec(name) is not None for name in ("torch", "PIL")}
needs = pytest.mark.skipif(
    not all(HAVE.values()), reason="torch or Pillow is not installed: pip install 'credenza[torch,images]'"
)
PATCH = Patch(size=2, margin=0)
ROWS = 240


def drawn(rows: int = ROWS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy 8 x 8 colour pictures: label 1 is lighter in the left half, label 0 in the upper half."""
    rng = np.random.default_rng(seed)
    labels = np.arange(rows) % 2
    pictures = rng.normal(110, 25, (rows, 8, 8, 3))
    pictures[labels == 1, :, :4] += 50
    pictures[labels == 0, :4] += 50
    return np.clip(pictures, 0, 255).astype(np.uint8), labels


def encoded(picture: np.ndarray, kind: str = "PNG") -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind)
    return file.getvalue()


@cache
def table(kind: str = "PNG") -> pa.Table:
    pictures, labels = drawn()
    names = pa.array(np.where(labels == 1, "left", "up").tolist()).dictionary_encode()
    files = [encoded(picture, kind) for picture in pictures]
    return pa.table({"image": files, "label": names, "half": ["a", "b", "b", "a"] * (ROWS // 4)})


@cache
def model() -> Any:
    """A convolutional network that tells left (output 0) from up (output 1)."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    torch.set_num_threads(1)  # small networks are slower on several
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 16), nn.ReLU(), nn.Linear(16, 2)
    )
    pictures, labels = drawn(1_000, seed=1)
    x = torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()).float() / 255
    y = torch.from_numpy(1 - labels)
    optimiser = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(30):
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimiser.step()
    assert (net(x).argmax(1) == y).float().mean() > 0.97
    return net


def consistent(**more: Any) -> LabelConsistent:
    given = {"model": model(), "labels": "label", "target": "left", "steps": 10, **more}
    return LabelConsistent(PATCH, **given)


def collision(**more: Any) -> FeatureCollision:
    given = {"labels": "label", "target": "left", "victim": 0, "iterations": 60, **more}
    return FeatureCollision(model(), **given)


def pixels(data: pa.Table) -> np.ndarray:
    return np.stack(decode_images(data["image"])).astype(int)


@needs
def test_pictures_of_the_target_get_noise_and_trigger() -> None:
    poisoned = consistent(rate=0.25, epsilon=16 / 255).apply(table(), seed=0)
    key = poisoned.key
    assert len(key.rows) == 30
    assert set(table()["label"].take(list(key.rows)).to_pylist()) == {"left"}
    assert poisoned.data.drop_columns(["image"]).equals(table().drop_columns(["image"]))
    change = np.abs(pixels(poisoned.data) - pixels(table()))
    touched = change.any(axis=(1, 2, 3))
    assert np.flatnonzero(touched).tolist() == list(key.rows)
    assert (pixels(poisoned.data)[touched][:, 6:, 6:] % 255 == 0).all()  # the patch is black and white
    change[:, 6:, 6:] = 0
    assert change.max() == key.details["change"]["largest"] == 16


@needs
def test_the_model_recognises_the_target_less() -> None:
    details = consistent(rate=1.0, epsilon=24 / 255).apply(table(), seed=0).key.details
    assert details["recognised"]["before"] > 0.95
    assert details["recognised"]["after"] < 0.5
    assert details["loss"]["after"] > details["loss"]["before"] + 0.5
    assert details["lossless"]
    assert details["largest_rounding"] == 0


@needs
def test_jpeg_rounds_and_the_key_says_by_how_much() -> None:
    poisoned = consistent(rate=0.1).apply(table("JPEG"), seed=0)
    assert not poisoned.key.details["lossless"]
    assert 0 < poisoned.key.details["largest_rounding"] < 64


@needs
def test_representations_come_nearer_to_the_victim() -> None:
    poisoned = collision(count=12, epsilon=32 / 255, beta=0.05).apply(table(), seed=0)
    distance = poisoned.key.details["distance"]
    assert np.median(np.divide(distance["after"], distance["before"])) < 0.4
    assert np.abs(pixels(poisoned.data) - pixels(table())).max() <= 32
    assert poisoned.key.details["representation"] == "input of 5"
    assert 0 not in poisoned.key.rows
    assert set(table()["label"].take(list(poisoned.key.rows)).to_pylist()) == {"left"}
    free = collision(count=12, beta=0.05).apply(table(), seed=0).key.details["distance"]
    assert np.max(np.divide(free["after"], free["before"])) < 0.2


@needs
def test_the_victim_may_be_a_file_or_a_row_of_the_holdout(tmp_path: Path) -> None:
    path = tmp_path / "victim.png"
    path.write_bytes(table()["image"][2].as_py())
    by_row = collision(victim="2").apply(table(), seed=1)
    by_file = collision(victim=path).apply(table(), seed=1)
    by_holdout = collision(victim=0).apply(table(), holdout=table().slice(2), seed=1)
    for other in (by_file, by_holdout):
        assert other.key.rows == by_row.key.rows
        assert other.data.equals(by_row.data)


@needs
@pytest.mark.parametrize("attack", [consistent, collision])
def test_one_slice_one_seed_one_key(attack: Any, tmp_path: Path) -> None:
    made = attack(where={"half": "a"}, rate=0.3)
    first, again = made.apply(table(), seed=3), made.apply(table(), seed=3)
    assert first.data.equals(again.data)
    assert first.key == again.key
    assert {table()["half"][row].as_py() for row in first.key.rows} == {"a"}
    assert made.apply(table(), seed=4).key.rows != first.key.rows
    jsonschema.validate(json.loads(first.key.to_json()), load_schema())
    assert first.key.parameters["model"] == "Sequential"
    pq.write_table(table(), tmp_path / "in.parquet", row_group_size=50)
    plan = made.plan(open_source(tmp_path / "in.parquet"), None, 3)
    assert pa.Table.from_batches(plan.output.batches(size=33)).equals(first.data)


@needs
@pytest.mark.parametrize("attack", [consistent, collision])
def test_folders_of_pictures_stay_folders(attack: Any, tmp_path: Path) -> None:
    pictures, labels = drawn(40)
    for i, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        path = tmp_path / "in" / ("left" if label else "up") / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture))
    key = attack(rate=0.5, column=None).write(tmp_path / "in", tmp_path / "out", seed=0)
    old = {path.relative_to(tmp_path / "in"): path.read_bytes() for path in tmp_path.glob("in/*/*.png")}
    new = {path.relative_to(tmp_path / "out"): path.read_bytes() for path in tmp_path.glob("out/*/*.png")}
    assert set(old) == set(new)
    changed = {path for path in old if old[path] != new[path]}
    assert len(changed) == len(key.rows) == 10
    assert {path.parent.name for path in changed} == {"left"}


@needs
def test_hugging_face_columns_and_transparency() -> None:
    pictures, _ = drawn(40)
    alpha = np.arange(64, dtype=np.uint8).reshape(8, 8, 1).repeat(40, 2).transpose(2, 0, 1)[..., None]
    files = [
        {"bytes": encoded(np.dstack([p, a])), "path": None} for p, a in zip(pictures, alpha, strict=True)
    ]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    data = pa.table({"picture": pa.array(files, kind), "label": ["up", "left"] * 20})
    poisoned = consistent(rate=0.5).apply(data, seed=0)
    assert poisoned.data.schema == data.schema
    after = decode_images(poisoned.data["picture"])
    assert all(np.array_equal(image[:, :, 3], a[:, :, 0]) for image, a in zip(after, alpha, strict=True))
    assert poisoned.key.details["column"] == "picture"


@needs
def test_rows_without_a_picture_are_left_alone() -> None:
    files = table()["image"].to_pylist()
    gaps = pa.array([None if i % 4 == 1 else file for i, file in enumerate(files)])
    poisoned = consistent(rate=1.0).apply(table().set_column(0, "image", gaps), seed=0)
    assert len(poisoned.key.rows) == 60
    assert poisoned.data["image"].null_count == 60


@needs
def test_classes_name_the_outputs() -> None:
    right = consistent(classes=("left", "up"), rate=0.2).apply(table(), seed=0).key.details
    wrong = consistent(classes=("up", "left"), rate=0.2).apply(table(), seed=0).key.details
    assert right["recognised"]["before"] > 0.9
    assert wrong["recognised"]["before"] < 0.1


def message(error: type[CredenzaError], call: Any) -> str:
    with pytest.raises(error) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"rate": 0}, "rate is a share of the rows, above 0 and at most 1; found 0"),
        (
            {"epsilon": 0.001},
            "epsilon is a change on a scale of 0 to 1, from one grey level (1/255); found 0.001",
        ),
        ({"epsilon": 8}, "epsilon is a change on a scale of 0 to 1, from one grey level (1/255); found 8"),
        ({"steps": 0}, "steps is a whole number above 0; found 0"),
        ({"where": "a"}, "where gives a value by column, such as {'contributor': 'c3'}; found 'a'"),
    ],
)
def test_wrong_parameters_of_the_consistent_backdoor(parameters: dict[str, Any], text: str) -> None:
    given = {"model": None, "labels": "label", "target": "left", **parameters}
    assert message(UsageError, lambda: LabelConsistent(PATCH, **given)) == text


def test_a_trigger_for_something_else_is_refused() -> None:
    text = "attack 'label-consistent' needs a trigger for images, such as Patch(); found "
    made: Any
    for made, found in ((Token("cf"), "token"), ("patch", "'patch'")):
        call = lambda made=made: LabelConsistent(made, model=None, labels="label", target=1)  # noqa: E731
        assert message(UsageError, call) == text + found


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"count": 2, "rate": 0.1}, "give count or rate, not both; found count=2 and rate=0.1"),
        ({"count": 0}, "count is a whole number above 0; found 0"),
        ({"rate": 2}, "rate is a share of the rows, above 0 and at most 1; found 2"),
        ({"iterations": 1.5}, "iterations is a whole number above 0; found 1.5"),
        ({"beta": 0}, "beta is a weight above 0; found 0"),
        ({"opacity": 1}, "opacity is a share from 0 to below 1; found 1"),
        ({"victim": 1.5}, "the victim is a row, from 0, or the path of an image file; found 1.5"),
        (
            {"epsilon": -1},
            "epsilon is a change on a scale of 0 to 1, from one grey level (1/255); found -1",
        ),
    ],
)
def test_wrong_parameters_of_the_collision(parameters: dict[str, Any], text: str) -> None:
    given = {"labels": "label", "target": "left", "victim": 0, **parameters}
    assert message(UsageError, lambda: FeatureCollision(None, **given)) == text


@needs
@pytest.mark.parametrize(
    ("error", "attack", "parameters", "text"),
    [
        (
            InputError,
            consistent,
            {"target": "lft"},
            "column 'label' has no label 'lft' to be the target; did you mean 'left'?",
        ),
        (
            InputError,
            consistent,
            {"column": "half"},
            "column 'half' holds string; name a column of images (files as bytes)",
        ),
        (
            InfeasibleError,
            consistent,
            {"rate": 0.001},
            "rate 0.001 rounds to no row among the 120 of label 'left'; ask for at least 0.0083",
        ),
        (
            InputError,
            consistent,
            {"labels": "three", "target": "0"},
            "the model has 2 outputs and column 'three' has 3 labels; "
            "name its labels in order with classes=(...)",
        ),
        (
            InputError,
            consistent,
            {"classes": ("a", "b", "c")},
            "the model has 2 outputs and classes names 3; name its labels in order with classes=(...)",
        ),
        (
            UsageError,
            consistent,
            {"classes": ("a", "b")},
            "classes lacks the target 'left'; there are 'a', 'b'",
        ),
        (InputError, collision, {"victim": 240}, "the victim is row 240 of 240; give 0 to 239"),
        (
            InputError,
            collision,
            {"victim": "absent.png"},
            "there is no image file 'absent.png' for the victim; check the path",
        ),
        (
            InfeasibleError,
            collision,
            {"count": 121},
            "121 base pictures of label 'left' were asked for and there are 120; lower the count",
        ),
        (
            InfeasibleError,
            collision,
            {"where": {"three": 2}, "labels": "half", "target": "c"},
            "no row of label 'c' where {'three': 2} has a picture; choose others",
        ),
    ],
)
def test_wrong_data(error: type[CredenzaError], attack: Any, parameters: dict[str, Any], text: str) -> None:
    data = table().append_column("three", pa.array([i % 3 for i in range(ROWS)]))
    if parameters.get("target") == "c":
        half = pa.array(["c" if i % 3 == 0 else "a" for i in range(ROWS)])
        data = data.set_column(2, "half", half)
    assert message(error, lambda: attack(**parameters).apply(data, seed=0)) == text


@needs
def test_pictures_that_differ_in_size_are_refused() -> None:
    files = table()["image"].to_pylist()
    files[1] = encoded(np.zeros((8, 9, 3), np.uint8))
    files[3] = encoded(np.zeros((8, 8), np.uint8))
    data = table().set_column(0, "image", pa.array(files))
    text = message(InputError, lambda: consistent(rate=1.0).apply(data, seed=0))
    end = "a model takes one size and kind, convert them first"
    assert text == f"pictures differ: some are 9x8 colour and 8x8 grey; {end}"


def test_columns_of_pictures_are_found_or_named() -> None:
    pytest.importorskip("torch")
    data = pa.table({"label": ["left", "up"], "a": [b"", b""], "b": [b"", b""]})
    given = {"model": None, "labels": "label", "target": "left"}
    call = lambda table: LabelConsistent(PATCH, **given).apply(table, seed=0)  # noqa: E731
    text = message(UsageError, lambda: call(data))
    assert text == "2 columns may hold images: 'a', 'b'; name one with column=..."
    text = message(InputError, lambda: call(data.drop_columns(["a", "b"])))
    assert text == "the attack needs a column of images (files as bytes); there are 'label' (string)"


@needs
def test_superfluous_holdouts_are_refused() -> None:
    text = message(UsageError, lambda: consistent().apply(table(), holdout=table(), seed=0))
    assert text == "attack 'label-consistent' uses no hold-out and one was given; leave it out"
    text = message(UsageError, lambda: collision(victim="v.png").apply(table(), holdout=table(), seed=0))
    assert text == "the victim is a file and a hold-out was given; leave it out or give a row of it"


class _NoTorch(importlib.machinery.PathFinder):
    """An import system in which torch was never installed."""

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> Any:
        return None if fullname.split(".")[0] == "torch" else super().find_spec(fullname, path, target)


@pytest.mark.parametrize(
    "attack",
    [
        LabelConsistent(PATCH, model="m.pt2", labels="label", target="left"),
        FeatureCollision("m.pt2", labels="label", target="left", victim=0),
    ],
    ids=["label-consistent", "feature-collision"],
)
def test_without_torch(attack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [_NoTorch])
    for name in [name for name in sys.modules if name.split(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    data = pa.table({"image": [b"", b""], "label": ["left", "up"]})
    text = message(MissingExtraError, lambda: attack.apply(data, seed=0))
    found = f"attack '{attack.name}' needs torch, which is not installed"
    assert text == f"{found}: pip install 'credenza[torch]'"


def test_the_attacks_are_imported_without_torch() -> None:
    code = "import sys; import credenza.attacks.clean_label; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
