"""Which rows of a table that grew were signed before: appended, changed, moved, in files and in types."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from credenza.data import open_source
from credenza.errors import InputError
from credenza.provenance.growth import Growth, growth_of
from credenza.provenance.hashing import hash_files
from credenza.provenance.manifest import File, Manifest
from credenza.provenance.merkle import root_of
from credenza.provenance.rows import Table, leaves_of
from credenza.provenance.sign import listed

CHUNK = 64


def small_table(rows: int, seed: int) -> pa.Table:
    """Booleans, and texts of which some are missing."""
    rng = np.random.default_rng(seed)
    texts = rng.choice(np.array(["red", "green", "blüe", None], dtype=object), rows)
    return pa.table({"hat": rng.random(rows) < 0.3, "colour": pa.array(texts, pa.string())})


def signed_of(folder: Path) -> tuple[Manifest, dict[str, list[bytes]]]:
    """A manifest of a folder or file as signing makes it, but in chunks of 64 rows."""
    paths = dict(listed(folder).files)
    hashed = hash_files(paths)
    files, leaves = [], {}
    for name, path in paths.items():
        source = open_source(path)
        leaves[name] = leaves_of(source, CHUNK)
        columns = tuple((field.name, str(field.type)) for field in source.schema)
        table = Table(source.kind, source.rows, columns, CHUNK, root_of(leaves[name]).hex())
        files.append(File(name, hashed[name].sha256, hashed[name].size, table))
    return Manifest(folder.name, folder.is_file(), tuple(files)), leaves


def compare(now: object, signed: tuple[Manifest, dict[str, list[bytes]]]) -> Growth:
    return growth_of(open_source(now), *signed)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 200), st.integers(0, 150))
def test_appended_rows_are_found_to_the_row(tmp_path: Path, old: int, new: int) -> None:
    table = small_table(old + new, 3)
    pq.write_table(table.slice(0, old), tmp_path / "t.parquet")
    found = compare(table, signed_of(tmp_path / "t.parquet"))
    assert found.spans == (((old, old + new),) if new else ())
    assert (found.kept, found.added, found.rows, found.signed) == (old, new, old + new, old)
    assert found.changes == ()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 199), st.integers(0, 90))
def test_a_changed_row_makes_its_chunk_new_and_is_told(tmp_path: Path, place: int, new: int) -> None:
    table = small_table(200 + new, 3)
    pq.write_table(table.slice(0, 200), tmp_path / "t.parquet")
    hat = table["hat"].to_numpy().copy()
    hat[place] = not hat[place]
    found = compare(table.set_column(0, "hat", pa.array(hat)), signed_of(tmp_path / "t.parquet"))
    first = place // CHUNK * CHUNK
    added = {k for a, b in found.spans for k in range(a, b)}
    assert added == {*range(first, min(first + CHUNK, 200)), *range(200, 200 + new)}
    assert all(a[1] < b[0] for a, b in zip(found.spans, found.spans[1:], strict=False))
    ((name, told),) = found.changes
    assert name in told
    assert f"the first change in row {first:,} or after it" in told


def test_rows_put_in_between_or_taken_away_are_told(tmp_path: Path) -> None:
    table = small_table(200, 3)
    pq.write_table(table, tmp_path / "t.parquet")
    signed = signed_of(tmp_path / "t.parquet")
    found = compare(pa.concat_tables([table.slice(0, 100), table.slice(5, 1), table.slice(100)]), signed)
    assert found.spans == ((64, 201),)
    assert found.changes[0][1].startswith("'Arrow table': of 200 signed rows 136 are in chunks that changed")
    assert "where rows were only sorted anew, audit all of them" in found.changes[0][1]
    found = compare(table.slice(0, 130), signed)
    assert found.spans == ((128, 130),)
    assert found.changes[0][1].endswith(
        "200 signed rows became 130; the first change is in row 128 or after it"
    )


def test_a_folder_is_compared_file_by_file(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    for name, rows in (("a", 100), ("b", 70), ("d", 40)):
        pq.write_table(small_table(rows, 1), folder / f"{name}.parquet")
    signed = signed_of(folder)
    assert compare(folder, signed).spans == ()
    pq.write_table(small_table(30, 2), folder / "c.parquet")
    pq.write_table(pa.concat_tables([small_table(40, 1), small_table(9, 5)]), folder / "d.parquet")
    found = compare(folder, signed)
    assert found.spans == ((170, 200), (240, 249))
    assert (found.kept, found.added, found.changes) == (210, 39, ())
    assert compare(folder / "c.parquet", signed).spans == ((0, 30),)
    assert compare(str(folder / "[cd].parquet"), signed).spans == ((0, 30), (70, 79))
    (folder / "a.parquet").unlink()
    found = compare(folder, signed)
    assert found.changes == (("a.parquet", "'a.parquet', which was signed, is missing"),)
    assert found.spans == ((70, 100), (140, 149))


def test_numbers_that_were_whole_until_now_are_the_same_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = "".join(f"{k % 7},x{k % 3}\n" for k in range(150))
    path.write_text("a,b\n" + rows)
    signed = signed_of(path)
    path.write_text("a,b\n" + rows + "2.5,x1\n")
    assert compare(path, signed).spans == ((150, 151),)
    path.write_text("a,b\n0.5,x0\n" + rows.split("\n", 1)[1])
    found = compare(path, signed)
    assert found.spans == ((0, 150),)
    assert "columns changed: 'a' (int64) is gone, 'a' (double) is new" in found.changes[0][1]
    path.write_text("a,c\n" + rows)
    assert "columns changed: 'b' (" in compare(path, signed).changes[0][1]


def test_what_cannot_be_compared_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    for name in "ab":
        pq.write_table(small_table(9, 1), folder / f"{name}.parquet")
    manifest, leaves = signed_of(folder)
    with pytest.raises(InputError, match=r"has 2 tables: give the path of the data, not a frame$"):
        compare(small_table(9, 1), (manifest, leaves))
    with pytest.raises(InputError, match=r"^the hashes of the rows of 'a.parquet' .*put rows.bin back, or"):
        compare(folder, (manifest, {"b.parquet": leaves["b.parquet"]}))
    bare = Manifest("d", False, (File("notes.txt", "0" * 64),))
    with pytest.raises(
        InputError, match=r"^the manifest of d has no table: which rows are new cannot be told$"
    ):
        compare(folder, (bare, {}))
    pictures = tmp_path / "p"
    pictures.mkdir()
    for k in range(2):
        Image.new("RGB", (4, 4)).save(pictures / f"{k}.png")
    with pytest.raises(InputError, match=r"is no table in files: which of its rows are new cannot be told$"):
        compare(pictures, (manifest, leaves))
