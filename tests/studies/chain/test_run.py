from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from studies.chain.worlds import small

from credenza.errors import UsageError
from credenza.studies.chain import Study, chain
from credenza.studies.chain.settings import Group
from credenza.studies.chain.summary import CLASSIFIERS
from credenza.studies.common.results import RESULTS


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    scale = small(Group("clean", 1), Group("patch-10", 1, "tuned"))
    return chain(tmp_path_factory.mktemp("study") / "out", scale=scale, seed=1, device="cpu")


def test_every_link_is_measured(study: Study) -> None:
    for record in study.records:
        made = record["classifiers"]
        assert set(made) == set(CLASSIFIERS)
        assert made["synthetic"]["trained_on"] == 200
        assert made["scarce"]["trained_on"] == 240
        assert made["augmented"]["trained_on"] == made["dilute"]["trained_on"] == 440
        for one in made.values():
            assert 0 <= one["accuracy"] <= 1
            assert all(0 <= rate <= 1 for rate in one["success"].values())
        assert record["quality"] > 0
        assert len(record["audits"]["model"]["curve"]) == len(record["audits"]["model"]["times"])
        assert np.shape(record["audits"]["model"]["curve"])[1] == 4


def test_the_direct_attack_works_and_the_audit_of_its_rows_names_it(study: Study) -> None:
    clean, tuned = sorted(study.records, key=lambda record: record["unit"]["attack"])
    assert clean["training"]["planted"] == 0
    assert tuned["training"]["planted"] == 24
    assert tuned["audits"]["training"]["right"]
    assert not clean["audits"]["training"]["flagged"]
    bare, obeyed = (one["classifiers"]["direct"]["success"]["patch"] for one in (clean, tuned))
    assert obeyed > bare + 0.2


def test_the_folder_holds_everything(study: Study) -> None:
    names = {path.relative_to(study.out).as_posix() for path in study.out.rglob("*") if path.is_file()}
    assert {"study.json", "results.jsonl", "summary.json", "summary.md", "plots/curves.svg"} <= names
    assert "samples/patch-10-tuned-0.png" in names
    assert not (study.out / "work").exists()
    lines = (study.out / RESULTS).read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["unit"]["attacker"] for line in lines} == {"scratch", "tuned"}


def test_the_page_tells_the_groups_and_the_plot_is_drawn(study: Study) -> None:
    assert study.page.startswith("# The data chain, scale tiny\n")
    assert "2 of 2 models are done. Images: procedural faces, 16 pixels a side" in study.page
    for line in ("| clean, under patch | scratch | 1 |", "| patch-10 | tuned | 1 |"):
        assert line in study.page
    assert (study.out / "plots" / "curves.svg").read_text().count("<polyline") == 2 * 4


def test_what_is_done_is_not_done_again(study: Study) -> None:
    before = (study.out / RESULTS).read_text(encoding="utf-8")
    scale = small(Group("clean", 1))
    again = chain(study.out, scale=scale, seed=1, device="cpu")
    assert (study.out / RESULTS).read_text(encoding="utf-8") == before
    assert len(again.records) == 2


def test_wrong_calls_are_one_line_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^jobs is a number of processes, 1 or more; found 0$"):
        chain(tmp_path / "out", scale=small(), jobs=0)
    with pytest.raises(UsageError, match=r"^unknown scale 'huge'"):
        chain(tmp_path / "out", scale="huge")
    assert not (tmp_path / "out").exists()
