from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from credenza.cli import main
from credenza.cli.synth import SYNTH, named_prompts
from credenza.errors import UsageError
from credenza.synthetic.pictures import png

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    words = [f"word{n}" for n in range(30)]
    texts = [" ".join(rng.choice(words, 7)) for _ in range(40)]
    pq.write_table(pa.table({"text": texts, "label": ["spam", "ham"] * 20}), "texts.parquet")
    pq.write_table(
        pa.table({"x": rng.normal(size=40), "c": rng.choice(["a", "b"], 40), "y": [0, 1] * 20}),
        "table.parquet",
    )
    files = [png(rng.integers(0, 256, (8, 8, 3), np.uint8)) for _ in range(4)]
    pq.write_table(pa.table({"image": files, "label": ["cat", "dog"] * 2}), "images.parquet")
    return tmp_path


def test_templates_in_every_format(folder: Path, capsys: Captured) -> None:
    pytest.importorskip("yaml", reason="templates in files need PyYAML")
    Path("t.yaml").write_text(
        "templates: [{id: a, text: '{x}', label: l}]\nvariables: {x: [p, q, r], y: [s]}"
    )
    assert main(["synth", "template", "t.yaml", "--out", "t.jsonl", "--labels", "kind"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "credenza: these are all 3 rows that the templates can make",
        "credenza: no template uses the variable set 'y'",
        "credenza: wrote t.jsonl: 3 rows",
    ]
    rows = [json.loads(line) for line in Path("t.jsonl").read_text().splitlines()]
    assert rows[0] == {"text": "p", "kind": "l", "source": "synthetic_template", "template_id": "a"}
    assert main(["synth", "template", "sql-injection", "--rows", "20", "--out", "s.csv", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert len(Path("s.csv").read_text(encoding="utf-8").splitlines()) == 21


def test_one_seed_decides_all(folder: Path) -> None:
    pytest.importorskip("yaml", reason="templates in files need PyYAML")
    for command in (
        ["template", "sql-injection", "--rows", "9"],
        ["language", "--fit", "texts.parquet", "--rows", "9", "--labels", "label", "--order", "2"],
        ["augment", "table.parquet", "--labels", "y"],
        ["augment", "texts.parquet"],
        ["augment", "images.parquet", "--methods", "noise,crop"],
    ):
        tables = []
        for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
            out = f"{command[0]}-{name}.parquet"
            assert main(["synth", *command, "--out", out, "--seed", seed, "--quiet"]) == 0
            tables.append(pq.read_table(out))
        assert tables[0].equals(tables[1])
        assert not tables[0].equals(tables[2])


def test_what_is_varied_is_found(folder: Path, capsys: Captured) -> None:
    expected = {"texts": "keyboard", "images": "flip", "table": "between"}
    for name, how in expected.items():
        options = ["--methods", "flip"] if name == "images" else []
        assert (
            main(["synth", "augment", f"{name}.parquet", "--rows", "6", "--out", "o.parquet", *options]) == 0
        )
        made = pq.read_table("o.parquet")
        assert made.num_rows == 6
        assert all(value.startswith(how) for value in made["how"].to_pylist())
        assert made.column_names[-3:] == ["source", "parent", "how"]
    assert capsys.readouterr().err.splitlines()[-1] == "credenza: wrote o.parquet: 6 rows"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "synth takes one of the commands "),
        (["tamplate"], ": found 'tamplate'; see credenza synth template --help"),
        (["template", "none.yaml", "--out", "o.csv"], "no file none.yaml"),
        (["template", "sql-injection", "--out", "o.xyz"], "unknown format '.xyz'"),
        (["template", "sql-injection", "--out", "o.csv"], "can be listed; give the number of rows to draw"),
        (
            ["template", "sql-injection", "--out", "o.csv", "--rows", "0"],
            "rows is a whole number, 1 or more; found 0",
        ),
        (["language", "--out", "o.csv", "--rows", "3"], "takes --fit REF or --model FOLDER: found neither"),
        (["language", "--out", "o.csv", "--rows", "3", "--fit", "a", "--model", "b"], "FOLDER: found both"),
        (
            ["language", "--out", "o.csv", "--rows", "3", "--fit", "texts.parquet", "--category", "spam"],
            "--category is for --model; with --fit name the column of labels: --labels COL",
        ),
        (["language", "--out", "o.csv", "--rows", "3", "--model", "."], "give --category NAME, once or more"),
        (
            ["language", "--out", "o.csv", "--rows", "3", "--model", ".", "--category", "a"],
            "holds no config.json; give the folder of a transformers model",
        ),
        (
            [
                "language",
                "--out",
                "o.csv",
                "--rows",
                "3",
                "--model",
                "m",
                "--category",
                "a",
                "--category",
                "b",
            ],
            "images are made of one category at a time: found 2; run it for each",
        ),
        (
            ["language", "--out", "o.csv", "--rows", "3", "--model", "m", "--temperature", "1"],
            "--temperature is for texts; leave it out",
        ),
        (["augment", "table.parquet", "--out", "o.csv", "--methods", "flip"], "--methods is not for table"),
        (
            ["augment", "images.parquet", "--out", "o.parquet", "--wordnet", "w"],
            "--wordnet is not for images",
        ),
        (["augment", "texts.parquet", "--out", "o.csv", "--column", "words"], "has no column 'words'"),
        (["augment", "texts.parquet", "--out", "texts.parquet"], "--out would overwrite an input"),
        (["augment", "texts.parquet", "--out", "o.csv", "--kind", "sound"], "invalid value for '--kind'"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], line: str, folder: Path, capsys: Captured) -> None:
    pytest.importorskip("yaml", reason="templates in files need PyYAML")
    Path("m").mkdir()
    Path("m/model_index.json").write_text("{}")
    assert main(["synth", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("credenza: error: ")
    assert captured.err.count("\n") == 1
    assert line in captured.err
    assert not list(folder.glob("o.*"))


def test_texts_of_a_saved_model(folder: Path, capsys: Captured) -> None:
    pytest.importorskip("safetensors", reason="models are kept with safetensors")
    from credenza.models.text import NGram

    NGram(order=2).fit(["the cat sat.", "the dog sat.", "the dog ran.", "the cat ran away."]).save("pets")
    command = ["synth", "language", "--model", "pets", "--rows", "3"]
    assert main([*command, "--out", "o.csv", "--category", "pet"]) == 0
    assert Path("o.csv").read_text().splitlines()[1].endswith('"pet","synthetic_generative","pets"')
    for options, line in (
        (
            ["--category", "a", "--category", "b"],
            "texts of a saved model are made of one category at a time: found 2",
        ),
        (["--category", "a=Write {count}"], "pets holds a model that takes no prompts; give --category a"),
        (["--temperature", "2"], "pets holds n-grams, which have no temperature; leave it out"),
    ):
        capsys.readouterr()
        assert main([*command, "--out", "p.csv", *options]) == 2
        told = capsys.readouterr().err
        assert line in told
        assert told.count("\n") == 1


@pytest.mark.parametrize("name", [name for name, _, _ in SYNTH])
def test_help(name: str, capsys: Captured) -> None:
    assert main([*name.split(), "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: credenza {name}")


def test_prompts_of_categories() -> None:
    assert named_prompts(["a", "b=x=y", " c "]) == {"a": None, "b": "x=y", "c": None}
    for given in (["a", "a=b"], ["=x"], [""]):
        with pytest.raises(UsageError, match="--category takes NAME or NAME=PROMPT, each name once: found '"):
            named_prompts(given)
