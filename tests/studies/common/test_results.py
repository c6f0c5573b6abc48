from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from credenza.errors import UsageError
from credenza.studies.associative.units import Unit, deciding
from credenza.studies.common.results import DESCRIPTION, RESULTS, Results

UNIT = Unit("tabular", "chow-liu", "clean", 0)
SETTINGS = {"seed": 0, "scale": {"train": 5}}


def results(folder: Path, settings: dict[str, object]) -> Results:
    return Results(folder, settings, study="associative", unit=Unit, deciding=deciding)


def refusal(folder: Path, settings: dict[str, object] | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        results(folder, settings or SETTINGS)
    return str(caught.value)


def test_units_are_found_again(tmp_path: Path) -> None:
    results(tmp_path / "out", SETTINGS).add({"unit": asdict(UNIT), "seconds": {"fit": 1.5}})
    again = results(tmp_path / "out", SETTINGS)
    assert list(again.done) == [UNIT.name]
    assert again.records[0]["seconds"] == {"fit": 1.5}


def test_folders_of_other_things_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    wanted = f"{tmp_path} holds 'notes.txt' and no study.json; give a new or empty folder"
    assert refusal(tmp_path) == wanted
    file = tmp_path / "notes.txt"
    assert refusal(file) == f"cannot write the study to {file}: it is a file; give a folder"
    deep = tmp_path / "no" / "deep"
    assert refusal(deep) == f"cannot write the study to {deep}: no folder {deep.parent}; create it first"


def test_other_settings_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    results(out, SETTINGS)
    ending = "; give another folder, or repeat what it was begun with"
    begun = f"{out} holds results of other settings"
    assert refusal(out, {**SETTINGS, "seed": 1}) == f"{begun} (seed was 0, now 1){ending}"
    assert refusal(out, {"seed": 0, "scale": {"train": 6}}) == f"{begun} (scale: train was 5, now 6){ending}"
    long = {"seed": 0, "scale": {"train": "x" * 90}}
    assert refusal(out, long) == f"{begun} (scale: train differs){ending}"
    (out / DESCRIPTION).write_text("[1]")
    assert refusal(out) == f"{begun} (no settings){ending}"
    (out / DESCRIPTION).write_text("{")
    assert refusal(out) == f"{out / DESCRIPTION} is not JSON; give a new or empty folder"


@pytest.mark.parametrize("line", ["{", '{"unit": 3}', '{"seed": 1}', '{"unit": {"modality": "x"}}'])
def test_damaged_lines_are_named(tmp_path: Path, line: str) -> None:
    out = tmp_path / "out"
    results(out, SETTINGS).add({"unit": asdict(UNIT)})
    with (out / RESULTS).open("a") as file:
        file.write(line + "\n")
    wanted = f"{out / RESULTS} is damaged in line 2: found {line!r}; delete that line"
    assert refusal(out) == wanted


def test_experiments_without_results_may_change(tmp_path: Path) -> None:
    def scale(**changes: object) -> dict[str, object]:
        done = {"modality": "tabular", "generator": "chow-liu", "conditions": ["clean"], "sampled": 9}
        open_ = {"modality": "images", "generator": "ddpm", "conditions": ["clean"], "sampled": 9}
        return {"seed": 0, "scale": {"train": 5, "experiments": [done, open_ | changes]}}

    out = tmp_path / "out"
    results(out, scale()).add({"unit": asdict(UNIT)})
    assert list(results(out, scale(sampled=3)).done) == [UNIT.name]
    assert refusal(out, {"seed": 0, "scale": {"train": 5, "experiments": []}}).startswith(
        f"{out} holds results of other settings (scale: experiments differs)"
    )
    results(out, scale(sampled=3)).add({"unit": {**asdict(UNIT), "modality": "images", "generator": "ddpm"}})
    assert list(results(out, scale(sampled=3, conditions=["clean", "positive"])).done)
    assert "experiments differs" in refusal(out, scale(sampled=4))
