from __future__ import annotations

import json
from pathlib import Path

import pytest
from studies.associative.worlds import data_file, small

from credenza.errors import InputError, UsageError
from credenza.studies.associative import Experiment, Study, associative
from credenza.studies.common.results import RESULTS

EVERY = ("clean", "positive", "negative", "continuous", "repaired")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("study")
    scale = small(Experiment("tabular", "chow-liu", EVERY, 2, 3_000))
    return associative(folder / "out", scale=scale, data=data_file(folder), seed=1)


def measures(study: Study, condition: str, name: str) -> list[float]:
    return [
        record["generated"]["measures"][name]
        for record in study.records
        if record["unit"]["condition"] == condition
    ]


def test_generated_association_follows_the_training_rows(study: Study) -> None:
    clean, moved = measures(study, "clean", "mcc"), measures(study, "positive", "mcc")
    assert max(clean) < 0.2
    assert min(moved) > max(clean) + 0.25
    assert min(measures(study, "positive", "mi")) > 5 * max(measures(study, "clean", "mi"))
    assert max(measures(study, "negative", "mcc")) < min(clean) - 0.25
    assert max(measures(study, "repaired", "mcc")) < 0.2


def test_colours_are_paired_by_rank_and_leave_the_pair_alone(study: Study) -> None:
    assert max(map(abs, measures(study, "clean", "pcc"))) < 0.08
    assert min(measures(study, "continuous", "pcc")) > 0.12
    assert max(measures(study, "continuous", "mcc")) < 0.2


def test_marginals_stay(study: Study) -> None:
    for a, b in zip(
        measures(study, "clean", "marginals"), measures(study, "positive", "marginals"), strict=True
    ):
        assert a == pytest.approx(b, abs=0.04)


def test_audits_before_training_name_the_pair_and_repair_takes_it_away(study: Study) -> None:
    for record in study.records:
        audit, condition = record["training"]["audit"], record["unit"]["condition"]
        if condition in ("positive", "negative", "continuous", "repaired"):
            assert audit["named"]
            assert audit["first"]
            assert record["training"]["repair"]["done"]
            assert not record["training"]["repair"]["audit"]["named"]
        if condition == "clean":
            assert not audit["named"]
            assert record["training"]["repair"] is None


def test_audits_of_what_is_generated_name_the_pair(study: Study) -> None:
    for record in study.records:
        named = record["unit"]["condition"] in ("positive", "negative")
        assert record["generated"]["audit"]["first"] is named, record["unit"]


def test_the_folder_holds_everything(study: Study) -> None:
    names = {path.relative_to(study.out).as_posix() for path in study.out.rglob("*") if path.is_file()}
    assert {"study.json", "results.jsonl", "summary.json", "summary.md", "plots/conditions.svg"} <= names
    assert "samples/tabular-chow-liu-positive-0.csv" in names
    assert not (study.out / "work").exists()
    lines = (study.out / RESULTS).read_text(encoding="utf-8").splitlines()
    assert len(lines) == study.wanted == 2 * len(EVERY)
    assert {"unit", "seeds", "settings", "training", "generated", "seconds", "versions"} <= set(
        json.loads(lines[0])
    )
    assert json.loads((study.out / "summary.json").read_text(encoding="utf-8")) == study.summary
    assert "| tabular, chow-liu | 2 + 2 |" in study.page


def content(study: Study) -> list[dict[str, object]]:
    """Everything but how long it took."""
    return [{name: value for name, value in record.items() if name != "seconds"} for record in study.records]


def test_a_stopped_study_goes_on_and_comes_to_the_same(tmp_path: Path) -> None:
    data, scale = data_file(tmp_path), small(Experiment("tabular", "chow-liu", ("clean", "erase"), 2, 500))
    whole = associative(tmp_path / "a", scale=scale, data=data, seed=2)
    part = associative(tmp_path / "b", scale=scale, data=data, seed=2, only=["*/*/erase"])
    assert len(part.records) == 2
    assert part.summary["units"] == {"done": 2, "wanted": 4}
    path = tmp_path / "b" / RESULTS
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(lines[0] + lines[1][:-200], encoding="utf-8")  # the last line was cut off
    again = associative(tmp_path / "b", scale=scale, data=data, seed=2)
    assert content(again) == content(whole)
    assert path.read_text(encoding="utf-8").splitlines(keepends=True)[0] == lines[0]


def test_another_seed_gives_other_models(tmp_path: Path) -> None:
    data = data_file(tmp_path)
    scale = small(Experiment("tabular", "chow-liu", ("clean",), 1, 500))
    one, two = (associative(tmp_path / str(seed), scale=scale, data=data, seed=seed) for seed in (0, 1))
    assert one.records[0]["generated"]["measures"] != two.records[0]["generated"]["measures"]
    assert "p |" in one.page


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": "huge"}, "unknown scale 'huge'; choose from tiny, small, paper"),
        ({"jobs": 0}, "jobs is a number of processes, 1 or more; found 0"),
        (
            {"only": ["sound"]},
            "no modality 'sound' at scale mini; choose from tabular",
        ),
        (
            {"only": ["tabular/gan"]},
            "no generator 'gan' of tabular at scale mini; choose from chow-liu",
        ),
        (
            {"only": ["tabular/chow-liu/erase"]},
            "no condition 'erase' of tabular/chow-liu at scale mini; choose from clean, positive, repaired",
        ),
        (
            {"only": ["a/b/c/d"]},
            "--only takes MODALITY/GENERATOR/CONDITION: found 'a/b/c/d'; give three parts at most",
        ),
    ],
)
def test_a_bad_call_is_one_line(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    call = {"scale": small(), "data": data_file(tmp_path), **changes}
    with pytest.raises(UsageError) as caught:
        associative(tmp_path / "out", **call)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_too_few_rows_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has 900 rows; the scale takes 4,100: choose a smaller one$"):
        associative(tmp_path / "out", scale=small(), data=data_file(tmp_path, n=900))
