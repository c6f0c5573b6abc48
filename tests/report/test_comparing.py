"""Checkpoints as files, frames and models: what is compared, and what is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import credenza
from credenza.contracts import Status, Verdict
from credenza.errors import CredenzaError
from credenza.report.json import load_schema
from credenza.report.read import from_dict

KINDS = np.array(["cat", "dog", "fox"])
ROWS = 900


def table(seed: int = 0, fall: int = 0, **more: Any) -> pa.Table:
    """Predictions right in 90% of the rows, chance turns of a few by the seed; ``fall`` cats turn to foxes."""
    rng = np.random.default_rng(7)
    truth, site = np.repeat(KINDS, ROWS // 3), rng.choice(["A", "B"], ROWS)
    predicted = np.where(rng.random(ROWS) < 0.9, truth, rng.choice(KINDS, ROWS))
    own = np.random.default_rng(seed)
    predicted = np.where(own.random(ROWS) < 0.004, own.choice(KINDS, ROWS), predicted)
    predicted[np.flatnonzero((truth == "cat") & (predicted == "cat"))[:fall]] = "fox"
    columns = {"id": np.arange(ROWS), "kind": truth, "site": site, "predicted": predicted}
    return pa.table(columns | more)


def subjects(found: credenza.Audit) -> list[tuple[str, ...]]:
    return [finding.subject for outcome in found.outcomes for finding in outcome.findings]


def test_a_jump_and_its_target_are_named() -> None:
    found = credenza.compare([table(1), table(2, fall=25)], labels="kind")
    step = "checkpoint 1 -> checkpoint 2"
    assert found.verdict is Verdict.FLAGGED
    assert subjects(found)[0] == ("cat", step)
    assert ("cat", "fox", step) in subjects(found)
    first = found.outcomes[0].findings[0]
    assert first.q is not None
    assert first.q <= 0.05
    assert first.message.startswith("recall of cat went from ")
    assert found.exit_status() == 1
    assert repr(found).startswith("<Audit flagged: cat jumped between checkpoint 1 and checkpoint 2")


def test_the_same_predictions_are_clear_and_say_what_they_could_have_missed() -> None:
    found = credenza.compare([table(1), table(1)], labels="kind", slices="site")
    assert found.verdict is Verdict.CLEAR
    assert "80% power" in found.outcomes[0].reason
    assert "fewer than 4 checkpoints" in found.outcomes[0].reason


def test_json_html_and_reading_back(tmp_path: Path) -> None:
    found = credenza.compare(
        [table(k, fall=25 * (k == 4)) for k in range(1, 6)], labels="kind", slices="site"
    )
    document = json.loads(found.to_json())
    jsonschema.validate(document, load_schema())
    again = credenza.Audit(from_dict(document))
    for page in (found.to_html(), again.to_html()):
        assert 'class="courses"' in page
        assert "cat jumped between checkpoint 3 and checkpoint 4" in page
    details = document["outcomes"][0]["details"]
    assert [len(row) for row in details["recall"]] == [5, 5, 5]
    assert details["jumps"] == [["cat", 3]]
    assert document["settings"]["min_change"] == 0.035


def test_data_apart_and_rows_in_another_order(tmp_path: Path) -> None:
    whole = [table(1), table(2, fall=25)]
    order = np.random.default_rng(0).permutation(ROWS)
    test = whole[0].select(["id", "kind", "site"])
    bare = [whole[0].select(["id", "predicted"]), whole[1].select(["id", "predicted"]).take(order)]
    pq.write_table(bare[0], tmp_path / "old.parquet")
    pa.csv.write_csv(bare[1], tmp_path / "new.csv")
    found = credenza.compare(
        [tmp_path / "old.parquet", tmp_path / "new.csv"], labels="kind", data=test, rows="id", slices="site"
    )
    plain = credenza.compare(whole, labels="kind", slices="site")
    assert [f.p for f in found.outcomes[0].findings] == [f.p for f in plain.outcomes[0].findings]
    assert subjects(found)[0] == ("cat", "old -> new")


def probable(given: pa.Table, sure: float) -> pa.Table:
    """The same with probabilities of the classes and without predictions."""
    names = np.array(given["predicted"].to_pylist())
    chances = {f"probability_{k}": np.where(names == k, sure, (1 - sure) / 2) for k in KINDS}
    return pa.table({"kind": given["kind"], **chances})


def test_probabilities_alone_will_do() -> None:
    found = credenza.compare([probable(table(1), 0.8), probable(table(2, fall=25), 0.8)], labels="kind")
    kinds = {finding.details["kind"] for finding in found.outcomes[0].findings}
    assert {"class", "probability"} <= kinds


def test_the_association_of_a_pair_is_followed() -> None:
    rng = np.random.default_rng(3)
    smile, glasses = rng.random(ROWS) < 0.5, rng.random(ROWS) < 0.4
    linked = np.where(rng.random(ROWS) < 0.3, smile, glasses)
    one = table(1, smile=smile, glasses=glasses)
    two = table(1, smile=smile, glasses=linked)
    found = credenza.compare([one, two], labels="kind", pairs=[("smile", "glasses")])
    assert subjects(found) == [("smile = true", "glasses = true", "checkpoint 1 -> checkpoint 2")]
    assert not subjects(credenza.compare([one, two], labels="kind", pairs=[("kind", "site")]))
    data = one.select(["kind", "site"]).append_column("city", one["site"])
    bare = [given.select(["predicted"]) for given in (one, two)]
    with pytest.raises(CredenzaError, match="neither 'site' nor 'city' is predicted by all checkpoints"):
        credenza.compare(bare, labels="kind", data=data, pairs=[("site", "city")])


def test_a_change_of_the_whole_is_a_notice() -> None:
    base = table(1)
    truth = np.array(base["kind"].to_pylist())
    predicted = np.array(base["predicted"].to_pylist())
    wrong = np.random.default_rng(0).random(ROWS) < 0.08
    worse = np.where(wrong, KINDS[(np.searchsorted(KINDS, truth) + 1 + np.arange(ROWS) % 2) % 3], predicted)
    found = credenza.compare([base, table(1).set_column(3, "predicted", [worse])], labels="kind")
    kinds = [(finding.details["kind"], str(finding.severity)) for finding in found.outcomes[0].findings]
    assert ("whole", "notice") in kinds
    assert "class" not in [kind for kind, _ in kinds]


REFUSED: list[tuple[str, Callable[[], Any], str]] = [
    (
        "one",
        lambda: credenza.compare([table()], labels="kind"),
        "found 1 checkpoint: give two or more, in order",
    ),
    (
        "lengths",
        lambda: credenza.compare([table(), table()[:100]], labels="kind"),
        "has 100 rows and Arrow table has 900: give predictions for the same test rows",
    ),
    (
        "labels",
        lambda: credenza.compare([table(), table()], labels="truth"),
        "the true classes are missing: Arrow table has no column 'truth'",
    ),
    (
        "others",
        lambda: credenza.compare(
            [table(), table().set_column(3, "predicted", [["cow"] * ROWS])], labels="kind"
        ),
        "checkpoint 2 predicts the class 'cow', which no test row has: the true classes are 'cat', 'dog', 'fox'",
    ),
    (
        "rows",
        lambda: credenza.compare([table(), table().take(np.arange(ROWS)[::-1])], labels="kind"),
        "the true classes of Arrow table differ from those of Arrow table in 600 rows",
    ),
    (
        "twice",
        lambda: credenza.compare([table(), table()], labels="kind", rows="site"),
        "the column 'site' of Arrow table names a row twice",
    ),
    (
        "unnamed",
        lambda: credenza.compare(
            [table(), table().set_column(0, "id", [np.arange(ROWS) + 1])], labels="kind", rows="id"
        ),
        "has no row named '0' in 'id'",
    ),
    (
        "column",
        lambda: credenza.compare([table().rename_columns(["id", "kind", "site", "said"])] * 2, labels="kind"),
        "has no column of predicted classes",
    ),
    (
        "predicted",
        lambda: credenza.compare([table(), table()], labels="kind", predicted="predict"),
        "--predicted names 'predict', which Arrow table does not have: did you mean 'predicted'?",
    ),
    (
        "range",
        lambda: credenza.compare([probable(table(), 1.4), probable(table(), 0.8)], labels="kind"),
        "has probabilities out of range in 900 rows",
    ),
    (
        "sum",
        lambda: credenza.compare(
            [probable(table(), 0.8).set_column(1, "probability_cat", [[0.9] * ROWS]), table()], labels="kind"
        ),
        "sum to 1.8 in a row; give those of all classes, which sum to 1",
    ),
    (
        "kinds",
        lambda: credenza.compare([table(probability_cow=np.zeros(ROWS)), table()], labels="kind"),
        "has probabilities 'probability_cow'; the true classes are 'cat', 'dog', 'fox'",
    ),
    (
        "missing",
        lambda: credenza.compare(
            [table(), table().set_column(3, "predicted", [[None] * 9 + ["cat"] * 891])], labels="kind"
        ),
        "column 'predicted' of Arrow table has 9 missing values",
    ),
    (
        "fractions",
        lambda: credenza.compare(
            [table(), table().set_column(3, "predicted", [np.full(ROWS, 0.5)])], labels="kind"
        ),
        "column 'predicted' of Arrow table holds fractions; give a column of classes",
    ),
    (
        "slices",
        lambda: credenza.compare([table(), table()], labels="kind", slices="sites"),
        "--slices names 'sites', which Arrow table does not have: did you mean 'site'?",
    ),
    (
        "fdr",
        lambda: credenza.compare([table(), table()], labels="kind", fdr=0.0),
        "fdr is 0.0: give a number above 0",
    ),
    (
        "change",
        lambda: credenza.compare([table(), table()], labels="kind", min_change=2.0),
        "min_change is 2.0: give a number from 0 to below 1",
    ),
    (
        "seed",
        lambda: credenza.compare([table(), table()], labels="kind", seed=-1),
        "seed is -1: give a whole number, 0 or more",
    ),
    (
        "pair",
        lambda: credenza.compare([table(), table()], labels="kind", pairs=["kind"]),
        "a pair is two columns: found 'kind'",
    ),
    (
        "itself",
        lambda: credenza.compare([table(), table()], labels="kind", pairs=[("kind", "kind")]),
        "--pairs names 'kind' twice: give two columns",
    ),
]


@pytest.mark.parametrize(
    ("call", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_bad_input_is_refused_in_one_line(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(CredenzaError) as caught:
        call()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_row_turned() -> None:
    found = credenza.compare([table(1), table(1), table(1), table(1)], labels="kind")
    assert found.outcomes[0].status is Status.CLEAR
    assert found.outcomes[0].reason.startswith(
        "0 changes of classes and predicted shares tested over 3 steps"
    )
