from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from media_sounds import wav
from PIL import Image

from credenza.data.features import (
    GraphOptions,
    ImageOptions,
    Recipe,
    SoundOptions,
    TextOptions,
    image_features,
    image_names,
    read_recipe,
    write,
    write_features,
)
from credenza.errors import InputError, UsageError

REVIEWS = pa.table(
    {
        "id": [f"r{i}" for i in range(6)],
        "text": [
            "A good plot with a good cast.",
            "The plot was bad, not good at all.",
            None,
            "What a cast this film has got!",
            "Bad film, bad cast, and no plot.",
            "A film to forget, not at all bad.",
        ],
        "label": pa.array(["pos", "neg", "neg", "pos", "neg", "pos"]).dictionary_encode(),
        "scores": [[1.0]] * 6,
    }
)


def png(seed: int, side: int = 6) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


def bomb() -> bytes:
    """A PNG of some hundred bytes that says it has 30,000 x 30,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


def folder_of(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def test_texts_with_labels_and_a_missing_one(tmp_path: Path) -> None:
    out = tmp_path / "f.parquet"
    done = write_features(REVIEWS, out, TextOptions(min_share=0.4, phrases=("not at all",)), column="text")
    table = pq.read_table(out)
    assert (done.kind, done.rows, done.carried) == ("text", 5, ("id", "label"))
    assert done.left_out.keys() == {"scores"}
    assert done.columns == ("words", "word:bad", "word:cast", "word:film", "word:plot", "word:all",
                            "word:at", "word:good", "word:not", "phrase:not at all")  # fmt: skip
    assert table.column_names == ["id", "label", *done.columns]
    assert table["id"].to_pylist() == ["r0", "r1", "r3", "r4", "r5"]
    assert table["phrase:not at all"].to_pylist() == [False, False, False, False, True]
    assert table["words"].to_pylist() == [7, 8, 7, 7, 8]
    (left,) = done.unreadable
    assert (left.row, left.name, left.reason) == (2, "row 2", "text 'row 2' is missing; leave such rows out")


def test_like_measures_the_same_words(tmp_path: Path) -> None:
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    done = write_features(REVIEWS, first, TextOptions(min_share=0.4), column="text")
    other = pa.table({"review": ["Nothing of the kind was good here", "the plot thickens a bit too much"]})
    again = write_features(other, second, like=first)
    assert again.columns == done.columns
    table = pq.read_table(second)
    assert table["word:good"].to_pylist() == [True, False]
    assert table["word:plot"].to_pylist() == [False, True]
    assert read_recipe(second) == read_recipe(first)


def test_groups_of_rows_do_not_change_the_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "f.parquet"
    options = TextOptions(min_share=0.4)
    write_features(REVIEWS, out, options, column="text")
    whole = pq.read_table(out)
    monkeypatch.setattr("credenza.data.features.contents.TEXT_ROWS", 2)
    for rows, groups in ((1, 3), (3, 2), (100, 1)):
        monkeypatch.setattr(write, "GROUP_ROWS", rows)
        write_features(REVIEWS, out, options, column="text")
        assert pq.read_table(out).equals(whole)
        assert pq.read_metadata(out).num_row_groups == groups


def test_a_folder_of_images_with_damaged_ones(tmp_path: Path) -> None:
    files = {f"{label}/{i}.png": png(i) for label in ("cat", "dog") for i in range(3)}
    files |= {"cat/bomb.png": bomb(), "dog/cut.png": png(9)[:-30], "dog/not.png": b"no image"}
    folder = folder_of(tmp_path / "photos", files)
    out = tmp_path / "f.parquet"
    done = write_features(folder, out)
    table = pq.read_table(out)
    assert table["file"].to_pylist() == [f"{label}/{i}.png" for label in ("cat", "dog") for i in range(3)]
    assert table["label"].to_pylist() == ["cat"] * 3 + ["dog"] * 3
    pixels = np.asarray(Image.open(io.BytesIO(png(1))))
    found = [table[name][1].as_py() for name in image_names(2)]
    np.testing.assert_allclose(found, image_features(pixels, 2))
    assert [(item.row, item.name) for item in done.unreadable] == [
        (3, "cat/bomb.png"),
        (7, "dog/cut.png"),
        (8, "dog/not.png"),
    ]
    assert all("\n" not in item.reason and item.name in item.reason for item in done.unreadable)
    assert "has more than 67,108,864 pixels" in done.unreadable[0].reason


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="the superuser reads every file")
def test_a_file_that_may_not_be_read_costs_its_row(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "photos", {"1.png": png(1), "2.png": png(2)})
    (folder / "2.png").chmod(0)
    (left,) = write_features(folder, tmp_path / "f.parquet").unreadable
    assert left.reason == "file '2.png' cannot be read (permission denied); check it, or leave it out"


def test_a_link_that_broke_costs_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(tmp_path / "photos", {"1.png": png(1), "2.png": png(2)})
    from credenza.data.sources import open_source

    source = open_source(folder)
    (folder / "2.png").unlink()
    (left,) = write_features(source, tmp_path / "f.parquet").unreadable
    assert left.reason == "file '2.png' cannot be read (no such file or directory); check it, or leave it out"


def test_images_in_a_table(tmp_path: Path) -> None:
    structs = pa.array([{"bytes": png(0), "path": "a.png"}, {"bytes": b"?", "path": None}, None])
    table = pa.table({"image": structs, "smiling": [True, False, True]})
    done = write_features(table, tmp_path / "f.parquet", ImageOptions(grid=1))
    assert [item.name for item in done.unreadable] == ["row 1", "row 2"]
    assert pq.read_table(tmp_path / "f.parquet").column_names == ["smiling", *image_names(1)]
    with pytest.raises(
        InputError, match=r"^none of the 2 images could be read; the first: image 'row 0' is not"
    ):
        write_features(pa.table({"image": [b"?", b"!"]}), tmp_path / "g.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["f.parquet"]


def test_sounds_in_a_folder_and_in_a_table(tmp_path: Path) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(4_000) / 8_000)
    files = {"a.wav": wav(tone, 8_000), "b.wav": b"RIFF", "c.wav": wav(0 * tone, 8_000)}
    folder = folder_of(tmp_path / "sounds", files)
    done = write_features(folder, tmp_path / "f.parquet", SoundOptions(bands=(300.0, 600.0)))
    found = pq.read_table(tmp_path / "f.parquet")
    assert found["file"].to_pylist() == ["a.wav", "c.wav"]
    assert found["band:300-600"].to_pylist() == [pytest.approx(-3.01, abs=0.05), -120]
    assert [item.name for item in done.unreadable] == ["b.wav"]
    table = pa.table({"sound": [None, files["a.wav"]]})
    again = write_features(table, tmp_path / "g.parquet", like=tmp_path / "f.parquet")
    assert (again.kind, again.columns, again.rows) == ("sounds", done.columns, 1)


def test_columns_to_carry_are_chosen(tmp_path: Path) -> None:
    options = TextOptions(min_share=0.4)
    done = write_features(REVIEWS, tmp_path / "f.parquet", options, column="text", carry=["label"])
    assert (done.carried, done.left_out) == (("label",), {})
    assert write_features(REVIEWS, tmp_path / "f.parquet", options, column="text", carry=[]).carried == ()


LIKE_IMAGES = Recipe("images", {"grid": 2})


@pytest.mark.parametrize(
    ("data", "options", "more", "line"),
    [
        (REVIEWS, None, {"column": "texts"}, "has no column 'texts'; did you mean 'text'?"),
        (REVIEWS, None, {"column": "scores"}, "column 'scores' holds list<"),
        (REVIEWS, None, {"carry": ["texts"]}, "has no column 'texts' to carry along; it has 'id', 'text'"),
        (REVIEWS, None, {"carry": ["scores"]}, "column 'scores' cannot be carried along: it holds contents"),
        (
            REVIEWS,
            ImageOptions(),
            {},
            "the data is of text and the options are for images; leave them out, or give other",
        ),
        (REVIEWS, TextOptions(), {"like": LIKE_IMAGES}, "a table to be like settles what is measured"),
        (REVIEWS, None, {"like": LIKE_IMAGES}, "the table to be like is of images and the data is of text;"),
        (
            REVIEWS,
            None,
            {"like": Recipe("text", {"terms": 1})},
            "has a damaged record .*(terms is 1); write it",
        ),
        (REVIEWS, None, {"like": Recipe("graph", {})}, "the table to be like is of a graph; name the nodes"),
        (
            pa.table({"words": [1, 2], "text": ["one two three four"] * 2}),
            TextOptions(max_share=1),
            {},
            "column 'words' of the data is named like a feature; rename it, or carry others along",
        ),
        (pa.table({"a": [1], "b": ["x"]}), None, {}, "no column looks like the contents ('a', 'b'); name"),
        (
            pa.table({"a": [b"1"], "b": [b"2"]}),
            None,
            {},
            "several columns may be the contents ('a', 'b'); name",
        ),
        (
            pa.table({"a": [1], "b": [2]}),
            GraphOptions(pa.table({"n": [1, 2]})),
            {"like": LIKE_IMAGES},
            "the table to be like is of images and the data is of graph; give one of graph",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(data, options, more, line, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    if "like" in more:
        like = tmp_path / "like.parquet"
        pq.write_table(pa.table({"x": [1]}).replace_schema_metadata(more["like"].metadata()), like)
        more = {"like": like}
    with pytest.raises((InputError, UsageError)) as caught:
        write_features(data, tmp_path / "f.parquet", options, **more)
    message = str(caught.value)
    assert all(part in message for part in line.split(".*"))
    assert "\n" not in message
    assert not (tmp_path / "f.parquet").exists()


def test_a_folder_has_one_column_of_contents(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "photos", {"1.png": png(1)})
    with pytest.raises(UsageError, match=r"^a folder of images has its contents in 'image': found 'label'$"):
        write_features(folder, tmp_path / "f.parquet", column="label")


def test_output_is_parquet(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^features are written as Parquet: found '.*f\.csv'; give a name"):
        write_features(REVIEWS, tmp_path / "f.csv")


@pytest.mark.parametrize(
    ("metadata", "line"),
    [
        (None, "does not say how it was made; give one that credenza features wrote"),
        (b"{", "has a damaged record of how it was made; write it again"),
        (b"{}", "has a damaged record of how it was made; write it again"),
        (
            b'{"schema": "credenza.features/9", "kind": "text", "settings": {}}',
            "was made by another version (credenza.features/9, text); write it again",
        ),
    ],
)
def test_a_file_without_a_recipe(metadata: bytes | None, line: str, tmp_path: Path) -> None:
    held = None if metadata is None else {b"credenza.features": metadata}
    pq.write_table(pa.table({"x": [1]}).replace_schema_metadata(held), tmp_path / "x.parquet")
    with pytest.raises(InputError) as caught:
        read_recipe(tmp_path / "x.parquet")
    assert str(caught.value) == f"features file {str(tmp_path / 'x.parquet')!r} {line}"


def test_no_file_and_no_parquet(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^there is no features file 'absent\.parquet'; check the path$"):
        read_recipe("absent.parquet")
    (tmp_path / "x.parquet").write_text("x")
    with pytest.raises(InputError, match=r"is not a Parquet file; give one that credenza features wrote$"):
        read_recipe(tmp_path / "x.parquet")
