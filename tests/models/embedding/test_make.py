"""Which embeddings are made of what, by whom, and what is kept of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from models.embedding.embedding_worlds import image_table, png, stripes
from models.embedding.test_foreign import Means
from models.embedding.test_model_files import script, sentences

from credenza.data import open_source
from credenza.data.progress import watch
from credenza.errors import CredenzaError, UsageError
from credenza.models.embedding import Embedding, Request
from credenza.models.embedding import images as image_module
from credenza.models.embedding.make import Content, find_content
from credenza.models.embedding.network import LabelNetwork

TEXT = ["a film that one forgets"] * 3
FILES = pa.array([b"x"] * 3)


def content(table: dict[str, Any], /, **options: Any) -> Content:
    return find_content(open_source(pa.table(table)), Request(**options))


class Told:
    """A sink that keeps what is announced."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def start(self, label: str, total: int | None) -> None:
        """Nothing."""

    def advance(self, rows: int) -> None:
        """Nothing."""

    def done(self) -> None:
        """Nothing."""

    def announce(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of a few weights."""

    class Small(LabelNetwork):
        def __init__(self, **_: Any) -> None:
            super().__init__(width=2, depth=4, epochs=1, batch=16, device="cpu")

    monkeypatch.setattr(image_module, "SIDE", 8)
    monkeypatch.setattr("credenza.models.embedding.network.LabelNetwork", Small)


@pytest.mark.parametrize(
    ("columns", "options", "expected"),
    [
        ({"a": [1, 2, 3]}, {}, ("table", None)),
        ({"t": TEXT, "a": [1, 2, 3]}, {}, ("text", "t")),
        ({"t": TEXT, "i": FILES}, {}, ("images", "i")),
        ({"t": TEXT, "i": FILES}, {"how": "text"}, ("text", "t")),
        ({"t": TEXT, "i": FILES}, {"how": "table"}, ("table", None)),
        ({"t": TEXT, "i": FILES}, {"column": "t"}, ("text", "t")),
        ({"t": TEXT, "u": TEXT}, {"column": "u"}, ("text", "u")),
        ({"t": TEXT, "u": TEXT}, {"without": ("u",)}, ("text", "t")),
        ({"t": TEXT, "u": TEXT}, {"columns": ("t",)}, ("text", "t")),
        ({"w": ["a", "b", "c"]}, {"how": "text"}, ("text", "w")),
        ({"w": ["a", "b", "c"], "l": ["x"] * 3}, {"how": "text", "without": ("l",)}, ("text", "w")),
    ],
)
def test_content_is_found(columns: Any, options: Any, expected: tuple[str, str | None]) -> None:
    assert content(columns, **options) == Content(*expected)


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (
            {"t": TEXT, "u": TEXT},
            {},
            r"several columns may be the contents \('t', 'u'\); name one with --embed-col",
        ),
        ({"a": [1, 2, 3]}, {"how": "text"}, "no column of text was found to be the contents"),
        ({"t": TEXT}, {"how": "images"}, "no column of images was found to be the contents"),
        (
            {"t": TEXT},
            {"how": "images", "column": "t"},
            "--embed images was asked for, and 't' of .* holds text",
        ),
        (
            {"t": TEXT},
            {"how": "table", "column": "t"},
            "--embed table is made of all columns, and --embed-column",
        ),
        ({"t": TEXT}, {"column": "x"}, "--embed-column names 'x', which .* does not have; it has 't'"),
        (
            {"a": [1, 2, 3]},
            {"column": "a"},
            "--embed-column names 'a', which holds int64; name a column of texts",
        ),
        (
            {"s": pa.array([b"RIFF____WAVE"])},
            {},
            "holds sounds, which are not embedded here; give --embeddings",
        ),
    ],
)
def test_what_is_not_clear_is_asked(columns: Any, options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        content(columns, **options)
    assert "\n" not in str(caught.value)


def test_the_column_that_was_found_is_announced() -> None:
    sink = Told()
    with watch(sink):
        content({"t": TEXT, "a": [1, 2, 3]})
    assert sink.lines == ["embeddings are made of column 't'"]


def test_images_need_labels_or_a_model(tmp_path: Path) -> None:
    source = open_source(image_table(*stripes(4, 0)))
    with pytest.raises(
        UsageError, match=r"learnt from their labels: give --labels COL, or the path of a model"
    ):
        Embedding(source, Request("images"))
    model = script(tmp_path / "means.pt", Means())
    assert Embedding(source, Request(model)).suspect.values.shape == (4, 3)


def test_a_model_takes_one_kind_of_content(tmp_path: Path) -> None:
    model = script(tmp_path / "means.pt", Means())
    with pytest.raises(
        UsageError, match=r"means.pt takes images, and .* was found to hold a table; name a column of"
    ):
        Embedding(open_source(pa.table({"a": [1, 2]})), Request(model))
    with pytest.raises(UsageError, match=r"means.pt takes images, and .* was found to hold text"):
        Embedding(open_source(pa.table({"t": TEXT})), Request(model))
    with pytest.raises(CredenzaError, match="there is no such file or folder"):
        Embedding(open_source(pa.table({"t": TEXT})), Request(sentences(tmp_path / "s") / "x"))


@pytest.mark.usefixtures("quick")
def test_a_network_embeds_suspect_and_reference_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = stripes(40, 0)
    suspect = open_source(image_table(images, labels, row5=b"bad"))
    reference = open_source(image_table(*stripes(9, 1)))
    request = Request("auto", cache=tmp_path / "kept")
    first = Embedding(suspect, request, labels, seed=0)
    assert first.suspect.values.shape == (39, 4)
    assert first.suspect.losses is not None
    assert first.suspect.losses.shape == (39, 1)
    assert sorted(p.name.split("-")[0] for p in (tmp_path / "kept").iterdir()) == ["embeddings", "network"]

    def fails(*_: Any, **__: Any) -> Any:
        raise AssertionError("trained again")

    monkeypatch.setattr(LabelNetwork, "fit", fails)
    again = Embedding(suspect, request, labels, seed=0)
    assert (again.suspect.values == first.suspect.values).all()
    assert again.suspect.unreadable == first.suspect.unreadable
    known = again.reference(reference)  # by the network that was kept
    assert known is not None
    assert known.values.shape == (9, 4)
    assert known.losses is None
    with pytest.raises(AssertionError, match="trained again"):
        _ = Embedding(suspect, request, labels, seed=1).suspect
    with pytest.raises(AssertionError, match="trained again"):
        _ = Embedding(suspect, request, 1 - labels, seed=0).suspect


@pytest.mark.usefixtures("quick")
def test_a_kept_network_that_is_damaged_is_trained_again(tmp_path: Path) -> None:
    images, labels = stripes(40, 0)
    suspect, reference = open_source(image_table(images, labels)), open_source(image_table(*stripes(9, 1)))
    request = Request(cache=tmp_path / "kept")
    values = Embedding(suspect, request, labels, seed=0).suspect.values
    (network,) = (tmp_path / "kept").glob("network-*")
    (network / "weights.safetensors").write_bytes(b"cut")
    again = Embedding(suspect, request, labels, seed=0)
    assert (again.suspect.values == values).all()
    known = again.reference(reference)
    assert known is not None
    assert (network / "weights.safetensors").stat().st_size > 100


def test_a_reference_without_the_contents_is_announced() -> None:
    sink = Told()
    pytest.importorskip("sklearn", reason="embeds the texts")
    with watch(sink):
        made = Embedding(open_source(pa.table({"t": TEXT, "a": [1, 2, 3]})), Request("text"))
        assert (
            made.reference(open_source(pa.table({"a": [1]}, schema=pa.schema([("a", pa.int64())])))) is None
        )
    assert sink.lines[-1].endswith("has no column 't': embeddings are made of the suspect alone")


def test_a_folder_of_images_is_found(tmp_path: Path) -> None:
    for k, image in enumerate(stripes(2, 0)[0]):
        (tmp_path / f"{k}.png").write_bytes(png(np.asarray(image)))
    assert find_content(open_source(tmp_path), Request()) == Content("images", "image")
