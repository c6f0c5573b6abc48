"""CZ802: without whose rows does the model do better?"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from credenza.checks.base import answer, counted
from credenza.checks.contributors.blame import LEAST_OTHERS, LEAST_PARTS, Blame, blame
from credenza.checks.contributors.trials import Trials
from credenza.checks.evidence import Evidence
from credenza.contracts import Finding, Outcome, Severity, Status

SHOWN = 3


class HarmfulContributor:
    """Is there a contributor without whose rows a small model does better on trusted test rows?

    Detects: a model is trained on all rows, and again without the rows of each contributor. The fall of the mean loss
    of the test rows, of all and of each class, must be significant over the test rows, beyond what leaving out random
    parts of as many rows does, and beyond what leaving out the other contributors does. False discovery rate over all
    contributors and classes.

    Cannot see: harm that several contributors do together, each a little; poison that trusted test rows do not show,
    such as a backdoor; contributors of fewer than 20 rows; who is honest but right where the test rows are wrong.
    """

    code: ClassVar[str] = "CZ802"
    title: ClassVar[str] = "Harmful contributor"
    needs: ClassVar[tuple[str, ...]] = ("trials",)

    def run(self, evidence: Evidence) -> Outcome:
        """Name the contributors whose rows harm, strongest first."""
        trials = evidence.trials
        assert trials is not None
        many = len(trials.contributors)
        tail = _left_out(trials)
        if len(trials.part_sizes) < LEAST_PARTS and many - 2 < LEAST_OTHERS:
            reason = (
                f"{counted(many, 'contributor')} and {counted(len(trials.part_sizes), 'random part')}: "
                f"{LEAST_OTHERS + 2} contributors or {LEAST_PARTS} parts are needed to say what is usual{tail}"
            )
            return Outcome(self.code, self.title, Status.SKIPPED, reason, (), _details(trials, ()))
        found = blame(trials)
        findings, named = [], set()
        for one in found:
            if one.q <= trials.fdr and one.contributor not in named:
                named.add(one.contributor)
                findings.append(
                    self._finding(one, [b for b in found if b.contributor == one.contributor], trials)
                )
        first = found[0]
        clear = (
            f"no contributor stands out among {many} ({trials.model} model, {counted(len(trials.truth), 'test row')}); "
            f"the most suspicious is {first.contributor} (p {first.p:.2g}, q {first.q:.2g}){tail}"
        )
        return answer(self, findings, clear, details=_details(trials, found), also=tail)

    def _finding(self, one: Blame, own: list[Blame], trials: Trials) -> Finding:
        return Finding(
            self.code,
            (one.contributor, *((one.label,) if one.label is not None else ())),
            sentence(one, trials),
            Severity.ALARM,
            statistic=one.t_others if math.isfinite(one.t_others) else one.z_parts,
            p=one.p,
            q=one.q,
            effect=one.harm,
            details={
                "rows": one.rows,
                "interval": list(one.interval),
                "usual": one.usual,
                "z_parts": one.z_parts,
                "t_others": one.t_others,
                "errors": list(one.errors),
                "units": [_row(b) for b in own],
            },
        )


def sentence(one: Blame, trials: Trials) -> str:
    """Who, what happens without his rows, and what is usual."""
    low, high = one.interval
    where = "all test rows" if one.label is None else f"test rows of {one.label}"
    usual = "" if math.isnan(one.z_parts) else f"; without as many random rows by {-one.usual:+.4f}"
    return (
        f"without the {one.rows:,} rows of {trials.column} = {one.contributor} the mean loss of {where} changes by "
        f"{-one.harm:+.4f} [{-high:+.4f}, {-low:+.4f}]{usual}; errors {one.errors[0]:.1%} with them, "
        f"{one.errors[1]:.1%} without"
    )


def _left_out(trials: Trials) -> str:
    if not trials.skipped:
        return ""
    names = ", ".join(f"{name} ({why.split(';')[0]})" for name, why in trials.skipped[:SHOWN])
    more = f" and {len(trials.skipped) - SHOWN:,} more" if len(trials.skipped) > SHOWN else ""
    return f"; too small to be left out by themselves: {names}{more}"


def _row(one: Blame) -> dict[str, Any]:
    return {"class": one.label, "harm": one.harm, "p": one.p, "q": one.q, "errors": list(one.errors)}


def _details(trials: Trials, found: tuple[Blame, ...]) -> dict[str, Any]:
    harms = trials.harms()
    return {
        "contributors": list(trials.contributors),
        "rows": trials.sizes.tolist(),
        "classes": list(trials.classes),
        "harm": harms[:, 0].tolist(),
        "harm_by_class": harms[:, 1:].tolist(),
        "random_parts": len(trials.part_sizes),
        "random_harm": [float(np.mean(trials.part_harms[:, 0])) if len(trials.part_sizes) else None,
                        float(np.std(trials.part_harms[:, 0])) if len(trials.part_sizes) else None],
        "p": {name: min((b.p for b in found if b.contributor == name), default=None) for name in trials.contributors},
        "error": float(1.0 - trials.right.mean()),
        "errors": (1.0 - trials.rights.mean(axis=1)).tolist(),
        "skipped": [list(pair) for pair in trials.skipped],
    }  # fmt: skip
