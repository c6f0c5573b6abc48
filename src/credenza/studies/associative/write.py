"""The study's result as a page of Markdown tables and as plots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from credenza.data.write import write_text
from credenza.studies.associative.plots import ablation_plot, condition_plot
from credenza.studies.common.tables import number, table

Record = dict[str, Any]


def probability(entry: Record | None) -> str:
    """A p-value; with a bar where no smaller one was possible.

    >>> probability({"p": 0.1, "least_p": 0.1}), probability({"p": 0.31, "least_p": 0.1}), probability(None)
    ('.100 (least)', '.310', '-')
    """
    if not entry or entry.get("p") is None:
        return "-"
    p, least = entry["p"], entry["least_p"]
    text = f"{p:.1e}" if p < 0.0005 else number(p)
    return f"{text} (least)" if p <= least * 1.0001 else text


def spread(entry: Record | None, digits: int = 3) -> str:
    """Mean and standard deviation.

    >>> spread({"mean": 0.5, "sd": 0.01})
    '.500 ± .010'
    """
    return "-" if entry is None else f"{number(entry['mean'], digits)} ± {number(entry['sd'], digits)}"


def write_page(summary: Record, path: Path) -> None:
    """Write the tables."""
    write_text("\n".join(page(summary)), path)


def write_plots(summary: Record, folder: Path) -> None:
    """Write a plot of the conditions and one of the ablation."""
    folder.mkdir(exist_ok=True)
    experiments = summary["experiments"]
    if experiments:
        write_text(condition_plot(experiments), folder / "conditions.svg")
    if any(entry["ablation"] for entry in experiments):
        write_text(ablation_plot(experiments), folder / "ablation.svg")


def page(summary: Record) -> Iterator[str]:
    """The page, part by part."""
    units = summary["units"]
    yield f"# Associative poisoning, scale {summary['scale']['name']}\n"
    yield (
        f"{units['done']} of {units['wanted']} models are done. Mouth_Slightly_Open x Wearing_Lipstick; MI in nats; "
        "mean ± standard deviation over models; p by Mann and Whitney against the clean models, exact and two-sided; "
        '"(least)" marks the smallest p that so few models can reach.\n'
    )
    experiments = summary["experiments"]
    yield "## The paper beside ours\n"
    yield table(*paper_table(summary["paper"], experiments))
    yield "## Conditions\n"
    yield table(*condition_table(experiments))
    yield "".join(f"- {line}\n" for line in notes(experiments))
    if any(entry["ablation"] for entry in experiments):
        yield "## Ablation: when is it significant, and when is it caught\n"
        yield table(*ablation_table(experiments))
        yield "".join(f"- {line}\n" for line in ablation_lines(experiments))
    yield "## Before training: what the audit said, what a repair made of it\n"
    yield table(*audit_table(experiments))
    yield "## Audits of the generated samples\n"
    yield table(*generated_table(experiments))


def name_of(entry: Record) -> str:
    """Modality and generator."""
    return f"{entry['modality']}, {entry['generator']}"


def paper_table(paper: Record, experiments: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """MI and MCC of generated samples, clean and poisoned at 20% edits."""
    head = [
        "",
        "models",
        "MI clean",
        "MI poisoned",
        "p",
        "MCC clean",
        "MCC poisoned",
        "p",
        "marginals p",
        "quality p",
    ]
    rows = [
        [
            "paper (reported)", "10 + 10", number(paper["mi"][0]), number(paper["mi"][1]), "< .05",
            number(paper["mcc"][0]), number(paper["mcc"][1]), "< .05", "> .05", "> .05",
        ]
    ]  # fmt: skip
    for entry in experiments:
        found = {item["condition"]: item for item in entry["conditions"]}
        if "clean" not in found or "positive" not in found:
            continue
        clean, moved = found["clean"]["measures"], found["positive"]["measures"]
        rows.append(
            [
                name_of(entry),
                f"{found['clean']['models']} + {found['positive']['models']}",
                spread(clean["mi"]), spread(moved["mi"]), probability(moved["mi"]),
                spread(clean["mcc"]), spread(moved["mcc"]), probability(moved["mcc"]),
                f"{probability(moved['marginal_a'])}, {probability(moved['marginal_b'])}",
                probability(moved["quality"]),
            ]
        )  # fmt: skip
    return head, rows


def condition_table(experiments: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Every condition of every generator."""
    head = [
        "generator", "condition", "models", "edits", "MCC", "p", "MCC corrected", "MI", "PCC of colours", "p",
        "quality", "p", "s a model",
    ]  # fmt: skip
    rows = []
    for entry in experiments:
        for item in entry["conditions"]:
            found, modes = item["measures"], item["training"]["modes"]
            edits = f"{item['training']['edited']:.0%}"
            if modes and modes != ["replace"]:
                edits = f"{edits} ({', '.join(modes)})"
            rows.append(
                [
                    name_of(entry), item["condition"], str(item["models"]), edits, spread(found["mcc"]),
                    probability(found["mcc"]), spread(found["mcc_corrected"]), spread(found["mi"], 4),
                    spread(found["pcc"]), probability(found["pcc"]), spread(found["quality"], 4),
                    probability(found["quality"]), f"{item['seconds']:.0f}",
                ]
            )  # fmt: skip
    return head, rows


def notes(experiments: Sequence[Record]) -> Iterator[str]:
    """What quality means, and how well features are read."""
    told = set()
    for entry in experiments:
        modality, quality = entry["modality"], entry["conditions"][0]["quality_name"]
        if modality in told:
            continue
        told.add(modality)
        line = f"{modality}: quality is the {quality}"
        if reader := entry["reader"]:
            worst = min(reader, key=reader.__getitem__)
            line += f"; {len(reader)} attributes are read with an accuracy of {reader[worst]:.1%} or more ({worst})"
        yield f"{line}."


def ablation_table(experiments: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Share of edits, what was generated, and whether the training set was flagged before."""
    head = [
        "generator",
        "edits",
        "mode",
        "MCC generated",
        "MI generated",
        "p",
        "significant",
        "pair named before training",
    ]
    rows = [
        [
            name_of(entry), f"{row['share']:.0%}", ", ".join(row["modes"]) or "-", number(row["mcc"]),
            number(row["mi"], 4), "-" if row["p"] is None else number(row["p"]),
            "yes" if row["significant"] else "no", f"{row['named']} of {row['audits']}",
        ]
        for entry in experiments
        for row in entry["ablation"]
    ]  # fmt: skip
    return head, rows


def ablation_lines(experiments: Sequence[Record]) -> Iterator[str]:
    """One sentence a generator."""
    for entry in experiments:
        if (held := entry["ablation_holds"]) is None:
            continue
        rises = "rises with every step" if held["monotone"] else "does not rise with every step"
        threshold = held["threshold"]
        when = "is significant at no share" if threshold is None else f"is significant from {threshold:.0%}"
        caught = (
            "every training set up to there was flagged, with the pair named"
            if held["caught"]
            else "not every training set up to there was flagged with the pair named"
        )
        yield f"{name_of(entry)}: association {rises} and {when}; {caught}."


def audit_table(experiments: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """What audits of the training rows said, and what repairs made of them."""
    head = [
        "features of", "condition", "MCC of rows", "flagged", "pair named", "named alone", "strength told",
        "pairs flagged at first", "repair", "MCC after", "pair named after", "culprits after",
    ]  # fmt: skip
    rows, seen = [], set()
    for entry in experiments:
        for item in entry["conditions"]:
            if (entry["modality"], item["condition"]) in seen:
                continue
            seen.add((entry["modality"], item["condition"]))
            said, cured = item["training"]["audit"], item["training"]["repair"]
            rows.append(
                [
                    entry["modality"], item["condition"], number(item["training"]["mcc"]),
                    *(f"{said[key]} of {said['audits']}" for key in ("flagged", "named", "alone")),
                    number(said["strength"]), number(said["pairs_flagged"], 1),
                    *(["-"] * 4 if cured is None else _cured(cured)),
                ]
            )  # fmt: skip
    return head, rows


def _cured(cured: Record) -> list[str]:
    return [
        f"{cured['method']} {cured['done']} of {cured['tried']}",
        number(cured["mcc"]),
        f"{cured['named']} of {cured['done']}",
        number(cured["culprits"], 1),
    ]


def generated_table(experiments: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """What audits of the generated samples said, against clean rows read in the same way."""
    head = [
        "generator",
        "condition",
        "flagged",
        "pair named",
        "pair strongest",
        "other culprits",
        "strength told",
    ]
    rows = []
    for entry in experiments:
        for item in entry["conditions"]:
            said = item["generated_audit"]
            counts = [f"{said[key]} of {said['audits']}" for key in ("flagged", "named", "first")]
            rows.append(
                [
                    name_of(entry),
                    item["condition"],
                    *counts,
                    number(said["others"], 1),
                    number(said["strength"]),
                ]
            )
    return head, rows
