"""CZ205: do two annotations go together more than the content explains?"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from credenza.association.multiplicity import adjust
from credenza.association.tails import normal_isf, normal_log_sf
from credenza.checks.base import answer, counted
from credenza.checks.evidence import Evidence
from credenza.checks.samples.residuals import Links, residual_links
from credenza.contracts import Finding, FloatArray, Outcome, Severity, Status
from credenza.data import Schema

LEAST_ROWS = 500
LEAST_VALUES = 25  # rows that the rarer value of an annotation needs
BULK_PAIRS = 45  # from so many pairs on the spread of all statistics is looked at
DETERMINED = (
    0.95  # share of an annotation's variance that content explains, beyond which nothing is left to test
)
SHOWN = 20


class ContentLink:
    """Do two annotations go together more, or less, than the content of the rows explains?

    Detects: the generalised covariance measure (Shah and Peters 2020) of each pair of two-valued features. With e and r
    what cross-fitted logistic regressions on the embeddings leave of both, T = sqrt(n) mean(e r) / sd(e r) is N(0, 1)
    where nothing but content links them. Where 45 pairs or more are tested and the middle half of all T is wider than
    that of N(0, 1), T is divided by the ratio (Efron 2004). Benjamini-Hochberg over pairs; with --min-strength E the
    covariance must be larger than E. Needs no reference.

    Cannot see: links of annotations that the content determines (95% of the variance: nothing is left to test, and they
    are named); replaced rows, where content and annotation agree.
    """

    code: ClassVar[str] = "CZ205"
    title: ClassVar[str] = "Links beyond content"
    needs: ClassVar[tuple[str, ...]] = ("embeddings",)

    def run(self, evidence: Evidence) -> Outcome:
        """Name pairs, strongest first."""
        given = evidence.beside.embeddings
        assert given is not None
        if not evidence.beside.general:
            reason = (
                "these embeddings tell labels apart, or are the annotations themselves, and do not hold the content "
                "that annotations share: give --embeddings, or the path of a model (--embed MODEL)"
            )
            return Outcome(self.code, self.title, Status.SKIPPED, reason)
        names, values, left = _annotations(evidence)
        n = len(given.values)
        if len(names) < 2 or n < LEAST_ROWS:
            found = f"{len(names) or 'no'} such feature{'s' * (len(names) != 1)} in {counted(n, 'row')}"
            reason = (
                f"two features of two values with {LEAST_VALUES} rows of each, and {LEAST_ROWS} rows, are needed: "
                f"found {found}{left}"
            )
            return Outcome(self.code, self.title, Status.SKIPPED, reason)
        s = evidence.settings
        everything = residual_links(given.values, values, seed=s.seed)
        links, determined = _testable(everything, names)
        left = determined + left
        if not len(links.covariance):
            reason = f"fewer than two features are left to test{left}"
            return Outcome(self.code, self.title, Status.SKIPPED, reason)
        statistic = links.statistic(s.min_strength)
        width = _width(links.statistic())
        log_p = np.minimum(normal_log_sf(np.abs(statistic) / width) + np.log(2.0), 0.0)
        q = adjust(log_p, "by" if s.correction == "by" else "bh")
        findings = [
            _finding(self.code, names, links, k, statistic / width, log_p, q)
            for k in np.argsort(log_p, kind="stable")
            if q[k] <= s.fdr
        ]
        details = {
            "pairs": len(q),
            "spread": width,
            "explained": dict(zip(names, links.explained.tolist(), strict=True)),
        }
        least = _detectable(links, width, len(q), s.fdr, s.power)
        clear = (
            f"content explains how {counted(len(q), 'pair')} of {len(names)} two-valued features go together; a "
            f"covariance of {least:.4f} beyond it would have been seen with "
            f"{s.power:.0%} power{left}"
        )
        return answer(self, findings[:SHOWN], clear, details=details, also=_more(findings) + left)


def _testable(links: Links, names: tuple[str, ...]) -> tuple[Links, str]:
    """(links of the features that content does not determine, the others in words).

    What content leaves of those is next to nothing and follows no normal law: no link shows in it, and mistakes do.
    """
    fixed = links.explained > DETERMINED
    if not fixed.any():
        return links, ""
    first, second = links.pairs
    kept = ~(fixed[first] | fixed[second])
    out = Links((first[kept], second[kept]), links.covariance[kept], links.error[kept], links.explained)
    listed = ", ".join(name for name, gone in zip(names, fixed, strict=True) if gone)
    return out, f"; not tested, as content determines it: {listed}"


def _annotations(evidence: Evidence) -> tuple[tuple[str, ...], Any, str]:
    """(names, uint8 (n, m), what was left out in words) of the two-valued features."""
    features = evidence.schema.features
    two = tuple(f for f in features if f.size == 2)
    schema = Schema(two, ())
    if not two:
        return (), np.empty((evidence.suspect.rows, 0), np.uint8), _left(len(features), 0)
    codes = evidence.rows_of(evidence.suspect, schema)
    if (rows := evidence.beside.rows) is not None:
        codes = codes[rows]
    ones = codes.sum(axis=0, dtype=np.int64)
    usable = np.minimum(ones, len(codes) - ones) >= LEAST_VALUES
    names = tuple(f.name for f, kept in zip(two, usable, strict=True) if kept)
    return names, codes[:, usable], _left(len(features) - len(two), int((~usable).sum()))


def _left(many: int, rare: int) -> str:
    parts = [f"{counted(many, 'feature')} of more than two values"] * (many > 0)
    parts += [f"{counted(rare, 'feature')} with a value of fewer than {LEAST_VALUES} rows"] * (rare > 0)
    return f"; not looked at: {' and '.join(parts)}" if parts else ""


def _width(statistic: FloatArray) -> float:
    """How much wider the bulk of the statistics is than N(0, 1), by its quartiles; at least 1."""
    if len(statistic) < BULK_PAIRS:
        return 1.0
    low, high = np.quantile(statistic, [0.25, 0.75])
    return max(1.0, float(high - low) / 1.349)


def _detectable(links: Links, width: float, pairs: int, fdr: float, power: float) -> float:
    """The covariance that a typical pair would have shown."""
    z = float(normal_isf(fdr / (2 * pairs))) + float(normal_isf(1.0 - power))
    return z * width * float(np.median(links.error))


def _more(findings: list[Finding]) -> str:
    return f"; the strongest {SHOWN} of {len(findings):,} are listed" if len(findings) > SHOWN else ""


def _finding(
    code: str,
    names: tuple[str, ...],
    links: Links,
    k: int,
    statistic: FloatArray,
    log_p: FloatArray,
    q: FloatArray,
) -> Finding:
    a, b = (names[side[k]] for side in links.pairs)
    covariance = float(links.covariance[k])
    message = (
        f"{a} and {b} go together {'more' if covariance > 0 else 'less'} often than the content explains: covariance "
        f"{covariance:+.4f} +- {1.96 * links.error[k]:.4f} beyond it"
    )
    return Finding(
        code,
        (a, b),
        message,
        Severity.ALARM,
        statistic=float(statistic[k]),
        p=float(np.exp(log_p[k])),
        q=float(q[k]),
        effect=covariance,
        details={"log10_p": float(log_p[k] / np.log(10.0)), "error": float(links.error[k])},
    )
