"""CZ801: did a checkpoint jump on some class, slice or pair?"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from credenza.association.multiplicity import adjust
from credenza.checks.base import answer, counted
from credenza.checks.checkpoints.jumps import Jump, find_jumps
from credenza.checks.checkpoints.predictions import FEW, Predictions
from credenza.checks.checkpoints.units import families
from credenza.checks.evidence import Evidence
from credenza.contracts import Finding, FloatArray, Outcome, Severity, Status

SURE = ("class", "slice")  # kinds that are alarms where no usual step is known
WHOLE = 0.01  # change of the whole accuracy that is worth a notice


class CheckpointJump:
    """Did a checkpoint become worse on some class, slice or pair, all at once and unlike the rest?

    Detects: per step, rows of a class, of a slice, or of a class within a slice that turn from right to wrong; rows
    of other classes, or of one other class, that turn to a class (what a backdoor or a flip gives to its target);
    falls of the probability of the true class; changes of the association of two features. A step must be significant
    by a paired test (exact McNemar) and beyond what the rest of its kind did; with 4 checkpoints or more beyond the
    usual step too; with fewer only classes and slices are alarms. Changes below 3.5 points pass. False discovery rate
    over all units of all steps. A change of the
    whole is a notice.

    Cannot see: a backdoor whose trigger no test row carries; poison that spreads over many checkpoints in small steps;
    what was wrong in the first checkpoint already; classes and slices of fewer than 20 test rows.
    """

    code: ClassVar[str] = "CZ801"
    title: ClassVar[str] = "Checkpoint jump"
    needs: ClassVar[tuple[str, ...]] = ("predictions",)

    def run(self, evidence: Evidence) -> Outcome:
        """Test every step of every unit."""
        given = evidence.predictions
        assert given is not None
        units = families(given)
        if not any(family.kind == "class" for family in units):
            least = given.options.min_rows
            reason = f"no class has {least} test rows: give more of them"
            return Outcome(self.code, self.title, Status.SKIPPED, reason)
        jumps, tested = find_jumps(units, given.options)
        findings = [self._finding(jump, given) for jump in jumps]
        findings += self._whole(given)
        ahead = FEW if len(given.names) < FEW else 0
        clear = (
            f"{counted(tested, 'change')} of classes{_besides(given)} tested over {counted(given.steps, 'step')} on "
            f"{counted(len(given.truth), 'row')}; a class's fall of {_points(_least(given))} would have been seen "
            f"with 80% power"
            + (f"; no usual step is known with fewer than {ahead} checkpoints" if ahead else "")
        )
        return answer(self, findings, clear, details=_details(given, jumps, tested))

    def _finding(self, jump: Jump, given: Predictions) -> Finding:
        return Finding(
            self.code,
            (*jump.subject, f"{given.names[jump.step]} -> {given.names[jump.step + 1]}"),
            sentence(jump, given),
            Severity.ALARM if len(given.names) >= FEW or jump.kind in SURE else Severity.NOTICE,
            statistic=jump.z,
            p=jump.p,
            q=jump.q,
            effect=jump.change,
            details={
                "kind": jump.kind,
                "step": jump.step + 1,
                "rows": jump.rows,
                "before": jump.before,
                "after": jump.after,
                "interval": list(jump.interval),
                "turned_worse": jump.worse,
                "turned_better": jump.better,
                "rest": jump.rest,
                "usual_spread": jump.usual,
            },
        )

    def _whole(self, given: Predictions) -> list[Finding]:
        """Steps in which the accuracy of all rows changed, two-sided, as notices."""
        right = given.right
        down = (right[:-1] & ~right[1:]).sum(axis=1)
        up = (~right[:-1] & right[1:]).sum(axis=1)
        fewer = np.minimum(down, up)
        half = stats.binom.cdf(fewer - 1, down + up, 0.5) + 0.5 * stats.binom.pmf(fewer, down + up, 0.5)
        p = np.minimum(2.0 * half, 1.0)
        q = adjust(np.log(np.maximum(p, 1e-300)))
        accuracy = right.mean(axis=1)
        out = []
        for step in np.flatnonzero((q <= given.options.fdr) & (np.abs(np.diff(accuracy)) >= WHOLE)):
            a, b = (float(accuracy[step + k]) for k in (0, 1))
            names = given.names[step], given.names[step + 1]
            message = (
                f"the accuracy of all {counted(len(given.truth), 'row')} {'fell' if b < a else 'rose'} from {a:.1%} "
                f"to {b:.1%} between {names[0]} and {names[1]}"
            )
            out.append(
                Finding(
                    self.code, (" -> ".join(names),), message, Severity.NOTICE,
                    statistic=float(up[step] - down[step]) / math.sqrt(max(int(up[step] + down[step]), 1)),
                    p=float(p[step]), q=float(q[step]), effect=b - a,
                    details={"kind": "whole", "step": int(step) + 1},
                )
            )  # fmt: skip
        return out


def sentence(jump: Jump, given: Predictions) -> str:
    """What changed, by how much, between which checkpoints, and what the rest did."""
    low, high = jump.interval
    a, b = given.names[jump.step], given.names[jump.step + 1]
    if jump.kind == "pair":
        size = f"{jump.before:+.3f} to {jump.after:+.3f} [{low:+.3f}, {high:+.3f}]"
        return (
            f"the association of {jump.subject[0]} and {jump.subject[1]} went from {size} between {a} and {b}"
        )
    what = _what(jump, given)
    size = f"{100 * jump.change:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]"
    turned = f", {jump.worse:,} rows for the worse and {jump.better:,} for the better" if jump.worse else ""
    rest = "" if math.isnan(jump.rest) else f"; the rest {100 * jump.rest:+.1f}"
    return f"{what} went from {jump.before:.1%} to {jump.after:.1%} between {a} and {b}: {size}{turned}{rest}"


def _tenth(points: float) -> str:
    """Points to a tenth, never -0.0."""
    return f"{round(points, 1) + 0.0:+.1f}"


def _what(jump: Jump, given: Predictions) -> str:
    first, column = jump.subject[0], given.slice_column
    if jump.kind == "class":
        return f"recall of {first}"
    if jump.kind == "slice":
        return f"accuracy where {column} = {first}"
    if jump.kind == "class in slice":
        return f"recall of {first} where {column} = {jump.subject[1]}"
    if jump.kind == "predicted":
        return f"share of other classes' rows predicted as {first}"
    if jump.kind == "confusion":
        return f"share of {first} predicted as {jump.subject[1]}"
    return f"mean probability of the true class {first}"


def _least(given: Predictions) -> float:
    """The fall of a class of median size that a test at the level of one of all classes' steps sees with 80% power.

    With the churn c (rows of the classes that turn in a usual step) and n rows, x solves
    x n = (z_alpha + z_80%) sqrt(c n + x n), as the variance of the rows that turn is their number.
    """
    sizes = np.bincount(given.truth, minlength=len(given.classes))
    n = float(np.median(sizes[sizes > 0]))
    right = given.right
    churn = float((right[1:] != right[:-1]).mean())
    units = max(len(given.classes) * given.steps, 1)
    need = float(stats.norm.isf(given.options.fdr / (2 * units)) + stats.norm.isf(0.2)) ** 2
    exact = (need + math.sqrt(need**2 + 4 * need * churn * n)) / 2
    return max(exact / n, given.options.floor())


def _points(share: float) -> str:
    return f"{100 * share:.1f} points" if share < 1 else "any size, no smaller one,"


def _besides(given: Predictions) -> str:
    more = ["slices"] if given.slice_codes is not None else []
    more += ["pairs"] if given.pairs else []
    more += ["predicted shares"]
    return "".join(f", {name}" for name in more[:-1]) + f" and {more[-1]}"


def _details(given: Predictions, jumps: tuple[Jump, ...], tested: int) -> dict[str, Any]:
    """What the views draw: recall by class and checkpoint, and where it jumped."""
    sizes = np.bincount(given.truth, minlength=len(given.classes))
    accuracy: FloatArray = given.right.mean(axis=1)
    return {
        "checkpoints": list(given.names),
        "classes": list(given.classes),
        "rows": sizes.tolist(),
        "accuracy": accuracy.tolist(),
        "recall": given.recalls().T.tolist(),
        "tested": tested,
        "jumps": [[jump.subject[0], jump.step + 1] for jump in jumps if jump.kind == "class"],
        "notes": list(given.notes),
    }
