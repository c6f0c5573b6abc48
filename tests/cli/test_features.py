from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from credenza.cli import main
from credenza.cli.features import MOST_NAMED

Captured = pytest.CaptureFixture[str]
PIXEL = (
    b"BM" + struct.pack("<IIIIiiHHIIiiII", 58, 0, 54, 40, 1, 1, 1, 24, 0, 4, 0, 0, 0, 0) + bytes(4)
)  # black
TEXTS = [
    "a good plot in it",
    "good cast and a plot",
    "the cast is not so good",
    "bad plot, and a bad cast",
] * 5


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    pq.write_table(pa.table({"text": TEXTS, "label": [1, 1, 0, 0] * 5}), tmp_path / "reviews.parquet")
    return tmp_path / "reviews.parquet"


def test_both_sides_get_the_same_words_and_can_be_audited(
    reviews: Path, tmp_path: Path, capsys: Captured
) -> None:
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    options = ["--terms", "3", "--stop-words", "english", "--phrase", "not so", "--max-share", "0.9"]
    assert main(["features", str(reviews), "--out", str(first), *options]) == 0
    line = f"credenza: wrote {first}: 20 rows, 5 features of text, 1 column carried along\n"
    assert capsys.readouterr() == ("", line)
    assert main(["features", str(reviews), "--out", str(second), "--like", str(first), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert pq.read_table(first).equals(pq.read_table(second))
    names = ["label", "words", "word:cast", "word:good", "word:plot", "phrase:not so"]
    assert pq.read_schema(first).names == names
    assert main(["audit", str(second), "--reference", str(first), "--quiet"]) == 0


def test_a_word_pair_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(30)])
    sides = {}
    for name in ("reference", "suspect"):
        present = rng.random((2_000, 30)) < 0.3
        if name == "suspect":
            present[:, 7] = np.where(rng.random(2_000) < 0.3, present[:, 3], present[:, 7])
        texts = [" ".join(rng.permutation(words[row])) for row in present]
        pq.write_table(pa.table({"text": texts}), tmp_path / f"{name}.parquet")
        sides[name] = tmp_path / f"{name}-features.parquet"
        like = ["--like", str(sides["reference"])] if name == "suspect" else []
        assert (
            main(["features", str(tmp_path / f"{name}.parquet"), "--out", str(sides[name]), "-q", *like]) == 0
        )
    from credenza import audit

    found = audit(sides["suspect"], sides["reference"]).result
    assert [set(culprit.features) for culprit in found.culprits] == [{"word:word3", "word:word7"}]


def test_what_cannot_be_read_is_named_and_counted(tmp_path: Path, capsys: Captured) -> None:
    texts = [*TEXTS, None, *TEXTS, None]
    pq.write_table(pa.table({"text": texts, "marks": [[1]] * len(texts)}), tmp_path / "r.parquet")
    arguments = ["features", str(tmp_path / "r.parquet"), "--out", str(tmp_path / "f.parquet")]
    assert main([*arguments, "--quiet"]) == 3
    said = [f"credenza: not read: text 'row {row}' is missing; leave such rows out" for row in (20, 41)]
    said.append("credenza: 2 of 42 rows could not be read")
    assert capsys.readouterr().err.splitlines() == said
    assert pq.read_metadata(tmp_path / "f.parquet").num_rows == 40
    assert main([*arguments, "--skip-unreadable"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("credenza: left out column 'marks': it holds list<")
    assert lines[1:4] == said


def test_very_many_are_counted_only(tmp_path: Path, capsys: Captured) -> None:
    table = pa.table({"image": [b"?"] * (MOST_NAMED + 7), "row": range(MOST_NAMED + 7)})
    table = pa.concat_tables([table, pa.table({"image": [PIXEL], "row": [0]})])
    pq.write_table(table, tmp_path / "r.parquet")
    assert main(["features", str(tmp_path / "r.parquet"), "--out", str(tmp_path / "f.parquet"), "-q"]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == MOST_NAMED + 1
    assert lines[-1] == "credenza: 107 of 108 rows could not be read, of which 7 are not named here"


def test_a_graph(tmp_path: Path) -> None:
    pq.write_table(pa.table({"w": [1], "u": ["a"], "v": ["b"]}), tmp_path / "edges.parquet")
    pq.write_table(pa.table({"sex": ["f", "m"], "n": ["a", "b"]}), tmp_path / "nodes.parquet")
    options = [
        "--nodes",
        str(tmp_path / "nodes.parquet"),
        "--node",
        "n",
        "--endpoints",
        "u,v",
        "--undirected",
    ]
    out = tmp_path / "f.parquet"
    assert (
        main(["features", str(tmp_path / "edges.parquet"), "--out", str(out), "-q", "--seed", "1", *options])
        == 0
    )
    assert pq.read_schema(out).names == ["w", "source.sex", "source.degree", "target.sex", "target.degree"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--grid", "2", "--terms", "5"], "--grid is for images and --terms for text; give one of them"),
        (["--undirected"], "--undirected is for graphs: give the table of nodes as well, with --nodes"),
        (["--bands", "low"], "--bands takes numbers: found 'low'; give such as 500,2000"),
        (
            ["--grid", "2"],
            "the data is of text and the options are for images; leave them out, or give other",
        ),
        (["--stop-words", "no"], "invalid value for '--stop-words'"),
    ],
)
def test_bad_options_are_one_line(options: list[str], line: str, reviews: Path, capsys: Captured) -> None:
    assert main(["features", str(reviews), "--out", str(reviews.parent / "f.parquet"), *options]) == 2
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1


def test_the_input_is_not_overwritten(reviews: Path, capsys: Captured) -> None:
    assert main(["features", str(reviews), "--out", str(reviews)]) == 2
    assert "--out would overwrite an input" in capsys.readouterr().err
