"""Contributors of images: a network is trained without each of them."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest

from credenza.errors import InputError
from credenza.report import blaming

KINDS = np.array(["dark", "light"])
EACH = 20


def test_a_network_of_images_suspects_who_flips_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    images = pytest.importorskip("PIL.Image")
    monkeypatch.setattr(blaming, "SIDE", 8)
    rng = np.random.default_rng(0)

    def table(light: np.ndarray, labels: np.ndarray) -> pa.Table:
        files = []
        for value in light:
            file = io.BytesIO()
            noise = rng.integers(0, 40, (8, 8, 3))
            images.fromarray((60 + 120 * value + noise).astype(np.uint8)).save(file, "PNG")
            files.append(file.getvalue())
        return pa.table({"image": files, "kind": KINDS[labels]})

    who = np.repeat([*"abcde"], EACH)
    light = np.arange(len(who)) % 2
    train = table(light, np.where(who == "d", 1 - light, light)).append_column("who", pa.array(who))
    bright = np.arange(60) % 2
    found = blaming.leave_one_out(
        train, slices="who", labels="kind", test=table(bright, bright), model="images"
    )
    (outcome,) = found.outcomes
    named = {finding.subject[0] for finding in outcome.findings}
    assert named == {"d"} or (not named and "the most suspicious is d" in outcome.reason)
    assert found.result.settings["model"] == "images"
    assert found.result.settings["parts"] == 0


def test_few_test_rows_are_one_line() -> None:
    rows = {"x": [0.0, 1.0] * 50, "kind": ["a", "b"] * 50, "who": ["p", "p", "q", "q"] * 25}
    table = pa.table(rows)
    with pytest.raises(InputError, match=r"has 12 rows; 20 trusted test rows or more tell who harms$"):
        blaming.leave_one_out(table, slices="who", labels="kind", test=table.slice(0, 12), seed=0)
