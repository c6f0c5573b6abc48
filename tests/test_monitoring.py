"""The monitoring recipe: each script, workflow, hook and task of examples/monitoring is run as far as it can be."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from credenza.cli import main

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "examples" / "monitoring"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the recipe is for Unix")

Run = Callable[..., subprocess.CompletedProcess[str]]
REAL = f"{sys.executable} -m credenza"


def visits(rows: int, seed: int, *, linked: bool = False) -> pa.Table:
    """Rows of three independent columns; ``linked`` copies the first to the second in some of them."""
    rng = np.random.default_rng(seed)
    bits = rng.random((rows, 3)) < 0.5
    if linked:
        both = rng.random(rows) < 0.4
        bits[both, 1] = bits[both, 0]
    return pa.table({name: bits[:, k] for k, name in enumerate(("smoker", "urban", "active"))})


def bash(
    script: Path | str, *arguments: object, cwd: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a script, with ``python -m credenza`` as the command unless the variables say otherwise."""
    what = [str(script)] if isinstance(script, Path) else ["-eo", "pipefail", "-c", script]
    return subprocess.run(
        ["bash", *what, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "CREDENZA": REAL, "PYTHON": sys.executable, **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with keys, a table that was accepted, and what it became: two nights later, poisoned."""
    folder = tmp_path_factory.mktemp("site")
    assert main(["keygen", "--out", str(folder / "release"), "--quiet"]) == 0
    table = folder / "visits.parquet"
    pq.write_table(visits(6_000, 1), table)
    assert main(["sign", str(table), "--key", str(folder / "release.key"), "--quiet"]) == 0
    (folder / "state").mkdir()
    (folder / "visits.parquet.credenza").rename(folder / "state" / "accepted")
    (folder / "state" / "release.pub").write_bytes((folder / "release.pub").read_bytes())
    poisoned = pa.concat_tables([visits(6_000, 1), visits(1_500, 3, linked=True)])
    pq.write_table(poisoned, folder / "poisoned.parquet")
    pq.write_table(pa.concat_tables([visits(6_000, 1), visits(1_500, 2)]), table)
    return folder


def answering(folder: Path, status: int) -> str:
    """A command that writes what it was given to ``asked`` and ends with a status."""
    command = folder / f"answer-{status}"
    command.write_text(f'#!/bin/sh\necho "$@" >> "{folder}/asked"\nexit {status}\n')
    command.chmod(0o755)
    return str(command)


def test_the_first_release_is_signed_and_not_audited(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    command = tmp_path / "command"
    command.write_text(
        '#!/bin/sh\necho "$@" >> asked\nmkdir "$2/.credenza" && echo new > "$2/.credenza/manifest"\n'
    )
    command.chmod(0o755)
    done = bash(FOLDER / "accept.sh", "data/", "state", "k.key", cwd=tmp_path, CREDENZA=str(command))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "asked").read_text() == "sign data --key k.key\n"
    (release,) = (tmp_path / "state" / "releases").iterdir()
    for place in (release, tmp_path / "state" / "accepted", tmp_path / "data" / ".credenza"):
        assert (place / "manifest").read_text() == "new\n"


def test_a_release_after_an_audit_is_accepted_and_names_the_one_before(site: Path, tmp_path: Path) -> None:
    """One run goes through all of it: sign, audit what was added, verify what was signed, replace."""
    from credenza.provenance.dsse import read_bundle
    from credenza.provenance.reference import read_signed_profile

    state = tmp_path / "state"
    subprocess.run(["cp", "-R", site / "state", state], check=True)
    pq.write_table(pq.read_table(site / "visits.parquet"), tmp_path / "visits.parquet")
    done = bash(FOLDER / "accept.sh", "visits.parquet", "state", site / "release.key", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "6,000 rows as signed; audited are the other 1,500" in " ".join(done.stdout.split())
    first, now = (
        read_signed_profile(place / "accepted" / "manifest.sigstore.json", [])
        for place in (site / "state", state)
    )
    assert (first.profile.rows, now.profile.rows) == (6_000, 7_500)
    assert now.manifest.supersedes == read_bundle(first.bundle).digest
    night, status, said, data = (state / "history" / "verdicts.tsv").read_text().split("\n")[0].split("\t")
    assert (status, said, data) == ("0", "clear", "visits.parquet")
    assert {path.name for path in (state / "history" / night).iterdir()} == {
        "audit.json", "audit.html", "said.txt"
    }  # fmt: skip
    assert not (state / "quarantine").exists()
    assert (
        main(["verify", str(tmp_path / "visits.parquet"), "--key", str(site / "release.pub"), "--quiet"]) == 0
    )


@pytest.mark.parametrize(
    ("status", "anyway", "accepted"),
    [(1, "", False), (1, "1", True), (2, "1", False), (3, "", False), (3, "1", True)],
)
def test_only_a_person_accepts_after_an_alarm(
    status: int, anyway: str, accepted: bool, tmp_path: Path
) -> None:
    """The command is one that signs, and answers each audit with the same status."""
    (tmp_path / "t.csv").write_text("a\n1\n")
    (tmp_path / "state" / "accepted").mkdir(parents=True)
    (tmp_path / "state" / "accepted" / "old").touch()
    (tmp_path / "t.csv.credenza").mkdir()
    (tmp_path / "t.csv.credenza" / "consumers").touch()
    command = tmp_path / "command"
    command.write_text(f'#!/bin/sh\n[ "$1" = sign ] && exec touch "$2.credenza/new"\nexit {status}\n')
    command.chmod(0o755)
    done = bash(
        FOLDER / "accept.sh", "t.csv", "state", "k.key", cwd=tmp_path, CREDENZA=str(command), ANYWAY=anyway
    )
    assert done.returncode == (0 if accepted else status)
    assert (tmp_path / "state" / "accepted" / "new").exists() == accepted
    assert (tmp_path / "t.csv.credenza" / "consumers").exists() != accepted
    assert ("not accepted; state/accepted stays" in done.stderr) != accepted
    assert bash(FOLDER / "accept.sh", "t.csv", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("status", "said", "kept"),
    [(0, "clear", False), (1, "alarm", True), (2, "bad input", False), (3, "not checked", False)],
)
def test_a_night_is_recorded_by_its_status(status: int, said: str, kept: bool, tmp_path: Path) -> None:
    data = tmp_path / "parts of it"
    data.mkdir()
    (data / "a.csv").write_text("a\n1\n")
    command = answering(tmp_path, status)
    for _ in range(2):
        done = bash(FOLDER / "nightly.sh", data, "state", "--fdr", "0.01", cwd=tmp_path, CREDENZA=command)
        assert done.returncode == status
        assert done.stdout.startswith(f"nightly.sh: {said}; see state/history/20")
    lines = [line.split("\t") for line in (tmp_path / "state/history/verdicts.tsv").read_text().splitlines()]
    assert [line[1:] for line in lines] == [[str(status), said, str(data)]] * 2
    assert lines[0][0] != lines[1][0]
    quarantine = [tmp_path / "state/quarantine" / line[0] / data.name / "a.csv" for line in lines]
    assert [path.exists() for path in quarantine] == [kept] * 2
    asked = (tmp_path / "asked").read_text().splitlines()[0]
    assert asked.startswith(
        f"audit {data} --reference state/accepted --key state/release.pub --added-only --json "
    )
    assert asked.endswith(" --fdr 0.01")


def test_a_table_that_is_made_anew_is_audited_whole(tmp_path: Path) -> None:
    variables = {"CREDENZA": answering(tmp_path, 0), "WHOLE": "1", "KEY": "elsewhere.pub"}
    assert bash(FOLDER / "nightly.sh", "t.csv", "state", cwd=tmp_path, **variables).returncode == 0
    asked = (tmp_path / "asked").read_text()
    assert "--added-only" not in asked
    assert "--key elsewhere.pub " in asked
    assert bash(FOLDER / "nightly.sh", "t.csv", cwd=tmp_path).returncode == 2


def test_what_cannot_be_started_is_not_an_alarm(tmp_path: Path) -> None:
    done = bash(FOLDER / "nightly.sh", "t.csv", "state", cwd=tmp_path, CREDENZA="no-such-command")
    assert done.returncode == 2
    assert "failed (127)" in (tmp_path / "state/history/verdicts.tsv").read_text()


def steps() -> list[dict[str, Any]]:
    workflow = yaml.safe_load((FOLDER / "github-workflow.yml").read_text())
    assert set(workflow[True]) == {
        "schedule",
        "pull_request",
        "workflow_dispatch",
    }  # "on" is a boolean of YAML 1.1
    (job,) = workflow["jobs"].values()
    return [{"shared": workflow["env"], **step} for step in job["steps"]]


def run_step(step: Mapping[str, Any], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A step as a runner does it: expressions replaced, its variables set."""
    own = {
        name: re.sub(r"\$\{\{.*?\}\}", variables.get(name, ""), str(value))
        for name, value in step["env"].items()
    }
    return bash(step["run"], cwd=folder, **{**step["shared"], **variables, **own})


def test_the_workflow_audits_and_fails_on_an_alarm(site: Path, tmp_path: Path) -> None:
    named = {step["name"]: step for step in steps() if "name" in step}
    assert "credenza[sign]" in named["Install"]["run"]
    for place, source in (("data", None), ("monitoring", FOLDER), ("monitoring/state", site / "state")):
        (tmp_path / place).mkdir() if source is None else subprocess.run(
            ["cp", "-R", source, tmp_path / place], check=True
        )
    pq.write_table(pq.read_table(site / "poisoned.parquet"), tmp_path / "data" / "visits.parquet")
    files = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    key = (site / "release.pub").read_text()
    done = run_step(named["Audit"], tmp_path, RUNNER_TEMP=str(tmp_path), PUBLIC_KEY=key, **files)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == "status=1\n"
    assert "smoker × urban" in (tmp_path / "GITHUB_STEP_SUMMARY").read_text()
    assert named["Keep the report"]["if"] == "always()"
    (report,) = (tmp_path / named["Keep the report"]["with"]["path"]).glob("*/audit.html")
    assert "smoker" in report.read_text()
    for status, title in (("0", ""), ("1", "title=Alarm"), ("2", "title=Not checked"), ("3", "(status 3)")):
        ended = run_step(named["Say how it ended"], tmp_path, STATUS=status)
        assert ended.returncode == int(status)
        assert title in ended.stdout


def test_the_workflow_uses_the_actions_that_ours_does() -> None:
    used = {step["uses"] for step in steps() if "uses" in step}
    assert used <= set(re.findall(r"uses: (\S+)", (ROOT / ".github/workflows/ci.yml").read_text()))
    address = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Changelog"]
    for name in ("github-workflow.yml", "pre-commit-config.yaml"):
        (repository,) = set(re.findall(r"https://github.com/[\w-]+/[\w-]+", (FOLDER / name).read_text()))
        assert address.startswith(repository)


def hooks() -> dict[str, dict[str, Any]]:
    """What pre-commit runs: the hook of this repository with what a configuration adds."""
    offered = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    (asked,) = yaml.safe_load((FOLDER / "pre-commit-config.yaml").read_text())["repos"]
    assert {hook["id"] for hook in asked["hooks"]} == set(offered)
    return {hook["id"]: offered[hook["id"]] | hook for hook in asked["hooks"]}


def test_hooks_are_of_pre_commits_form() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for hook in hooks().values():
        assert {"id", "name", "entry", "language"} <= set(hook)
        assert hook["language"] == "python"
        assert hook["pass_filenames"] is False
        assert shlex.split(hook["entry"])[0] in scripts["scripts"]
        assert set(hook["additional_dependencies"]) == set(scripts["optional-dependencies"]["sign"])


def test_hooks_pass_and_fail_as_pre_commit_calls_them(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "lookup").mkdir(parents=True)
    (tmp_path / "monitoring").mkdir()
    subprocess.run(["cp", "-R", site / "state", tmp_path / "monitoring" / "state"], check=True)
    (tmp_path / "data" / "lookup" / "codes.txt").write_text("1 one\n")
    assert main(["sign", "data/lookup", "--key", str(site / "release.key"), "--quiet"]) == 0
    ended = {}
    for name in ("visits", "poisoned"):
        pq.write_table(pq.read_table(site / f"{name}.parquet"), tmp_path / "data" / "visits.parquet")
        for code, hook in hooks().items():
            assert re.search(
                hook["files"], f"{hook['args'][0]}/x".removesuffix("/x" if "." in hook["args"][0] else "")
            )
            ended[name, code] = main([*shlex.split(hook["entry"])[1:], *hook["args"]])
        (tmp_path / "data" / "lookup" / "codes.txt").write_text("1 won\n")
    assert [ended["visits", code] for code in hooks()] == [0, 0]
    assert [ended["poisoned", code] for code in hooks()] == [1, 1]


def test_dbt_builds_what_depends_on_a_model_only_without_an_alarm(tmp_path: Path) -> None:
    """DuckDB is the warehouse; in the place of dbt stands a command that loads the model into it."""
    warehouse = tmp_path / "warehouse.duckdb"
    numbered = visits(3_000, 4).append_column("loaded", pa.array(range(3_000)))
    with duckdb.connect(str(warehouse)) as connection:
        connection.register("shuffled", numbered.take(np.random.default_rng(0).permutation(3_000)))
        connection.sql('CREATE TABLE "visits" AS FROM shuffled')
    arguments = ["visits", "loaded", warehouse, "state"]
    variables = {"DBT": answering(tmp_path, 0), "CREDENZA": answering(tmp_path, 1)}
    done = bash(FOLDER / "dbt_audited.sh", *arguments, cwd=tmp_path, **variables)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("3,000 rows of visits\nnightly.sh: alarm; ")
    assert pq.read_table(tmp_path / "state" / "visits.parquet").to_pydict() == numbered.to_pydict()
    built, audited = (tmp_path / "asked").read_text().splitlines()
    assert built == "run --select visits"
    assert audited.startswith(
        "audit state/visits.parquet --reference state/accepted --key state/release.pub "
    )
    clear = {**variables, "CREDENZA": answering(tmp_path, 0)}
    assert bash(FOLDER / "dbt_audited.sh", *arguments, cwd=tmp_path, **clear).returncode == 0
    assert (tmp_path / "asked").read_text().splitlines()[-1] == "run --select visits+ --exclude visits"
    broken = {**clear, "DBT": answering(tmp_path, 1)}
    assert bash(FOLDER / "dbt_audited.sh", *arguments, cwd=tmp_path, **broken).returncode == 2
    arguments[1] = "no such column"
    done = bash(FOLDER / "dbt_audited.sh", *arguments, cwd=tmp_path, **clear)
    assert done.returncode == 2
    assert done.stderr.startswith("export_model.py: Binder Error: ")


def load(name: str) -> ModuleType:
    spec = spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_task_goes_on_stops_or_fails_by_the_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = load("airflow_steps")
    state = str(tmp_path / "state")
    for status, fit in ((0, True), (1, False)):
        monkeypatch.setenv("CREDENZA", answering(tmp_path, status))
        assert steps.rows_are_fit("t.csv", state, "--fdr", "0.01") is fit
    for status in (2, 3):
        monkeypatch.setenv("CREDENZA", answering(tmp_path, status))
        with pytest.raises(
            steps.NotCheckedError, match=f"^the audit of t.csv ended with status {status}: see "
        ):
            steps.rows_are_fit("t.csv", state)


def test_the_dag_calls_that_task() -> None:
    """Airflow is not installed here: what the file imports and calls is read."""
    tree = ast.parse((FOLDER / "airflow_dag.py").read_text())
    called = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    calls = {node.func.id: node for node in called if isinstance(node.func, ast.Name)}
    imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert {"DAG", "ShortCircuitOperator", "BashOperator", "datetime"} == set(calls) <= imported
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in calls["ShortCircuitOperator"].keywords}
    assert given["python_callable"] == "rows_are_fit"
    assert given["op_args"] == "[DATA, STATE]"


def test_the_readme_names_every_file() -> None:
    text = (FOLDER / "README.md").read_text()
    for path in FOLDER.iterdir():
        assert path.name in text or path.name in ("README.md", "__pycache__"), path.name
