"""``credenza poison``: carry out an attack on clean data, for testing."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from credenza.cli.options import Quiet, Seed, check_outputs, say
from credenza.cli.progress import working
from credenza.cli.records import Lineage, check_log, record_run
from credenza.cli.red_team import (
    build,
    describe,
    levels_of,
    number,
    pairs_of,
    parameters_of,
    triple_of,
    where_of,
)
from credenza.errors import UsageError

if TYPE_CHECKING:
    from credenza.attacks import Attack


class AttackName(StrEnum):
    """Attacks that can be carried out."""

    ASSOCIATIVE = "associative"
    CONTINUOUS = "continuous"
    TRIPLE = "triple"
    LABELS = "labels"
    BACKDOOR = "backdoor"
    LABEL_CONSISTENT = "label-consistent"
    FEATURE_COLLISION = "feature-collision"


class Direction(StrEnum):
    """Which way the association is moved."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    ERASE = "erase"


class Mode(StrEnum):
    """Where the rows of an associative attack come from."""

    REPLACE = "replace"
    RELABEL = "relabel"
    DUPLICATE = "duplicate"


def text(name: str, metavar: str, told: str) -> Any:
    """An optional text option."""
    return typer.Option(name, metavar=metavar, help=told)


def poison_command(
    context: typer.Context,
    clean: Annotated[
        str,
        typer.Argument(
            metavar="CLEAN", help="Data to poison: file, folder or glob; folder of images or sounds."
        ),
    ],
    attack: Annotated[
        list[AttackName],
        text("--attack", "|".join(AttackName), "What to do; several times: one after the other."),
    ],
    out: Annotated[
        str, text("--out", "PATH", "Where the poisoned data goes: a file, or a folder for a folder.")
    ],
    key: Annotated[str, text("--key", "FILE", "Where the answer key goes (JSON).")],
    pair: Annotated[
        list[str] | None, text("--pair", "A,B", "The two columns; several times: several pairs.")
    ] = None,
    triple: Annotated[str | None, text("--triple", "A,B,C", "The three columns of --attack triple.")] = None,
    levels: Annotated[
        list[str] | None,
        text("--levels", "X,Y", "The level of each column that has more than two; once for each --pair."),
    ] = None,
    strength: Annotated[
        float | None, text("--strength", "E", "Probability moved onto each on-diagonal cell.")
    ] = None,
    edits: Annotated[float | None, text("--edits", "SHARE", "Share of the rows to edit (twice E).")] = None,
    correlation: Annotated[
        float | None, text("--correlation", "R", "Pearson correlation to reach (continuous).")
    ] = None,
    passes: Annotated[
        int | None, text("--passes", "N", "Passes of neighbour exchanges (continuous).")
    ] = None,
    direction: Annotated[
        Direction | None,
        text(
            "--direction", "|".join(Direction), "Which way; erase needs no size, and leaves no association."
        ),
    ] = None,
    mode: Annotated[
        Mode | None,
        text(
            "--mode",
            "|".join(Mode),
            "Put in rows of the hold-out, edit the last column, or copy rows of CLEAN.",
        ),
    ] = None,
    holdout: Annotated[str | None, text("--holdout", "FILE", "Genuine rows for --mode replace.")] = None,
    strata: Annotated[
        list[str] | None, text("--strata", "COL", "Attack inside groups of equal values; repeatable.")
    ] = None,
    where: Annotated[
        list[str] | None,
        text("--where", "COL=VALUE", "Poison only these rows; shard=NAME is a file of a folder; repeatable."),
    ] = None,
    labels: Annotated[str | None, text("--labels", "COL", "The label column.")] = None,
    rate: Annotated[
        float | None, text("--rate", "SHARE", "Share of rows to edit (labels, backdoor).")
    ] = None,
    source: Annotated[str | None, text("--source", "LABEL", "Label that is attacked.")] = None,
    target: Annotated[str | None, text("--target", "LABEL", "Label that it becomes.")] = None,
    kind: Annotated[
        str | None, text("--kind", "random|targeted|boundary", "How the rows of --attack labels are chosen.")
    ] = None,
    embeddings: Annotated[
        str | None, text("--embeddings", "FILE", "Features that say where the boundary is (.npy or a table).")
    ] = None,
    trigger: Annotated[
        str | None,
        text(
            "--trigger",
            "NAME,PARAMETER=VALUE,...",
            "Such as patch,size=3 or phrase,text=...; see docs/attacks.md.",
        ),
    ] = None,
    column: Annotated[str | None, text("--column", "COL", "The column of images, texts or sounds.")] = None,
    mapping: Annotated[
        str | None, text("--mapping", "all-to-one|all-to-all", "Which label a triggered row gets.")
    ] = None,
    clean_label: Annotated[
        bool, typer.Option("--clean-label", help="Put the trigger on rows of the target label only.")
    ] = False,
    model: Annotated[str | None, text("--model", "FILE", "Model whose representation is attacked.")] = None,
    victim: Annotated[
        str | None, text("--victim", "ROW|FILE", "What --attack feature-collision aims at.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        text("--set", "NAME=VALUE", "Any other parameter of the attack, such as steps=40; repeatable."),
    ] = None,
    dilute: Annotated[
        str | None, text("--dilute", "FILE", "Clean rows to append behind the poisoned ones.")
    ] = None,
    dilute_rows: Annotated[
        int | None, text("--dilute-rows", "N", "How many of them; all by default.")
    ] = None,
    test_set: Annotated[
        str | None,
        text("--test-set", "FILE", "Clean test data that gets the trigger on every row (backdoor)."),
    ] = None,
    test_out: Annotated[str | None, text("--test-out", "PATH", "Where the triggered test data goes.")] = None,
    lineage: Lineage = None,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Poison clean data, and write it and the answer key.

    Options go to the attacks that take them. Associations: --pair (or --triple) and a size, which is one of
    --strength, --edits, --correlation, --passes or --direction erase; no column's marginal changes. Labels: --labels
    and --rate. Backdoors: --trigger, --labels, --target and --rate.
    """
    from credenza.data.write import write_text

    check_outputs({"--key": key, "--test-out": test_out}, [clean, holdout, dilute, test_set, out])
    check_log(lineage, [out, key, test_out])
    planned = build(
        [name.value for name in attack],
        {
            "pair": pairs_of(pair),
            "triple": triple_of(triple),
            "levels": levels_of(levels, len(pair or ())),
            "strength": strength,
            "edits": edits,
            "correlation": correlation,
            "passes": passes,
            "direction": None if direction is None else direction.value,
            "mode": None if mode is None else mode.value,
            "strata": tuple(strata or ()),
            "where": where_of(where),
            "labels": labels,
            "rate": rate,
            "source": source,
            "target": target,
            "kind": kind,
            "embeddings": embeddings,
            "trigger": trigger,
            "column": column,
            "mapping": mapping,
            "clean_label": clean_label or None,
            "model": model,
            "victim": None if victim is None else number(victim),
            "dilute": dilute,
            "dilute_rows": dilute_rows,
            **parameters_of(settings),
        },
    )
    if holdout is not None and not planned.takes_holdout:
        raise UsageError("--holdout is for --mode replace, which puts in genuine rows: leave it out")
    tests = test_builder(planned, test_set, test_out)
    with working("poisoning", quiet=quiet):
        done = planned.write(clean, out, holdout=holdout, seed=seed)
        write_text(done.to_json(), key)
        if tests is not None:
            tests.write_test_set(test_set, test_out, seed=seed)
    record_run(
        context,
        inputs=("clean", "holdout", "dilute", "test_set", "embeddings"),
        outputs=("out", "test_out"),
        documents=("key", "model", "victim"),
    )
    say(f"{describe(done)}; wrote {out} and {key}" + (f" and {test_out}" if tests else ""), quiet=quiet)


def test_builder(planned: Attack, test_set: str | None, test_out: str | None) -> Any:
    """The backdoor that makes the test data, if that was asked for."""
    if test_set is None and test_out is None:
        return None
    if test_set is None or test_out is None:
        raise UsageError("--test-set and --test-out go together: give both, or neither")
    makers = [a for a in getattr(planned, "attacks", (planned,)) if hasattr(a, "write_test_set")]
    if not makers:
        raise UsageError("--test-set is for attacks with a trigger: use --attack backdoor")
    return makers[0]
