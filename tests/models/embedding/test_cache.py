"""Embeddings that are kept: found again, made again where damaged, never half written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from credenza.data.features import Unreadable
from credenza.errors import UsageError
from credenza.models.embedding.base import Embedded
from credenza.models.embedding.cache import Cache

MADE = Embedded(
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.array([0, 2]),
    (Unreadable(1, "b.png", "image 'b.png' is cut"),),
    np.ones((2, 4), np.float32),
    "images",
    "net",
)
KEY = {"data": "0f", "seed": 1}


class Maker:
    """Counts how often it makes."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> Embedded:
        self.made += 1
        return MADE


def same(one: Embedded, two: Embedded) -> bool:
    assert two.rows is not None
    assert one.losses is not None
    arrays = ((one.values, two.values), (one.rows, two.rows), (one.losses, two.losses))
    equal = all(np.array_equal(a, b) for a, b in arrays if a is not None and b is not None)
    return equal and (one.unreadable, one.kind, one.name) == (two.unreadable, two.kind, two.name)


def test_an_entry_is_made_once(tmp_path: Path) -> None:
    maker = Maker()
    for _ in range(3):
        assert same(Cache(tmp_path / "kept").get(KEY, maker), MADE)
    assert maker.made == 1
    Cache(tmp_path / "kept").get({**KEY, "seed": 2}, maker)
    assert maker.made == 2
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_nothing_is_kept_without_a_folder() -> None:
    maker = Maker()
    cache = Cache(None)
    assert cache.get(KEY, maker) is MADE
    assert cache.place(KEY) is None
    cache.get(KEY, maker)
    assert maker.made == 2


@pytest.mark.parametrize("damage", ["cut", "absent", "flipped", "words", "schema", "empty"])
def test_what_is_damaged_is_made_again(damage: str, tmp_path: Path) -> None:
    maker, cache = Maker(), Cache(tmp_path)
    cache.get(KEY, maker)
    place = cache.place(KEY)
    assert place is not None
    values, about = place / "values.npy", place / "about.json"
    data = bytearray(values.read_bytes())
    if damage == "cut":
        values.write_bytes(data[:-3])
    elif damage == "absent":
        values.unlink()
    elif damage == "flipped":
        data[-1] ^= 1
        values.write_bytes(data)
    elif damage == "words":
        about.write_text("{")
    elif damage == "schema":
        about.write_text(json.dumps({"schema": "credenza.embeddings/0"}))
    else:
        about.write_text("[]")
    assert same(cache.get(KEY, maker), MADE)
    assert maker.made == 2
    assert same(cache.get(KEY, maker), MADE)
    assert maker.made == 2


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def fails() -> Embedded:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Cache(tmp_path).get(KEY, fails)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"--cache names .*, which is a file; give a folder"):
        Cache(tmp_path / "file")
    with pytest.raises(UsageError, match=r"--cache names .*, and there is no folder .*; create it first"):
        Cache(tmp_path / "absent" / "kept")
