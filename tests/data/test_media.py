"""Folders of images and sounds: the layouts that are read, and what is said of the others."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from data.media_folders import image_bytes, make_folder, sound_bytes

from credenza.data import open_source, write_table
from credenza.data.media import MediaReader
from credenza.data.media_layout import media_layout
from credenza.errors import InputError

NAMES = ("cat/b.png", "cat/a.png", "dog/10.jpg", "dog/9.PNG")


def said(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_source(path, role="clean")
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"clean ({path})", "IT").replace(str(path), "IT")


def describe(folder: Path, name: str = "metadata.csv", **columns: object) -> Path:
    write_table(pa.table(columns), folder / name)
    return folder


def test_subfolders_are_labels(tmp_path: Path) -> None:
    source = open_source(make_folder(tmp_path, *NAMES))
    assert (source.kind, source.rows, source.columns) == ("images", 4, ("file", "label", "image"))
    table = source.table()
    assert table["file"].to_pylist() == ["cat/a.png", "cat/b.png", "dog/10.jpg", "dog/9.PNG"]
    assert table["label"].to_pylist() == ["cat", "cat", "dog", "dog"]
    assert table["image"].to_pylist() == [
        (tmp_path / name).read_bytes() for name in table["file"].to_pylist()
    ]
    assert source.table(["image", "label"]).column_names == ["image", "label"]
    assert source.files == tuple(tmp_path / name for name in table["file"].to_pylist())
    assert pa.types.is_binary(source.schema.field("image").type)


def test_a_flat_folder_has_no_labels(tmp_path: Path) -> None:
    source = open_source(make_folder(tmp_path, "2.wav", "10.WAV"))
    assert (source.kind, source.columns) == ("sounds", ("file", "sound"))
    assert source.table().to_pylist() == [
        {"file": "10.WAV", "sound": sound_bytes(1)},
        {"file": "2.wav", "sound": sound_bytes(0)},
    ]


def test_hidden_and_unrelated_files_are_ignored(tmp_path: Path) -> None:
    folder = make_folder(
        tmp_path, "a/1.png", "_b/2.png", ".c/3.png", "a/.4.png", "a/.DS_Store", "LICENSE", "x.txt"
    )
    assert open_source(folder).table(["file"])["file"].to_pylist() == ["_b/2.png", "a/1.png"]


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl", "metadata.parquet"])
def test_metadata_become_columns(tmp_path: Path, name: str) -> None:
    make_folder(tmp_path, "1.png", "2.png", "3.png")
    describe(
        tmp_path, name, age=[30, None, 20], file_name=["3.png", "./1.png", "2.png"], hat=[True, False, True]
    )
    source = open_source(tmp_path)
    assert source.columns == ("file", "age", "hat", "image")
    assert source.table(["file", "age", "hat"]).to_pydict() == {
        "file": ["1.png", "2.png", "3.png"],
        "age": [None, 20, 30],
        "hat": [False, True, True],
    }
    assert source.files[0] == tmp_path / name


def test_metadata_allow_any_depth_and_may_hold_the_label(tmp_path: Path) -> None:
    deep = make_folder(tmp_path / "deep", "a/b/1.png", "2.png")
    describe(deep, file_name=["2.png", "a/b/1.png"])
    assert open_source(deep).table(["file"]).to_pydict() == {"file": ["2.png", "a/b/1.png"]}
    named = make_folder(tmp_path / "named", "train/1.png", "train/2.png")
    describe(named, file_name=["train/1.png", "train/2.png"], label=["x", "y"])
    assert open_source(named).columns == ("file", "label", "image")
    assert open_source(named).table(["label"]).to_pydict() == {"label": ["x", "y"]}
    both = make_folder(tmp_path / "both", "x/1.png", "y/2.png")
    describe(
        both,
        "metadata.parquet",
        file_name=["x/1.png", "y/2.png"],
        hat=pa.array(["a", "b"]).dictionary_encode(),
    )
    assert open_source(both).table(["label", "hat"]).to_pydict() == {"label": ["x", "y"], "hat": ["a", "b"]}


def test_opening_reads_no_image(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "1.png", "2.png")
    source = open_source(folder)
    (folder / "2.png").unlink()
    assert source.table(["file"]).num_rows == 2
    with pytest.raises(
        InputError, match=r"2\.png cannot be read \(no such file or directory\); poison and audit"
    ):
        source.table()


def test_batches_are_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder(tmp_path, *(f"{i}.png" for i in range(9)))
    largest = max(path.stat().st_size for path in folder.iterdir())
    whole = open_source(folder).table()
    for most, sizes in ((2 * largest, {1, 2}), (1, {1})):
        monkeypatch.setattr("credenza.data.media.MEDIA_BYTES", most)
        batches = list(open_source(folder).batches())
        assert {batch.num_rows for batch in batches} <= sizes
        assert pa.Table.from_batches(batches).equals(whole)
    assert [batch.num_rows for batch in open_source(folder).batches(["file"], size=4)] == [4, 4, 1]
    monkeypatch.setattr("credenza.data.media.MEDIA_BYTES", 1 << 20)
    assert [batch.num_rows for batch in open_source(folder).batches(["image"], size=4)] == [4, 4, 1]


def test_a_file_larger_than_a_value_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credenza.data.media._MOST", 50)
    source = open_source(make_folder(tmp_path, "1.png"))
    with pytest.raises(InputError, match=r": 1\.png has \d+ bytes; cut it to at most 50$"):
        source.table()


def test_the_fingerprint_is_of_names_and_bytes(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "one", *NAMES)
    digest = open_source(folder).fingerprint()
    shutil.copytree(folder, tmp_path / "two")
    assert open_source(tmp_path / "two").fingerprint() == digest
    seen = {digest}
    changes: list[Callable[[Path], object]] = [
        lambda root: (root / "cat").rename(root / "cow"),
        lambda root: (root / "cow/a.png").rename(root / "cow/c.png"),
        lambda root: (root / "cow/b.png").write_bytes(image_bytes(9)),
        lambda root: describe(
            root, file_name=["cow/b.png", "cow/c.png", "dog/10.jpg", "dog/9.PNG"], a=[1, 2, 3, 4]
        ),
        lambda root: describe(
            root, file_name=["cow/b.png", "cow/c.png", "dog/10.jpg", "dog/9.PNG"], a=[1, 2, 3, 5]
        ),
    ]
    for number, change in enumerate(changes, 2):
        change(tmp_path / "two")
        seen.add(open_source(tmp_path / "two").fingerprint())
        assert len(seen) == number


def test_a_reader_can_be_sent_to_another_process(tmp_path: Path) -> None:
    reader = open_source(make_folder(tmp_path, *NAMES)).reader
    again = pickle.loads(pickle.dumps(reader))
    assert isinstance(again, MediaReader)
    assert next(again.scan(["file", "image"], 9)).equals(next(reader.scan(["file", "image"], 9)))


def test_tables_stay_tables(tmp_path: Path) -> None:
    tables = make_folder(tmp_path, "figures/1.png", "notes/x.txt")
    assert open_source(describe(tables, "t.csv", a=[1])).kind == "csv"
    alone = tmp_path / "alone"
    alone.mkdir()
    assert open_source(describe(alone, file_name=["gone.png"])).columns == ("file_name",)
    assert media_layout(make_folder(tmp_path / "none", "x.txt", "sub/deeper/1.png"), "it") is None


def test_folders_of_nothing_are_refused_as_before(tmp_path: Path) -> None:
    assert said(make_folder(tmp_path, "x.txt")).startswith(
        "clean: folder IT holds no data files (1 other files)"
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("1.png", "2.wav"), "IT mixes images (1.png) and sounds (2.wav); give one folder of each"),
        (
            ("1.png", "t.csv"),
            "IT mixes images with the table t.csv; give the table itself, or move it (one that describes the images "
            "is called metadata.csv, with file_name as a column, and lies directly in there)",
        ),
        (
            ("a/1.png", "a/metadata.csv"),
            "IT mixes images with the table a/metadata.csv; give the table itself",
        ),
        (("a/1.wav", "a/t.parquet"), "IT mixes sounds with the table a/t.parquet; give the table itself"),
        (
            ("1.png", "2.tif"),
            "IT mixes images with 2.tif, which is not read; convert them to PNG, JPEG, WebP, BMP, GIF or WAV, "
            "or keep them elsewhere",
        ),
        (("a/1.wav", "a/2.mp3"), "IT mixes sounds with a/2.mp3, which is not read"),
        (
            ("1.png", "a/2.png"),
            "IT: 1.png lies directly in the folder and a/2.png in a subfolder; put all of them into one subfolder "
            "a label, or none",
        ),
        (
            ("train/cat/1.png", "train/2.png"),
            "IT: train/cat/1.png lies 2 folders deep; give a folder of files, of one subfolder a label, or one with "
            "metadata.csv",
        ),
    ],
)
def test_layouts_that_mean_nothing(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    assert said(make_folder(tmp_path, *names)).startswith(message)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"title": ["1.png"]}, "has no column 'file_name' to say which file a row is about; it has 'title'"),
        ({"file_name": [1, 2]}, "column 'file_name' is int64; give the paths of files in the folder"),
        (
            {"file_name": ["1.png", "2.png"], "file": [1, 2]},
            "column 'file' is named like what the folder itself has",
        ),
        (
            {"file_name": ["1.png", "2.png"], "image": [1, 2]},
            "column 'image' is named like what the folder itself",
        ),
        ({"file_name": ["1.png"], "a": [1]}, "has no row for 2.png; add one or remove the file"),
        ({"file_name": ["1.png", "1.png"]}, "names 1.png twice; keep one row a file"),
        (
            {"file_name": ["1.png", "../2.png"]},
            "names ../2.png, which the folder does not hold; remove the row or add the file",
        ),
        ({"file_name": ["1.png", None], "a": [1, 2]}, "has no file_name in row 1; name a file in every row"),
    ],
)
def test_metadata_that_do_not_fit(tmp_path: Path, columns: dict[str, object], message: str) -> None:
    folder = describe(make_folder(tmp_path, "1.png", "2.png"), **columns)
    assert message in said(folder)
    assert "metadata.csv" in said(folder)


def test_one_metadata_file(tmp_path: Path) -> None:
    folder = describe(make_folder(tmp_path, "1.png"), file_name=["1.png"])
    describe(folder, "metadata.jsonl", file_name=["1.png"])
    assert said(folder) == "IT has metadata.csv and metadata.jsonl; keep one of them"


def test_folders_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, scan = make_folder(tmp_path, "a/1.png"), os.scandir

    def guarded(path: Path) -> object:
        if Path(path).name == "a":
            raise PermissionError(13, "no")
        return scan(path)

    monkeypatch.setattr(os, "scandir", guarded)
    assert said(folder) == "folder IT/a may not be listed; check its permissions"


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_stay_inside(tmp_path: Path) -> None:
    outside = make_folder(tmp_path / "outside", "1.png")
    folder = make_folder(tmp_path / "in", "a/1.png")
    (folder / "a/2.png").symlink_to(folder / "a/1.png")
    assert open_source(folder).rows == 2
    (tmp_path / "way").symlink_to(folder)
    assert open_source(tmp_path / "way").rows == 2
    for name, target, message in (
        ("a/3.png", outside / "1.png", "is a link that leads out of the folder; put a copy in its place"),
        ("b", outside, "is a link that leads out of the folder; put a copy in its place"),
        ("b", folder / "a", "is a link to a folder; links to files in the folder are followed"),
        ("a/3.png", folder / "gone.png", "is a link to nothing; links to files in the folder are followed"),
    ):
        (folder / name).symlink_to(target)
        assert said(folder) == f"IT: {name} {message}"
        (folder / name).unlink()


@pytest.mark.skipif(os.name == "nt", reason="file names are text on Windows")
def test_names_are_utf8(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "ü.png")
    assert open_source(folder).table(["file"])["file"].to_pylist() == ["ü.png"]
    try:
        (folder / os.fsdecode(b"\xff.png")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system refuses such names itself")
    assert said(folder) == "IT: file name '\\udcff.png' is not UTF-8; rename it"


def test_many_files_are_in_order_of_their_names(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    names = sorted({"".join(rng.choice(list("aB0-_ é"), 4)).strip(" ") + ".png" for _ in range(60)})
    shuffled = rng.permutation(names).tolist()
    assert open_source(make_folder(tmp_path, *shuffled)).table(["file"])["file"].to_pylist() == names
