"""What is edited comes out in the kind it came in: tables, folders of tables, images and sounds."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data.media_folders import image_bytes, make_folder

from credenza.data import open_source, write_table
from credenza.data.edits import Edits, appended, edited
from credenza.data.pictures import decode_images, encode_images
from credenza.data.sources import Source
from credenza.data.write_output import replacing_folder, write_output
from credenza.errors import InputError, UsageError

TABLE = pa.table({"a": [1, 2, 3, 4, 5], "b": ["x", "y", None, "x", "z"]})


def changed(source: Source, rows: list[int], **columns: Any) -> Source:
    values = {name: pa.array(value) for name, value in columns.items()}
    return edited(source, Edits.values(np.array(rows), values))


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def refused(error: type[Exception], output: Source, path: Path, like: Source) -> str:
    before = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
    with pytest.raises(error) as caught:
        write_output(output, path, like)
    assert (sorted(path.parent.iterdir()) if path.parent.is_dir() else []) == before
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(path), "OUT")


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".arrow", ".csv.gz"])
def test_a_frame_or_file_becomes_a_file(tmp_path: Path, suffix: str) -> None:
    write_table(TABLE, tmp_path / "clean.parquet")
    for data in (TABLE, tmp_path / "clean.parquet"):
        source = open_source(data)
        target = tmp_path / f"out{suffix}"
        assert write_output(changed(source, [1, 4], b=["w", None]), target, source) is None
        assert open_source(target).table().to_pydict() == {
            "a": [1, 2, 3, 4, 5],
            "b": ["x", "w", None, "x", None],
        }


def test_what_is_no_folder_needs_a_format(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "clean.csv")
    for data in (TABLE, tmp_path / "clean.csv"):
        source = open_source(data)
        for name in ("out", "out.png", "out.json"):
            message = refused(UsageError, source, tmp_path / name, source)
            assert message.startswith("cannot write OUT: unknown format")


def test_schema_metadata_survive(tmp_path: Path) -> None:
    features = {"huggingface": '{"info": {"features": {"image": {"_type": "Image"}}}}'}
    images = [{"bytes": image_bytes(i), "path": f"{i}.png"} for i in range(3)]
    pq.write_table(pa.table({"image": images}).replace_schema_metadata(features), tmp_path / "clean.parquet")
    source = open_source(tmp_path / "clean.parquet")

    def invert(at: np.ndarray, originals: pa.RecordBatch) -> dict[str, pa.Array]:
        column = originals.column("image")
        return {"image": encode_images([255 - image for image in decode_images(column)], column)}

    write_output(edited(source, Edits(np.array([2]), invert, ("image",))), tmp_path / "out.parquet", source)
    again = open_source(tmp_path / "out.parquet")
    assert again.schema.metadata == {b"huggingface": features["huggingface"].encode()}
    table = again.table()
    assert table["image"].to_pylist()[:2] == images[:2]
    before, after = decode_images(source.table()["image"]), decode_images(table["image"])
    np.testing.assert_array_equal(after[2], 255 - before[2])


def test_new_categories_fit_into_arrow_files(tmp_path: Path) -> None:
    rows = 70_000
    levels = np.array(["u", "v"])[np.arange(rows) // 40_000]
    table = pa.table({"s": pa.array(levels).dictionary_encode(), "i": np.arange(rows)})
    pq.write_table(table, tmp_path / "clean.parquet", row_group_size=30_000)
    source = open_source(tmp_path / "clean.parquet")
    write_output(changed(source, [3, 69_999], s=["new", "u"]), tmp_path / "out.arrow", source)
    levels = levels.astype(object)
    levels[[3, 69_999]] = "new", "u"
    again = open_source(tmp_path / "out.arrow")
    assert again.table()["s"].to_pylist() == levels.tolist()
    assert again.schema.field("s").type == source.schema.field("s").type


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.tsv.gz"])
def test_bytes_are_not_written_as_text(tmp_path: Path, name: str) -> None:
    source = open_source(pa.table({"image": [b"abc"]}))
    message = "cannot write OUT: column 'image' holds bytes; write Parquet or Arrow"
    assert refused(InputError, source, tmp_path / name, source) == message
    source = open_source(make_folder(tmp_path / "in", "1.png"))
    assert refused(InputError, source, tmp_path / name, source) == f"{message}, or a folder"


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".tsv", ".jsonl", ".json", ".arrow", ".csv.gz"])
def test_a_folder_of_tables_is_cut_at_the_same_rows(tmp_path: Path, suffix: str) -> None:
    clean = tmp_path / "clean"
    clean.mkdir()
    for name, start, rows in (("a", 0, 2), ("b", 2, 1), ("c", 3, 2)):
        target = clean / f"{name}{suffix}"
        write_table(TABLE.slice(start, rows), target.with_suffix(".jsonl") if suffix == ".json" else target)
        if suffix == ".json":
            target.with_suffix(".jsonl").rename(target)
    source = open_source(clean)
    out = tmp_path / "out"
    assert write_output(changed(source, [0, 2], b=["w", "w"]), out, source) is None
    assert sorted(tree(out)) == sorted(tree(clean))
    parts = [open_source(out / f"{name}{suffix}").table().to_pydict() for name in "abc"]
    assert parts == [{"a": [1, 2], "b": ["w", "y"]}, {"a": [3], "b": ["w"]}, {"a": [4, 5], "b": ["x", "z"]}]
    write_output(source, tmp_path / "one.parquet", source)
    assert open_source(tmp_path / "one.parquet").table().to_pydict() == TABLE.to_pydict()


def test_added_rows_come_in_a_file_of_their_own(tmp_path: Path) -> None:
    clean = tmp_path / "clean"
    clean.mkdir()
    for number in (1, 2):
        write_table(TABLE, clean / f"{number}.csv")
    source = open_source(clean)
    write_output(appended(source, open_source(TABLE), 3), tmp_path / "out", source)
    assert {name: open_source(tmp_path / "out" / name).rows for name in os.listdir(tmp_path / "out")} == {
        "1.csv": 5,
        "2.csv": 5,
        "appended.csv": 3,
    }


def test_a_folder_of_one_table_stays_a_folder_and_empty_files_stay(tmp_path: Path) -> None:
    clean = tmp_path / "clean"
    clean.mkdir()
    write_table(TABLE, clean / "t.parquet")
    source = open_source(clean)
    write_output(source, tmp_path / "out", source)
    assert open_source(tmp_path / "out" / "t.parquet").rows == 5
    write_table(TABLE.slice(0, 0), clean / "a.parquet")
    source = open_source(clean)
    write_output(source, tmp_path / "again", source)
    assert pq.read_table(tmp_path / "again" / "a.parquet").schema == TABLE.schema
    assert open_source(tmp_path / "again").table().equals(source.table())


def test_two_files_of_one_name(tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        write_table(TABLE, tmp_path / name / "t.csv")
    source = open_source(f"{tmp_path}/[xy]/t.csv")
    message = refused(UsageError, source, tmp_path / "out", source)
    assert message == "cannot write OUT: 2 of the files are called t.csv; give a table file"


def test_images_that_are_not_edited_are_the_same_bytes(tmp_path: Path) -> None:
    clean = make_folder(tmp_path / "in", "cat/1.png", "cat/2.jpg", "dog/1.png", "dog/3.png", "README.md")
    source = open_source(clean)
    order = write_output(changed(source, [1], image=[image_bytes(77)]), tmp_path / "out", source)
    assert order is not None
    assert order.tolist() == [0, 1, 2, 3]
    wanted = tree(clean) | {"cat/2.jpg": image_bytes(77)}
    del wanted["README.md"]
    assert tree(tmp_path / "out") == wanted


def test_a_changed_label_moves_the_file(tmp_path: Path) -> None:
    clean = make_folder(tmp_path / "in", "cat/1.png", "cat/2.png", "dog/1.png", "dog/3.png")
    source = open_source(clean)
    output = changed(source, [0, 1, 3], label=["dog", "dog", "new cow"])
    order = write_output(output, tmp_path / "out", source)
    old = tree(clean)
    assert tree(tmp_path / "out") == {
        "dog/1-2.png": old["cat/1.png"],
        "dog/1.png": old["dog/1.png"],
        "dog/2.png": old["cat/2.png"],
        "new cow/3.png": old["dog/3.png"],
    }
    again = open_source(tmp_path / "out").table()
    assert order is not None
    for name in ("label", "image"):
        assert again[name].take(order).to_pylist() == output.table()[name].to_pylist()


def test_files_that_stay_keep_their_names(tmp_path: Path) -> None:
    clean = make_folder(tmp_path / "in", "a/1.wav", "b/1-2.wav", "b/1.wav", "c/1.wav")
    source = open_source(clean)
    write_output(changed(source, [0, 3], label=["b", "b"]), tmp_path / "out", source)
    old, new = tree(clean), tree(tmp_path / "out")
    assert {name: new[name] == old[name] for name in ("b/1-2.wav", "b/1.wav")} == dict.fromkeys(
        ("b/1-2.wav", "b/1.wav"), True
    )
    assert [new["b/1-3.wav"], new["b/1-4.wav"]] == [old["a/1.wav"], old["c/1.wav"]]


def test_donors_and_added_rows_bring_their_files(tmp_path: Path) -> None:
    source = open_source(make_folder(tmp_path / "in", "a/1.png", "a/2.png", "b/1.png"))
    spare = open_source(
        make_folder(tmp_path / "spare", "b/0.png", "b/1.png", "a/9.png", "a/8.png", "a/7.png")
    )
    donors = spare.table().slice(3)  # b/0.png and b/1.png
    output = appended(edited(source, Edits.donated(np.array([0, 1]), donors)), spare, 2)
    write_output(output, tmp_path / "out", source)
    assert sorted(tree(tmp_path / "out")) == ["a/7.png", "a/8.png", "b/0.png", "b/1-2.png", "b/1.png"]
    new = tree(tmp_path / "out")
    assert new["b/1-2.png"] == donors["image"][1].as_py()
    assert new["b/1.png"] == (tmp_path / "in/b/1.png").read_bytes()


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl", "metadata.parquet"])
def test_metadata_are_rewritten_in_their_order(tmp_path: Path, name: str) -> None:
    clean = make_folder(tmp_path / "in", "1.png", "2.png", "3.png")
    table = pa.table({"hat": [True, False, True], "file_name": ["3.png", "1.png", "2.png"], "age": [3, 1, 2]})
    write_table(table, clean / name)
    source = open_source(clean)
    write_output(source, tmp_path / "same", source)
    assert tree(tmp_path / "same") == tree(clean)
    write_output(changed(source, [0, 2], hat=[True, False]), tmp_path / "out", source)
    wanted = table.set_column(0, "hat", pa.array([False, True, True]))
    assert open_source(tmp_path / "out" / name).table().to_pydict() == wanted.to_pydict()
    assert open_source(tmp_path / "out").table(["hat", "age"]).to_pydict() == {
        "hat": [True, True, False],
        "age": [1, 2, 3],
    }
    write_output(appended(source, source, 1), tmp_path / "more", source)
    more = open_source(tmp_path / "more").table()
    assert more["file"].to_pylist() == ["1-2.png", "1.png", "2.png", "3.png"]
    assert more["age"].to_pylist() == [1, 1, 2, 3]


def test_moved_files_are_followed_by_their_metadata(tmp_path: Path) -> None:
    clean = make_folder(tmp_path / "in", "cat/1.png", "dog/2.png")
    write_table(pa.table({"file_name": ["cat/1.png", "dog/2.png"], "age": [1, 2]}), clean / "metadata.csv")
    source = open_source(clean)
    write_output(changed(source, [0], label=["dog"]), tmp_path / "out", source)
    again = open_source(tmp_path / "out").table(["file", "label", "age"])
    assert again.to_pylist() == [
        {"file": "dog/1.png", "label": "dog", "age": 1},
        {"file": "dog/2.png", "label": "dog", "age": 2},
    ]


def test_images_become_a_table_when_asked(tmp_path: Path) -> None:
    source = open_source(make_folder(tmp_path / "in", "a/1.png", "b/2.png"))
    write_output(source, tmp_path / "out.parquet", source)
    assert open_source(tmp_path / "out.parquet").table().equals(source.table())


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": [None, "x"]}, "label None of a/1.png cannot be the name of a folder; give another label"),
        ({"label": ["..", "x"]}, "label '..' of a/1.png cannot be"),
        ({"label": ["x/y", "x"]}, "label 'x/y' of a/1.png cannot be"),
        ({"label": ["", "x"]}, "label '' of a/1.png cannot be"),
        (
            {"file": ["../1.png", "x"]},
            "file name '../1.png' cannot be written; give image files such as 'a/1.png'",
        ),
        ({"file": ["/1.png", "x"]}, "file name '/1.png' cannot be written"),
        ({"file": ["a/1.txt", "x"]}, "file name 'a/1.txt' cannot be written"),
        ({"file": [None, "a/2.png"]}, "file name None cannot be written"),
        ({"image": [None, b""]}, "a/1.png has no image; give bytes in every row"),
    ],
)
def test_names_and_contents_that_cannot_be_written(
    tmp_path: Path, columns: dict[str, list[Any]], message: str
) -> None:
    source = open_source(make_folder(tmp_path / "in", "a/1.png", "a/2.png"))
    said = refused(InputError, changed(source, [0, 1], **columns), tmp_path / "out", source)
    assert said.startswith(message)


def test_targets_that_are_in_the_way(tmp_path: Path) -> None:
    source = open_source(make_folder(tmp_path / "in", "a/1.png"))
    (tmp_path / "empty").mkdir()
    write_output(source, tmp_path / "empty", source)
    again = "cannot write OUT: the folder is not empty; give the name of a new one"
    assert refused(UsageError, source, tmp_path / "empty", source) == again
    (tmp_path / "file").write_text("x")
    wrong = "cannot write OUT: it is a file; give the name of a new folder"
    assert refused(UsageError, source, tmp_path / "file", source) == wrong
    missing = f"cannot write OUT: no folder {tmp_path / 'no'}; create it first"
    assert refused(UsageError, source, tmp_path / "no" / "out", source) == missing
    inside = "cannot write OUT: it lies in the folder that is read; give a path elsewhere"
    assert refused(UsageError, source, tmp_path / "in" / "b", source) == inside
    assert refused(UsageError, source, tmp_path / "in", source) == inside


def test_a_folder_is_whole_or_absent(tmp_path: Path) -> None:
    def interrupted(error: type[BaseException]) -> None:
        with replacing_folder(tmp_path / "out") as folder:
            (folder / "a").write_text("half")
            raise error

    for error in (KeyboardInterrupt, RuntimeError):
        with pytest.raises(error):
            interrupted(error)
    with pytest.raises(PermissionError), replacing_folder(tmp_path / "out"):
        raise PermissionError(13, "no")
    message = r"out: no space left on device; make room, or give another path$"
    with pytest.raises(UsageError, match=message), replacing_folder(tmp_path / "out"):
        raise OSError(errno.ENOSPC, "full")
    assert not list(tmp_path.iterdir())


def test_a_column_that_a_folder_of_images_cannot_hold_is_refused(tmp_path: Path) -> None:
    source = open_source(make_folder(tmp_path / "clean", "a/0.png", "b/1.png"))
    weighed = open_source(source.table().append_column("weight", pa.array([0.5, 1.5])))
    told = refused(UsageError, weighed, tmp_path / "new", source)
    assert told == (
        "cannot write OUT: a folder of images has no place for column 'weight'; "
        "give a table file, such as new.parquet"
    )
    write_output(weighed, tmp_path / "new.parquet", source)
    assert pq.read_table(tmp_path / "new.parquet")["weight"].to_pylist() == [0.5, 1.5]
