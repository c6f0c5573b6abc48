"""Saved models as checkpoints: what they say of images, and which cannot be asked."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import credenza
from credenza.contracts import Verdict
from credenza.errors import CredenzaError

pytest.importorskip("torch")
Image = pytest.importorskip("PIL.Image")

ROWS = 80
BRIGHT, FRAMED = np.arange(ROWS) % 2 == 1, np.arange(ROWS) % 4 > 1


def pixels() -> np.ndarray:
    """Dark and bright images, half of each framed in red."""
    made = np.full((ROWS, 8, 8, 3), 60, np.uint8) + (120 * BRIGHT).astype(np.uint8)[:, None, None, None]
    made[FRAMED, :2] = (250, 0, 0)
    return made


def images(**columns: np.ndarray) -> pa.Table:
    files = []
    for picture in pixels():
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "PNG")
        files.append(file.getvalue())
    return pa.table({"image": files, **columns})


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A classifier that reads both attributes, and one that takes the frame for the brightness."""
    from credenza.models.classifier import AttributeClassifier

    folder = tmp_path_factory.mktemp("readers")
    for name, second in (("apart", FRAMED), ("one", BRIGHT)):
        both = np.stack([BRIGHT, second], axis=1)
        model = AttributeClassifier(width=4, depth=8, steps=60, batch=32, device="cpu")
        model.fit(pixels(), both, ["bright", "framed"], seed=0).save(folder / name)
    return folder / "apart", folder / "one"


def test_attribute_classifiers_are_run_and_their_pairs_followed(readers: tuple[Path, Path]) -> None:
    data = images(bright=BRIGHT, framed=FRAMED)
    given: dict[str, Any] = {"labels": "framed", "data": data, "pairs": [("bright", "framed")]}
    assert credenza.compare([readers[0], readers[0]], **given).verdict is Verdict.CLEAR
    found = credenza.compare(readers, **given)
    kinds = {finding.details["kind"]: finding for finding in found.outcomes[0].findings}
    assert (kinds["pair"].effect or 0.0) > 0.08
    assert (kinds["whole"].effect or 0.0) < -0.2


def test_what_a_model_cannot_be_asked_is_one_line(readers: tuple[Path, Path], tmp_path: Path) -> None:
    from credenza.models.store import write_model

    thirds = np.array(["a", "b", "c"])[np.arange(ROWS) % 3]
    data = images(bright=BRIGHT, smile=BRIGHT, framed=thirds)
    write_model(tmp_path / "other", "pixel-codec", {}, {"x": np.zeros(1)})
    for model, labels, column, message in (
        (readers[0], "smile", None, "does not predict 'smile': it predicts 'bright', 'framed'"),
        (readers[0], "framed", None, "has 3 classes; an attribute has two, such as 0 and 1"),
        (readers[0], "bright", "picture", "--images names 'picture', which"),
        (
            tmp_path / "other",
            "bright",
            None,
            "holds a model of kind 'pixel-codec'; compare takes 'label-network'",
        ),
    ):
        with pytest.raises(CredenzaError) as caught:
            credenza.compare([model, model], labels=labels, data=data, images=column)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_network_of_other_classes_is_refused(tmp_path: Path) -> None:
    from credenza.models.embedding.network import LabelNetwork

    model = LabelNetwork(width=2, depth=4, batch=40, epochs=1, device="cpu")
    model.fit(pixels(), np.arange(ROWS) % 3, seed=0).save(tmp_path / "three")
    with pytest.raises(CredenzaError, match="tells 3 classes apart, and 'bright' of Arrow table has 2"):
        credenza.compare([tmp_path / "three"] * 2, labels="bright", data=images(bright=BRIGHT))


def test_an_unreadable_image_is_refused(readers: tuple[Path, Path]) -> None:
    data = images(bright=BRIGHT)
    broken = data.set_column(0, "image", [[b"no image", *data["image"].to_pylist()[1:]]])
    with pytest.raises(CredenzaError, match="1 test images of Arrow table cannot be read"):
        credenza.compare([readers[0]] * 2, labels="bright", data=broken, images="image")
