"""CSV and JSON Lines: what is read, and what is said when it cannot be."""

from __future__ import annotations

import gzip
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import open_source
from credenza.errors import InputError


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def said(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_source(path, role="suspect")
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(path.parent), "")


def test_csv_types_missing_spellings_and_order(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.csv", 'n,x,s,d\n1,0.5,"a, b",2020-01-02\nNA,,null,\n3,NaN,"say ""c""",2020-01-03\n'
    )
    source = open_source(path)
    assert (source.kind, source.rows, source.columns) == ("csv", 3, ("n", "x", "s", "d"))
    table = source.table()
    assert table["n"].to_pylist() == [1, None, 3]
    assert table["x"].to_pylist() == [0.5, None, None]
    assert table["s"].to_pylist() == ["a, b", None, 'say "c"']
    assert pa.types.is_date(table.schema.field("d").type)


@pytest.mark.parametrize(("name", "mark"), [("a.csv", ";"), ("b.csv", "\t"), ("c.csv", "|"), ("d.tsv", "\t")])
def test_delimiters(tmp_path: Path, name: str, mark: str) -> None:
    path = written(tmp_path / name, f"a{mark}b\n1{mark}x\n2{mark}y\n")
    assert open_source(path).table().to_pydict() == {"a": [1, 2], "b": ["x", "y"]}


def test_tsv_with_commas_in_one_column(tmp_path: Path) -> None:
    assert open_source(written(tmp_path / "a.tsv", "a,b\nx\ny\n")).columns == ("a,b",)


def test_header_of_a_table_of_text_is_not_a_row(tmp_path: Path) -> None:
    assert open_source(written(tmp_path / "a.csv", "a,b\nx,y\nz,w\n")).table().to_pydict() == {
        "a": ["x", "z"],
        "b": ["y", "w"],
    }


def test_late_text_makes_a_number_column_text(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i},{i}\n" for i in range(40_000))
    source = open_source(written(tmp_path / "a.csv", f"a,b,c\n{rows}x,1.5,7\n"))
    assert [str(field.type) for field in source.schema] == ["string", "double", "int64"]
    assert source.rows == 40_001
    assert source.table()["a"].to_pylist()[-2:] == ["39999", "x"]
    assert source.table()["b"].to_pylist()[-1] == 1.5


def test_late_values_are_never_rounded(tmp_path: Path) -> None:
    early, late = "1,2020-01-01,1\n" * 30_000, "1.5,2020-01-01 10:00:00,x\n"
    table = open_source(written(tmp_path / "a.csv", f"n,t,b\n{early}{late}")).table()
    last = table.slice(30_000).to_pylist()[0]
    assert last == {"n": 1.5, "t": datetime(2020, 1, 1, 10), "b": "x"}


def test_dates_in_other_orders(tmp_path: Path) -> None:
    days = open_source(
        written(tmp_path / "a.csv", "d,e\n" + "31/12/2020,1\n" * 30_000 + "30/11/2020,1\n")
    ).table()
    assert days["d"].to_pylist()[-1] == date(2020, 11, 30)
    mixed = open_source(written(tmp_path / "b.csv", "d,e\n" + "31/12/2020,1\n" * 30_000 + "soon,1\n")).table()
    assert mixed["d"].to_pylist()[-1] == "soon"


def test_rows_come_in_file_order_whatever_the_batches(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "i,s\n" + "".join(f"{i},t{i % 7}\n" for i in range(150_000)))
    source = open_source(path)
    for size in (1_000, 65_536, 200_000):
        batches = list(source.batches(["i"], size=size))
        assert max(batch.num_rows for batch in batches) <= size
        assert [i for batch in batches for i in batch.column(0).to_pylist()] == list(range(150_000))


def test_awkward_file_and_column_names(tmp_path: Path) -> None:
    path = written(
        tmp_path / "it's [1]* odd?.csv", 'a,A,"x ""y""","<b>&","ü\nz","it\'s"\n1,2,3,4,5,6\n7,8,9,10,11,12\n'
    )
    source = open_source(path)
    assert source.columns == ("a", "A", 'x "y"', "<b>&", "ü\nz", "it's")
    assert source.table(["it's", "A"]).to_pydict() == {"it's": [6, 12], "A": [2, 8]}


def test_unnamed_columns_get_names(tmp_path: Path) -> None:
    assert open_source(written(tmp_path / "a.csv", ",b\n1,2\n3,4\n")).columns == ("column0", "b")


def test_gzipped_text(tmp_path: Path) -> None:
    csv = written(tmp_path / "a.csv.gz", gzip.compress(b"a,b\n1,x\n2,y\n"))
    lines = written(tmp_path / "a.jsonl.gz", gzip.compress(b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n'))
    assert open_source(csv).table().to_pydict() == open_source(lines).table().to_pydict()
    assert (open_source(csv).kind, open_source(lines).kind) == ("csv", "jsonl")


def test_json_lines_mixed_types_late_keys_and_nesting(tmp_path: Path) -> None:
    late = '{"a": "q", "b": 2.5, "late": true, "deep": [1, 2]}\n'
    source = open_source(written(tmp_path / "a.jsonl", '{"a": 1, "b": 1}\n' * 30_000 + late))
    assert source.columns == ("a", "b", "late", "deep")
    last = source.table().slice(30_000).to_pylist()[0]
    assert last == {"a": "q", "b": 2.5, "late": True, "deep": [1, 2]}
    assert source.table()["a"].to_pylist()[0] == "1"


def test_json_array_in_a_json_file(tmp_path: Path) -> None:
    assert open_source(written(tmp_path / "a.json", '[{"a": 1}, {"a": 2}]')).table().to_pydict() == {
        "a": [1, 2]
    }


def test_not_utf8_csv(tmp_path: Path) -> None:
    message = said(written(tmp_path / "l.csv", b"a,b\n" + b"caf,1\n" * 50_000 + b"caf\xe9,1\n"))
    assert message == (
        "suspect (/l.csv) is not UTF-8: byte 0xe9 at offset 300,007; "
        "save it as UTF-8 (for example: iconv -f LATIN1 -t UTF-8)"
    )


@pytest.mark.parametrize(
    ("name", "data", "offset"),
    [
        ("names.csv", b"a,caf\xe9\n1,2\n", 5),
        ("end.csv", b"a,b\n1,x\n2,y\xc3", 11),
        ("l.jsonl", b'{"a": "caf\xe9"}\n', 10),
    ],
)
def test_not_utf8_elsewhere(tmp_path: Path, name: str, data: bytes, offset: int) -> None:
    assert f"is not UTF-8: byte 0x{data[offset]:02x} at offset {offset};" in said(
        written(tmp_path / name, data)
    )


def test_duplicate_names_in_a_csv_header(tmp_path: Path) -> None:
    message = said(written(tmp_path / "a.csv", "a,b,a\n1,2,3\n"))
    assert message == "suspect (/a.csv): column name 'a' comes 2 times; rename the others"


RAGGED = {
    "early": ("a,b\n1,2\n3,4,5\n6\n", "fields on line 3: more than 2, in the header: 2"),
    "late": ("a,b\n" + "1,2\n" * 30_000 + "3,4,5\n", "fields on line 30,002: more than 2, in the header: 2"),
    "last line long": (
        "a,b\n" + "1,2\n" * 10 + "3,4,5\n",
        "fields on line 12: more than 2, in the header: 2",
    ),
    "last line short": ("a,b\n" + "1,2\n" * 10 + "3\n", "fields on line 12: 1, in the header: 2"),
    "most lines long": (
        "a,b\n" + "1,2\n" * 10 + "3,4,5\n" * 20,
        "fields on line 12: more than 2, in the header: 2",
    ),
    "short header": ("a,b\n" + "1,2,3\n" * 10, "fields on line 2: more than 2, in the header: 2"),
    "long header": ("a,b,c\n" + "1,2\n" * 10, "fields on line 2: 2, in the header: 3"),
    "title": ("My table\n\na,b\n" + "1,2\n" * 10, "fields on line 3: more than 1, in the header: 1"),
    "comment": ("# by me\na,b\n" + "1,2\n" * 10, "fields on line 2: more than 1, in the header: 1"),
    "after blank lines": ("\n\na;b\n1;2\n3\n", "fields on line 5: 1, in the header: 2"),
}


@pytest.mark.parametrize("case", RAGGED)
def test_ragged_rows(tmp_path: Path, case: str) -> None:
    text, found = RAGGED[case]
    message = said(written(tmp_path / "a.csv", text))
    assert message == f"suspect (/a.csv): {found}; give every row the fields of the header"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=12), st.integers(2, 4), st.sampled_from(",;|"))
def test_every_line_is_a_row_or_an_error(widths: list[int], header: int, mark: str) -> None:
    lines = [mark.join("abcd"[:header]), *(mark.join("7" * width) for width in widths)]
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / "a.csv", "\n".join(lines) + "\n")
        wrong = next((k for k, width in enumerate(widths) if width != header), None)
        if wrong is None:
            table = open_source(path).table()
            assert table.num_rows == len(widths)
            assert table.to_pydict() == {name: [7] * len(widths) for name in "abcd"[:header]}
        else:
            has = widths[wrong] if widths[wrong] < header else f"more than {header}"
            with pytest.raises(InputError, match=f"fields on line {wrong + 2}: {has}, in"):
                open_source(path)


def test_lines_that_look_like_comments_are_rows(tmp_path: Path) -> None:
    table = open_source(written(tmp_path / "a.csv", "a,b\n#1,2\n3,4\n#5,6\n")).table()
    assert table.to_pydict() == {"a": ["#1", "3", "#5"], "b": [2, 4, 6]}


def test_blank_lines_and_decimal_commas(tmp_path: Path) -> None:
    blank = open_source(written(tmp_path / "a.csv", "\n\na,b\n1,2\n\n3,4\n\n")).table()
    assert blank.to_pydict() == {"a": [1, 3], "b": [2, 4]}
    commas = open_source(written(tmp_path / "b.csv", "a;b\n" + "1,5;2,5\n" * 10)).table()
    assert commas.to_pydict() == {"a": ["1,5"] * 10, "b": ["2,5"] * 10}


def test_broken_lines(tmp_path: Path) -> None:
    mixed = said(written(tmp_path / "a.csv", "a,b\r\n1,2\n3,4\r\n"))
    assert mixed == (
        "suspect (/a.csv) mixes line endings or is broken CSV; write it again with one kind of line ending"
    )
    quote = said(written(tmp_path / "b.csv", 'a,b\n1,"x"y\n2,z\n'))
    assert quote.startswith(
        "suspect (/b.csv) cannot be read (CSV Error on Line: 2 Value with unterminated quote"
    )
    endless = said(written(tmp_path / "c.csv", 'a,"b\n' + "1,2\n" * 40_000))
    assert endless == "suspect (/c.csv): the header has a field that never ends; close its quotation marks"


def test_csv_without_rows(tmp_path: Path) -> None:
    assert (
        said(written(tmp_path / "a.csv", "a,b\n"))
        == "suspect (/a.csv) has no rows; give a table with at least one"
    )


def test_keys_that_differ_only_in_case(tmp_path: Path) -> None:
    for name, text in (("a.jsonl", '{"a": 1, "A": 2}\n'), ("b.json", '[{"a": 1}, {"A": 4}]')):
        message = said(written(tmp_path / name, text))
        assert message == (
            f"suspect (/{name}): key 'A' differs from another only in letter case; rename one of them"
        )
    empty = open_source(written(tmp_path / "c.jsonl", '{"a": 1, "b": null}\n')).table()
    assert empty.to_pydict() == {"a": [1], "b": [None]}


def test_broken_json_lines(tmp_path: Path) -> None:
    for name, text in (("a.jsonl", '{"a": 1}\n{"a":\n'), ("b.jsonl", "[1, 2]\n3\n")):
        message = said(written(tmp_path / name, text))
        assert message.startswith(f"suspect (/{name}) cannot be read (")
        assert message.endswith("give one JSON object a line")


def test_broken_gzip(tmp_path: Path) -> None:
    whole = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(20_000)))
    message = said(written(tmp_path / "a.csv.gz", whole[: len(whole) // 2]))
    assert "suspect (/a.csv.gz) cannot be" in message
