"""The study's result as a page of Markdown tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from credenza.data.write import write_text
from credenza.studies.chain.settings import CLEAN
from credenza.studies.chain.summary import AUDITS
from credenza.studies.common.tables import number, table

Record = dict[str, Any]
USES = ("direct", "synthetic", "augmented", "scarce")
MEANS = ("synthetic", "drop", "weigh", "dilute", "drop and dilute")


def write_page(summary: Record, path: Path) -> None:
    """Write the tables."""
    write_text("\n".join(page(summary)), path)


def page(summary: Record) -> Iterator[str]:
    """The page, part by part."""
    units, groups, scale = summary["units"], summary["groups"], summary["scale"]
    yield f"# The data chain, scale {scale['name']}\n"
    yield (
        f"{units['done']} of {units['wanted']} models are done. Images: {summary['source']}, {scale['size']} pixels a "
        f"side, classes {', '.join(summary['classes'])}; the target is {summary['classes'][0]!r}. {scale['train']:,} "
        f"training rows, {scale['generated']:,} generated, {scale['own']:,} of the user's own ({scale['scarce']:,} "
        "where data is scarce). Means over models, with the least and the largest.\n"
    )
    yield "## From poisoned rows to a classifier\n"
    yield "Attack success: share of test images of other classes that the trigger turns into the target.\n"
    yield table(*success_table(groups))
    yield "Accuracy of the same classifiers on clean test images:\n"
    yield table(*accuracy_table(groups))
    yield "## The trigger in what is generated\n"
    yield table(*share_table(groups))
    yield "## What the checks say before anything is trained on the images\n"
    yield table(*audit_table(groups))
    yield "## Mitigation\n"
    yield "Attack success and accuracy after it; dropped rows by an oracle that knows the trigger.\n"
    yield table(*mitigation_table(groups))
    yield "## Over the noise levels\n"
    yield "AUC of the oracle: foreseen images of the target against those of other classes.\n"
    yield table(*curve_table(groups))


def share(entry: Record | None, digits: int = 1) -> str:
    """Percent: the mean, and the range where there is one.

    >>> share({"mean": 0.5, "least": 0.4, "most": 0.6}), share({"mean": 1.0, "least": 1.0, "most": 1.0}), share(None)
    ('50.0% (40.0-60.0)', '100.0%', '-')
    """
    if entry is None:
        return "-"
    text = f"{100 * entry['mean']:.{digits}f}%"
    if entry["most"] - entry["least"] < 0.5 * 10 ** (-digits - 2):
        return text
    return f"{text} ({100 * entry['least']:.{digits}f}-{100 * entry['most']:.{digits}f})"


def percent(value: float | None) -> str:
    """A share without a range.

    >>> percent(0.123), percent(None)
    ('12.3%', '-')
    """
    return "-" if value is None else f"{100 * value:.1f}%"


def named(group: Record) -> list[str]:
    """The first columns of all tables."""
    return [group["attack"], group["attacker"], str(group["models"])]


HEAD = ["attack", "attacker", "models"]


def lines_of(groups: Sequence[Record]) -> Iterator[tuple[Record, str, list[str]]]:
    """(group, trigger, first columns), a line for each trigger that clean models are tested by."""
    for group in groups:
        for trigger in group["generated"]:
            first = named(group)
            if group["attack"] == CLEAN:
                first[0] = f"clean, under {trigger}"
            yield group, trigger, first


def success_table(groups: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Attack success by use; a clean line for each trigger, which says what it turns by itself."""
    rows = [
        first + [share(group["classifiers"][use]["success"][trigger]) for use in USES]
        for group, trigger, first in lines_of(groups)
    ]
    return [*HEAD, "trained on the rows", "on generated", "and own rows", "and few own rows"], rows


def accuracy_table(groups: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Accuracy by use."""
    head = [
        *HEAD,
        "trained on the rows",
        "on generated",
        "and own rows",
        "and few own rows",
        "on own rows alone",
    ]
    return head, [
        named(group) + [share(group["classifiers"][use]["accuracy"]) for use in (*USES, "own")]
        for group in groups
    ]


def share_table(groups: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Share of the target's images that carry the trigger, before and after the model; quality beside."""
    head = [
        *HEAD,
        "share in training rows",
        "in generated",
        "ratio",
        "CZ502's ratio",
        "its interval held",
        "FD",
    ]
    rows = []
    for group, trigger, first in lines_of(groups):
        told, own = group["cz502"], group["trigger"] is not None
        rows.append(
            [
                *first,
                percent(group["share"]),
                share(group["generated"][trigger]),
                _ratio(group["amplification"]),
                _ratio(told["ratio"]) if own else "-",
                f"{told['held']} of {told['of']}" if told["of"] else "-",
                number(group["quality"]["mean"], 1),
            ]
        )
    return head, rows


def audit_table(groups: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Alarms of each check."""
    head = [*HEAD]
    for what in AUDITS.values():
        head += [f"{what}: alarms", "names the target", "AUC"]
    head += ["overlap with the patch (CZ501, CZ503)"]
    rows = []
    for group in groups:
        line = named(group)
        for name in AUDITS:
            found = group["audits"][name]
            line += [f"{found['flagged']}", f"{found['right']}" if group["trigger"] else "-"]
            line += [number(found["auc"], 2) if group["trigger"] else "-"]
        places = [group["audits"][name]["overlap"] for name in ("model", "training")]
        line += [", ".join(number(place, 2) for place in places) if group["trigger"] == "patch" else "-"]
        rows.append(line)
    return head, rows


def mitigation_table(groups: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Success and accuracy by mitigation."""
    head = [*HEAD]
    for name in MEANS:
        head += ["nothing" if name == "synthetic" else name, "accuracy"]
    head += ["dropped", "of those with the trigger", "rightly"]
    rows = []
    for group, trigger, first in lines_of(groups):
        line = list(first)
        for name in MEANS:
            found = group["classifiers"][name]
            line += [share(found["success"][trigger]), percent(found["accuracy"]["mean"])]
        lost = group["dropped"]
        line += [number(lost["dropped"], 0), percent(lost["recall"]), percent(lost["precision"])]
        rows.append(line)
    return head, rows


def curve_table(groups: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """The oracle's AUC by time."""
    head = [*HEAD, *(f"t = {time}" for time in groups[0]["times"])] if groups else HEAD
    rows = [
        first + [number(value, 2) for value in group["curve"][trigger]]
        for group, trigger, first in lines_of(groups)
    ]
    return head, rows


def _ratio(entry: Record | None) -> str:
    if entry is None:
        return "-"
    text = f"{entry['mean']:.2f}"
    if entry["most"] - entry["least"] < 0.005:
        return text
    return f"{text} ({entry['least']:.2f}-{entry['most']:.2f})"
