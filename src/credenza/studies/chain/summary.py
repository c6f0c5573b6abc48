"""From finished models to the study's result: means over the models of one attack and attacker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from credenza.attacks.success import wilson
from credenza.studies.chain.downstream import auc
from credenza.studies.chain.settings import ATTACKERS, CLEAN

Record = dict[str, Any]
CLASSIFIERS = (
    "direct",
    "own",
    "synthetic",
    "augmented",
    "scarce",
    "drop",
    "weigh",
    "dilute",
    "drop and dilute",
)
LEAST_CLEAN = 3  # models without which an AUC says nothing
AUDITS = {"model": "CZ501", "training": "CZ503", "generated": "CZ503 of the images"}


def summarised(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One entry an attack and attacker that has models, clean first; each beside clean models of its attacker."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record["unit"]["attack"], record["unit"]["attacker"]), []).append(record)
    order = sorted(groups, key=lambda key: (ATTACKERS.index(key[1]), key[0] != CLEAN, *_rank(key[0])))
    return [group_summary(key, groups[key], groups.get((CLEAN, key[1]), [])) for key in order]


def group_summary(key: tuple[str, str], group: Sequence[Record], clean: Sequence[Record]) -> dict[str, Any]:
    """Models of one attack."""
    attack, attacker = key
    trigger = None if attack == CLEAN else attack.partition("-")[0]
    shown = group[0]["triggers"]
    return {
        "attack": attack,
        "attacker": attacker,
        "trigger": trigger,
        "models": len(group),
        "planted": _mean([record["training"]["planted"] for record in group]),
        "share": _mean([record["training"]["share"] for record in group]),
        "quality": _spread([record["quality"] for record in group]),
        "generated": {
            name: _spread([record["triggers"][name]["generated"]["share"] for record in group])
            for name in shown
        },
        "amplification": _spread([record["triggers"][trigger]["amplification"] for record in group])
        if trigger
        else None,
        "curve": {
            name: np.mean([record["triggers"][name]["curve"] for record in group], axis=0).tolist()
            for name in shown
        },
        "times": group[0]["audits"]["model"]["times"],
        "deviation": [record["audits"]["model"]["curve"] for record in group],
        "classifiers": {name: classifier_summary(name, trigger, group, clean) for name in CLASSIFIERS},
        "audits": {name: audit_summary(name, group, clean) for name in AUDITS},
        "cz502": amplification_summary(trigger, group),
        "dropped": {
            name: _mean([record["dropped"][name] for record in group])
            for name in ("dropped", "recall", "precision")
        },
        "minutes": _mean([sum(record["seconds"].values()) / 60 for record in group]),
    }


def classifier_summary(
    name: str, trigger: str | None, group: Sequence[Record], clean: Sequence[Record]
) -> dict[str, Any]:
    """Accuracy and attack success of one way of training; of a clean model, success of each trigger there is."""
    made = [record["classifiers"][name] for record in group]
    names = [trigger] if trigger else list(made[0]["success"])
    beside = [record["classifiers"][name] for record in clean]
    return {
        "accuracy": _spread([one["accuracy"] for one in made]),
        "accuracy_clean": _mean([one["accuracy"] for one in beside]),
        "success": {key: _spread([one["success"][key] for one in made]) for key in names},
        "success_clean": {key: _mean([one["success"].get(key) for one in beside]) for key in names},
    }


def audit_summary(name: str, group: Sequence[Record], clean: Sequence[Record]) -> dict[str, Any]:
    """How often a check raised an alarm, named the target and the place; and its p-values against those of clean."""
    found = [record["audits"][name] for record in group]
    flagged = sum(one["flagged"] for one in found)
    beside = [record["audits"][name]["p"] for record in clean]
    p = [one["p"] for one in found]
    return {
        "flagged": flagged,
        "interval": list(wilson(flagged, len(found))),
        "right": sum(one["right"] for one in found),
        "overlap": _mean([one["overlap"] for one in found if one["right"] and one["kind"] == "place"]),
        "p": p,
        "auc": auc(-np.array(p), -np.array(beside)) if len(beside) >= LEAST_CLEAN else None,
    }


def amplification_summary(trigger: str | None, group: Sequence[Record]) -> dict[str, Any]:
    """What CZ502 said of the shares, and whether its interval holds the oracle's ratio."""
    told = [record["audits"]["amplification"] for record in group]
    known = [one for one in told if one["ratio"] is not None]
    inside = []
    for record, one in zip(group, told, strict=True):
        ends = one["interval"]
        if trigger and None not in ends:
            true = record["triggers"][trigger]["amplification"]
            inside.append(ends[0] <= true <= ends[1])
    return {
        "ratio": _spread([one["ratio"] for one in known]),
        "intervals": [one["interval"] for one in told],
        "held": sum(inside),
        "of": len(inside),
    }


def _rank(attack: str) -> tuple[str, float]:
    trigger, _, percent = attack.partition("-")
    return trigger, -float(percent or 0)


def _mean(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return float(np.mean(known)) if known else None


def _spread(numbers: Sequence[float | None]) -> dict[str, float] | None:
    """Mean, least and largest; None where nothing is known."""
    known = [number for number in numbers if number is not None]
    if not known:
        return None
    return {"mean": float(np.mean(known)), "least": float(min(known)), "most": float(max(known))}
