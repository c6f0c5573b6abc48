"""From finished units to the study's result: conditions against clean, the ablation, the audits, the paper."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from credenza.studies.associative.compare import MEASURES, Record, against_clean
from credenza.studies.associative.conditions import CONDITIONS, share_name
from credenza.studies.associative.settings import Experiment, Scale

LEVEL = 0.05
# Reported by the paper for Mouth_Slightly_Open x Wearing_Lipstick, clean and poisoned (arXiv 2511.05177).
PAPER = {"mi": (0.008, 0.119), "mcc": (0.131, 0.483)}


def summarised(scale: Scale, records: Sequence[Record]) -> list[dict[str, Any]]:
    """One entry for each experiment that has results, in the order of the scale."""
    found = [experiment_summary(experiment, records) for experiment in scale.experiments]
    return [entry for entry in found if entry["conditions"]]


def experiment_summary(experiment: Experiment, records: Sequence[Record]) -> dict[str, Any]:
    """Conditions, ablation and what was reached, of one generator."""
    own = [
        record
        for record in records
        if record["unit"]["modality"] == experiment.modality
        and record["unit"]["generator"] == experiment.generator
    ]
    groups = {
        name: [record for record in own if record["unit"]["condition"] == name]
        for name in experiment.conditions
    }
    clean = groups.get("clean", [])
    conditions = [
        condition_summary(name, group, clean, experiment.models) for name, group in groups.items() if group
    ]
    rows = ablation(conditions)
    return {
        "modality": experiment.modality,
        "generator": experiment.generator,
        "models": experiment.models,
        "conditions": conditions,
        "reader": own[0]["generated"]["measures"].get("reader") if own else None,
        "ablation": rows,
        "ablation_holds": verdict_of_ablation(rows),
    }


def condition_summary(
    name: str, group: Sequence[Record], clean: Sequence[Record], models: int
) -> dict[str, Any]:
    """One condition: every measure against the clean models, and what audits said."""
    audits = [record["training"]["audit"] for record in group]
    repairs = [repair for record in group if (repair := record["training"]["repair"])]
    made = [record["generated"]["audit"] for record in group]
    return {
        "condition": name,
        "models": len(group),
        "wanted": models,
        "quality_name": group[0]["generated"]["quality"]["name"],
        "measures": {key: against_clean(clean, group, key) for key in MEASURES},
        "training": {
            "edited": _mean([record["training"]["edited"] for record in group]),
            "modes": sorted({mode for record in group if (mode := record["training"]["mode"])}),
            "mcc": _mean([record["training"]["measures"]["mcc"] for record in group]),
            "audit": audit_counts(audits),
            "repair": repair_counts(repairs),
        },
        "generated_audit": audit_counts(made),
        "seconds": _mean([sum(record["seconds"].values()) for record in group]),
    }


def audit_counts(audits: Sequence[Record]) -> dict[str, Any]:
    """Among so many audits: those that flagged, that named the pair, and named it alone; the strength they told."""
    told = [audit["strength"] for audit in audits if audit["strength"] is not None]
    return {
        "audits": len(audits),
        "flagged": sum(audit["verdict"] == "flagged" for audit in audits),
        "named": sum(audit["named"] for audit in audits),
        "first": sum(audit["first"] for audit in audits),
        "alone": sum(audit["named"] and not audit["others"] for audit in audits),
        "others": _mean([audit["others"] for audit in audits]),
        "pairs_flagged": _mean([audit["flagged"] for audit in audits]),
        "strength": _mean(told),
    }


def repair_counts(repairs: Sequence[Record]) -> dict[str, Any] | None:
    """What repairs came to; None where none was tried."""
    if not repairs:
        return None
    done = [repair for repair in repairs if repair["done"]]
    return {
        "tried": len(repairs),
        "done": len(done),
        "method": repairs[0]["method"],
        "mcc": _mean([repair["measures"]["mcc"] for repair in done]),
        "pcc": _mean([value for repair in done if (value := repair["measures"]["pcc"]) is not None]),
        "named": sum(repair["audit"]["named"] for repair in done),
        "culprits": _mean([len(repair["audit"]["culprits"]) for repair in done]),
    }


def ablation(conditions: Sequence[Record]) -> list[dict[str, Any]]:
    """Strength of the attack against what it came to; one entry a share, with 0 for the clean models."""
    by_name = {entry["condition"]: entry for entry in conditions}
    shares = {
        share_name(item.edits): item.edits
        for item in CONDITIONS.values()
        if item.edits is not None and item.name == share_name(item.edits)
    }
    rows = []
    for name, share in (("clean", 0.0), *sorted(shares.items(), key=lambda pair: pair[1])):
        if (entry := by_name.get(name)) is None:
            continue
        mcc = entry["measures"]["mcc"]
        rows.append(
            {
                "share": share,
                "condition": name,
                "mcc": mcc["mean"],
                "mi": entry["measures"]["mi"]["mean"],
                "p": mcc.get("p"),
                "significant": (mcc.get("p") or 1.0) <= LEVEL,
                "audits": entry["training"]["audit"]["audits"],
                "named": entry["training"]["audit"]["named"],
                "modes": entry["training"]["modes"],
            }
        )
    return rows if len(rows) > 2 else []


def verdict_of_ablation(rows: Sequence[Record]) -> dict[str, Any] | None:
    """Whether association rises with the share, from which share on it is significant, and if audits were there first.

    ``caught`` : of the attacked rows up to and including that share (all of them where none is significant), every
    training set was flagged, with the pair named. None without an ablation.
    """
    attacked = [row for row in rows if row["share"] > 0]
    if not attacked:
        return None
    series = [row["mcc"] for row in rows]
    threshold = next((row["share"] for row in attacked if row["significant"]), None)
    below = [row for row in attacked if threshold is None or row["share"] <= threshold]
    return {
        "monotone": all(a < b for a, b in pairwise(series)),
        "threshold": threshold,
        "caught": all(row["named"] == row["audits"] for row in below),
        "caught_from": next((row["share"] for row in attacked if row["named"] == row["audits"]), None),
    }


def _mean(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return float(sum(known) / len(known)) if known else None
