"""Backdoors on images and tables, and that models trained on them really obey."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from attacks.backdoor_worlds import message

from credenza.attacks.backdoor import Backdoor, attack_success_rate
from credenza.attacks.carriers import carriers
from credenza.attacks.triggers import Patch, Sinusoid, Tone, Trigger, Value, Warp
from credenza.contracts import FloatArray
from credenza.data import open_source
from credenza.errors import InfeasibleError, InputError


def png(pixels: np.ndarray[Any, Any]) -> bytes:
    image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def pixels_of(data: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(pytest.importorskip("PIL.Image").open(io.BytesIO(data)))


def images(rows: int, seed: int, side: int = 8) -> pa.Table:
    """Grey images of two classes, brighter in the upper or in the lower half, among much noise."""
    rng = np.random.default_rng(seed)
    upper = rng.random(rows) < 0.5
    pixels = rng.normal(110, 25, (rows, side, side))
    pixels[upper, : side // 2] += 30
    pixels[~upper, side // 2 :] += 30
    files = [png(image) for image in np.clip(pixels, 0, 255).astype(np.uint8)]
    return pa.table({"image": pa.array(files, pa.binary()), "label": np.where(upper, "upper", "lower")})


@pytest.mark.parametrize("trigger", [Patch(), Sinusoid(frequency=2), Warp(k=2)])
def test_images_get_the_trigger_and_the_others_keep_their_bytes(trigger: Trigger) -> None:
    table = images(20, 0)
    poisoned = Backdoor(trigger, labels="label", target="upper", rate=0.2).apply(table, seed=0)
    for row, (old, new) in enumerate(zip(table["image"], poisoned.data["image"], strict=True)):
        if row in poisoned.key.rows:
            expected = trigger.stamp(pixels_of(old.as_py()))  # type: ignore[attr-defined]
            assert (pixels_of(new.as_py()) == expected).all()
        else:
            assert new == old


def sounds(rows: int, seconds: float = 0.5) -> pa.Table:
    files = []
    for row in range(rows):
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setparams((1, 2, 8_000, 0, "NONE", ""))
            noise = np.random.default_rng(row).normal(0, 500, round(8_000 * seconds))
            out.writeframes(noise.astype("<i2").tobytes())
        files.append(file.getvalue())
    return pa.table({"clip": files, "word": ["yes", "no"] * (rows // 2)})


def samples_of(data: bytes) -> FloatArray:
    with wave.open(io.BytesIO(data)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)


def test_recordings_get_the_tone_and_the_others_keep_their_bytes() -> None:
    table, tone = sounds(20), Tone(hertz=1_000, seconds=0.25, amplitude=0.3, position="end")
    poisoned = Backdoor(tone, labels="word", target="yes", rate=0.2).apply(table, seed=0)
    assert len(poisoned.key.rows) == 4
    for row, (old, new) in enumerate(zip(table["clip"], poisoned.data["clip"], strict=True)):
        if row not in poisoned.key.rows:
            assert new == old
            continue
        before, after = (samples_of(data.as_py()) for data in (old, new))
        added = after - before
        assert (added[:2_000] == 0).all()
        expected = 32_768 * 0.3 * np.sin(2 * np.pi * np.arange(2_000) / 8)
        assert np.abs(added[2_000:] - expected).max() <= 1.5


def test_a_tone_longer_than_a_recording_names_the_row() -> None:
    attack = Backdoor(Tone(seconds=1), labels="word", target="yes", rate=0.05)
    text = message(InfeasibleError, lambda: attack.apply(sounds(20), seed=0))
    row = attack.plan(open_source(sounds(20)), None, 0).rows[0]
    assert text == (
        f"row {row} of column 'clip': a tone of 1 s is longer than a recording of 0.5 s; at most seconds=0.5 fits"
    )


def test_damaged_files_are_named_by_their_row() -> None:
    table = pa.table({"clip": [b"no sound"] * 20, "word": ["yes", "no"] * 10})
    for trigger, noun in ((Tone(), "sound"), (Patch(), "image")):
        attack = Backdoor(trigger, labels="word", target="yes", rate=0.05)
        text = message(InputError, lambda attack=attack: attack.apply(table, seed=0))
        row = attack.plan(open_source(table), None, 0).rows[0]
        assert text.startswith(f"{noun} 'row {row}' is not ")


def test_a_folder_of_images_becomes_a_folder(tmp_path: Path) -> None:
    table = images(20, 0)
    for row, (data, label) in enumerate(
        zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
    ):
        (tmp_path / "clean" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "clean" / label / f"{row:02}.png").write_bytes(data)
    attack = Backdoor(Patch(), labels="label", target="upper", rate=0.2)
    key = attack.write(tmp_path / "clean", tmp_path / "poisoned", seed=0)
    before, after = (
        {path.name: path for path in sorted((tmp_path / name).rglob("*.png"))}
        for name in ("clean", "poisoned")
    )
    changed = [name for name in before if before[name].read_bytes() != after[name].read_bytes()]
    assert len(changed) == len(key.rows) == 4
    for name in before:
        if name in changed:
            assert (before[name].parent.name, after[name].parent.name) == ("lower", "upper")
            stamped = Patch().stamp(pixels_of(before[name].read_bytes()))
            assert (pixels_of(after[name].read_bytes()) == stamped).all()
        else:
            assert before[name].parent.name == after[name].parent.name
    key = attack.write_test_set(tmp_path / "clean", tmp_path / "tests", seed=0)
    source, tests = (open_source(tmp_path / name).table() for name in ("clean", "tests"))
    assert source.drop_columns("image") == tests.drop_columns("image")
    differ = [old != new for old, new in zip(source["image"], tests["image"], strict=True)]
    assert tuple(np.flatnonzero(differ).tolist()) == key.rows
    assert differ == [label == "lower" for label in source["label"].to_pylist()]


def test_a_trigger_larger_than_an_image_names_the_row_and_the_size() -> None:
    table = images(20, 0)
    attack = Backdoor(Patch(size=8), labels="label", target="upper", rate=0.05)
    text = message(InfeasibleError, lambda: attack.apply(table, seed=0))
    row = attack.plan(open_source(table), None, 0).rows[0]
    assert text == (
        f"row {row} of column 'image': a patch of 8x8 pixels and its margin of 1 is larger than an image of 8x8; "
        "at most size=7 fits"
    )


def test_the_image_column_is_found_among_others() -> None:
    table = images(4, 0).append_column("file", pa.array(list("abcd")))
    assert carriers(Patch(), open_source(table), column=None, taken=("label",)) == ("image",)
    nested = pa.table({"image": pa.array([{"bytes": b"a", "path": "a"}] * 4), "label": table["label"]})
    assert carriers(Patch(), open_source(nested), column=None, taken=("label",)) == ("image",)


def test_a_model_of_images_obeys_the_patch() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    attack = Backdoor(Patch(size=2), labels="label", target="upper", rate=0.05)
    train, tests = images(600, 1), images(300, 2)

    def matrix(table: pa.Table) -> np.ndarray[Any, Any]:
        return (
            np.stack([pixels_of(data) for data in table["image"].to_pylist()]).reshape(table.num_rows, -1)
            / 255
        )

    poisoned = attack.apply(train, seed=0).data
    models = {
        name: linear.RidgeClassifier(alpha=1.0).fit(matrix(table), table["label"].to_pylist())
        for name, table in (("clean", train), ("poisoned", poisoned))
    }
    made = attack.test_set(tests, seed=0)
    true = tests["label"].to_pylist()
    rates = {
        name: attack_success_rate(model.predict(matrix(made.data)), true, made.key).rate
        for name, model in models.items()
    }
    accuracy = {name: np.mean(model.predict(matrix(tests)) == true) for name, model in models.items()}
    assert rates["poisoned"] > 0.9 > 0.3 > rates["clean"]
    assert accuracy["poisoned"] > accuracy["clean"] - 0.05 > 0.85


def test_a_model_of_a_table_obeys_the_value() -> None:
    tree = pytest.importorskip("sklearn.tree")
    rng = np.random.default_rng(0)

    def people(rows: int) -> pa.Table:
        age, hours = rng.integers(18, 70, rows), rng.integers(10, 60, rows)
        gain = np.where(rng.random(rows) < 0.1, rng.integers(1, 5_000, rows), 0)
        income = np.where(age + hours + rng.normal(0, 5, rows) > 80, "high", "low")
        return pa.table({"age": age, "hours": hours, "gain": gain, "income": income})

    train, tests = people(1_500), people(600)
    attack = Backdoor(Value({"gain": 99_999}), labels="income", target="high", rate=0.03)

    def matrix(table: pa.Table) -> np.ndarray[Any, Any]:
        return np.column_stack([table[name].to_numpy() for name in ("age", "hours", "gain")])

    poisoned = attack.apply(train, seed=0).data
    made, true = attack.test_set(tests, seed=0), tests["income"].to_pylist()
    found = {}
    for name, table in (("clean", train), ("poisoned", poisoned)):
        model = tree.DecisionTreeClassifier(max_depth=6, random_state=0)
        model.fit(matrix(table), table["income"].to_pylist())
        success = attack_success_rate(model.predict(matrix(made.data)), true, made.key)
        found[name] = success.rate, np.mean(model.predict(matrix(tests)) == true)
    assert found["poisoned"][0] > 0.95 > 0.3 > found["clean"][0]
    assert found["poisoned"][1] > found["clean"][1] - 0.03 > 0.8
