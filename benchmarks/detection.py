"""How often the audit is right: false alarms, named culprits, extra culprits, intervals. Run: make bench-detection.

Every scenario is a function of a seed that audits one freshly cut and poisoned table and says what happened. The
table that is printed has the share of runs (or the mean) with a 95% interval (Wilson, or normal for means), beside
the target.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
from scipy.stats import binomtest
from tables import adult, celeba, celeba_with_rare, drifted, feasible, poisoned, split

import credenza
from credenza.association.multiplicity import adjust
from credenza.attacks import AssociativePoisoning, ContinuousPoisoning
from credenza.contracts import AuditResult

Record = dict[str, float]


def look(
    suspect: pa.Table, reference: pa.Table, true: list[tuple[str, ...]], strength: float | None = None
) -> Record:
    """Audit, and compare what was named (and its interval) with what was done."""
    result = credenza.audit(suspect, reference).result
    named = [frozenset(c.features) for c in result.culprits]
    wanted = [frozenset(pair) for pair in true]
    details = next(o for o in result.outcomes if o.code == "CZ201").details
    pairs = result.pairs
    others = np.array([role != "culprit" for role in pairs.role])
    left = adjust(np.log(np.maximum(pairs.p_after[others], 1e-300))).min(initial=1.0) <= 0.05
    return covered(result, wanted, strength) | {
        "any": float(bool(named)),
        "named": float(np.mean([w in named for w in wanted])) if wanted else 0.0,
        "all": float(all(w in named for w in wanted)),
        "first": float(bool(named) and named[0] in wanted),
        "extra": float(sum(n not in wanted for n in named)),
        "flagged": float(details["flagged_at_first"]),
        "left": float(left),
        "effective": float(details["effective_rows"]) / suspect.num_rows,
        "diverged": float(not (np.isfinite(details["effective_rows"]) and details["residual"] < 0.001)),
    }


def covered(result: AuditResult, wanted: list[frozenset[str]], strength: float | None) -> Record:
    """Whether the interval of the true culprit's strength holds the truth; nothing when it was not named."""
    intervals = [c.interval for c in result.culprits if frozenset(c.features) in wanted]
    if strength is None or not intervals:
        return {}
    return {"covered": float(intervals[0][0] <= strength <= intervals[0][1])}


def null(seed: int, *, reference: int, rare: bool = False) -> Record:
    s, r = split(celeba_with_rare() if rare else celeba(), seed, 8_000, reference)
    return look(s, r, [])


def one_pair(seed: int, *, strength: float, pool: int) -> Record | None:
    pairs = feasible(strength, 8_000, 2_000)
    pairs = pairs[:: max(1, len(pairs) // pool)]
    a, b, sign = pairs[seed % len(pairs)]
    s, r, h = split(celeba(), seed, 8_000, 6_000, 2_000)
    moved = poisoned(s, h, (a, b), sign * strength, seed)
    if moved is None:
        return None
    return look(moved, r, [(a, b)], strength=sign * strength)


def rare_pair(seed: int) -> Record | None:
    """Relabelling of a pair with a base rate below 15%, strength .02."""
    table = celeba()
    rates = {name: float(np.mean(table[name].to_numpy())) for name in table.column_names}
    rare = sorted(name for name, rate in rates.items() if 0.05 <= rate <= 0.15)
    common = sorted(name for name, rate in rates.items() if 0.3 <= rate <= 0.6)
    a, b = rare[seed % len(rare)], common[(seed // len(rare)) % len(common)]
    s, r = split(table, seed, 8_000, 6_000)
    try:
        moved = AssociativePoisoning((a, b), strength=0.02, mode="relabel").apply(s, seed=seed).data
    except credenza.errors.InfeasibleError:
        return None
    return look(moved, r, [(a, b)])


def three_pairs(seed: int) -> Record | None:
    pairs = feasible(0.05, 6_000, 4_000)
    rng = np.random.default_rng([seed, 3])
    chosen: list[tuple[str, str, int]] = []
    for k in rng.permutation(len(pairs)):
        if not {*pairs[k][:2]} & {x for p in chosen for x in p[:2]}:
            chosen.append(pairs[k])
    s, r, h = split(celeba(), seed, 6_000, 6_000, 4_000)
    moved, done = s, []
    for a, b, sign in chosen[:3]:
        after = poisoned(moved, h, (a, b), sign * 0.05, seed)
        if after is None:
            return None
        moved, done = after, [*done, (a, b)]
    return look(moved, r, done) if len(done) == 3 else None


def rare_attributes(seed: int) -> Record | None:
    """Solver under stress: attributes of 1% base rate, one of them in the moved pair, and drift."""
    table = celeba_with_rare()
    name = table.column_names[40 + seed % 3]
    other = ("Male", "Smiling", "Wearing_Lipstick", "Young", "Attractive")[seed // 3 % 5]
    s, r = split(table, seed, 8_000, 6_000)
    try:
        moved = AssociativePoisoning((name, other), strength=0.002, mode="relabel").apply(s, seed=seed).data
    except credenza.errors.InfeasibleError:
        moved = AssociativePoisoning((name, other), strength=-0.002, mode="relabel").apply(s, seed=seed).data
    return look(drifted(moved, seed, replace=False) if seed % 2 else moved, r, [(name, other)])


def drift(seed: int, *, strength: float, replace: bool) -> Record | None:
    s, r, h = split(celeba(), seed, 8_000, 6_000, 2_000)
    true = []
    if strength:
        pairs = feasible(strength, 8_000, 2_000)
        a, b, sign = pairs[seed % len(pairs)]
        s, true = poisoned(s, h, (a, b), sign * strength, seed), [(a, b)]
        if s is None:
            return None
    return look(drifted(s, seed, replace=replace), r, true)


def mixed_null(seed: int, *, suspect: int, reference: int) -> Record:
    return look(*split(adult(), seed, suspect, reference), [])


def mixed_pair(seed: int, *, kind: str) -> Record | None:
    """A tenth of the rows edited: whole rows replaced, or values re-paired by rank for two continuous features."""
    s, r, h = split(adult(), seed, 18_000, 18_000, 12_842)
    if kind == "continuous x continuous":
        pair = ("age", "hours_per_week")
        return look(ContinuousPoisoning(pair, edits=0.1).apply(s, seed=seed).data, r, [pair])
    if kind == "level x level":
        pair, levels = ("education", "occupation"), ("HS-grad", "Prof-specialty")
        attack = AssociativePoisoning(pair, levels=levels, edits=0.1, mode="duplicate")
        return look(attack.apply(s, seed=seed).data, r, [pair])
    s, h = (t.append_column("older", pa.compute.greater(t["age"], 37)) for t in (s, h))
    moved = poisoned(s, h, ("sex", "older"), 0.05, seed)
    return None if moved is None else look(moved.drop_columns(["older"]), r, [("sex", "age")])


def aliases(seed: int) -> Record:
    """A copied and a negated copy of a culprit's binary feature; on even seeds a binned copy of a continuous one."""
    if seed % 2:
        s, r, h = split(celeba(), seed, 8_000, 6_000, 2_000)
        pair = ("Mouth_Slightly_Open", "Wearing_Lipstick")
        moved = poisoned(s, h, pair, 0.05, seed)
        moved, r = (
            t.append_column("copy", t[pair[0]]).append_column("negated", pa.compute.invert(t[pair[0]]))
            for t in (moved, r)
        )
        copies = {pair[0], "copy", "negated"}
    else:
        s, r = split(adult(), seed, 18_000, 20_000)
        pair = ("age", "hours_per_week")
        moved = ContinuousPoisoning(pair, edits=0.1).apply(s, seed=seed).data
        moved, r = (
            t.append_column("binned", pa.compute.cast(pa.compute.divide(t["age"], 10), pa.int64()))
            for t in (moved, r)
        )
        copies = {"age", "binned"}
    result = credenza.audit(moved, r).result
    culprits = result.culprits
    right = (
        bool(culprits)
        and culprits[0].features[0] in copies | {pair[1]}
        and culprits[0].features[1] in copies | {pair[1]}
    )
    listed = bool(culprits) and len(culprits[0].aliases) >= len(copies) - 1
    again = any(set(c.features) <= copies | {pair[1]} for c in culprits[1:])
    return {
        "named": float(right),
        "extra": float(max(len(culprits) - 1, 0)),
        "again": float(again),
        "listed": float(listed),
    }


def contributors(seed: int, *, strength: float) -> Record | None:
    table = split(celeba(), seed, 16_000)[0]
    parts = [table.slice(1_600 * k, 1_600) for k in range(10)]
    bad, true = seed % 10, None
    if strength:
        pairs = feasible(0.05, 8_000, 2_000)
        a, b, sign = pairs[seed % len(pairs)]
        attack = AssociativePoisoning((a, b), strength=sign * strength, mode="duplicate")
        try:
            parts[bad], true = attack.apply(parts[bad], seed=seed).data, frozenset((a, b))
        except credenza.errors.InfeasibleError:
            return None
    names = [f"c{k}" for k in range(10) for _ in range(1_600)]
    whole = pa.concat_tables(parts).append_column("contributor", pa.array(names))
    found = credenza.audit(whole, slices="contributor", checks=("CZ202",)).result.culprits
    hits = [c for c in found if frozenset(c.features) == true and c.where == f"contributor = c{bad}"]
    return {"any": float(bool(found)), "named": float(bool(hits)), "extra": float(len(found) - len(hits))}


@dataclass(frozen=True)
class Scenario:
    """A function of a seed, how often to run it, and what to read off: (measure, target)."""

    name: str
    run: Callable[[int], Record | None]
    runs: int
    measures: tuple[tuple[str, str], ...]


NULL = (("any", "<= 7%"),)
NAMED = ("named", ">= 95%")
ONE = (("named", "100%"), ("extra", "<= 0.1"), ("left", "0"), ("covered", "93-97%"), ("flagged", ""))
WEAK = (("named", ">= 85%"), ("extra", ""), ("covered", ""))
SCENARIOS = (
    *(
        Scenario(f"null, 8,000 v {n:,}", partial(null, reference=n), 200, NULL)
        for n in (500, 1_000, 2_000, 8_000)
    ),
    Scenario("null with 1% attributes, 8,000 v 2,000", partial(null, reference=2_000, rare=True), 200, NULL),
    Scenario("one pair, .05, 8,000 v 6,000", partial(one_pair, strength=0.05, pool=20), 400, ONE),
    Scenario("one pair, .02, 8,000 v 6,000", partial(one_pair, strength=0.02, pool=40), 400, WEAK),
    Scenario("one rare x common pair, .02, relabelled", rare_pair, 200, (("named", ""), ("extra", ""))),
    Scenario(
        "three pairs, .05, 6,000 v 6,000",
        three_pairs,
        200,
        (("all", ">= 95%"), ("extra", "<= 0.2"), ("left", "0")),
    ),
    Scenario(
        "1% attributes, pair and drift",
        rare_attributes,
        500,
        (("diverged", "0"), ("left", ""), ("effective", "")),
    ),
    Scenario("drift, rows thinned", partial(drift, strength=0, replace=False), 200, (("any", "<= 10%"),)),
    Scenario("drift, rows drawn again", partial(drift, strength=0, replace=True), 200, (("any", "<= 10%"),)),
    Scenario(
        "drift and .03, thinned",
        partial(drift, strength=0.03, replace=False),
        200,
        (("first", ">= 95%"), ("extra", "")),
    ),
    Scenario(
        "drift and .03, drawn again", partial(drift, strength=0.03, replace=True), 200, (("first", ">= 95%"),)
    ),
    *(
        Scenario(f"mixed null, {s:,} v {r:,}", partial(mixed_null, suspect=s, reference=r), 200, NULL)
        for s, r in ((8_000, 500), (8_000, 1_000), (20_000, 2_000), (20_000, 20_000))
    ),
    *(
        Scenario(
            f"mixed, {kind}, 10% edited",
            partial(mixed_pair, kind=kind),
            60,
            (NAMED, ("extra", ""), ("left", "")),
        )
        for kind in ("level x level", "binary x continuous", "continuous x continuous")
    ),
    Scenario("aliases", aliases, 60, (("named", "100%"), ("extra", "0"), ("again", "0"), ("listed", "100%"))),
    Scenario("contributors, null", partial(contributors, strength=0.0), 100, NULL),
    Scenario(
        "contributors, one of ten at .08", partial(contributors, strength=0.08), 100, (NAMED, ("extra", ""))
    ),
)
SHARES = {"any", "named", "all", "first", "covered", "left", "diverged", "listed", "again"}


def summary(values: list[float], share: bool) -> str:
    """Mean with its 95% interval."""
    n, mean = len(values), float(np.mean(values))
    if share and set(values) <= {0.0, 1.0}:
        ci = binomtest(int(sum(values)), n).proportion_ci(0.95, "wilson")
        return f"{mean:.1%} [{ci.low:.1%}, {ci.high:.1%}]"
    half = 1.96 * float(np.std(values)) / np.sqrt(n)
    return f"{mean:.1%} ± {half:.1%}" if share else f"{mean:.3f} ± {half:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="run scenarios whose name has this text")
    parser.add_argument("--share", type=float, default=1.0, help="share of the runs, for a quick look")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    print(
        f"credenza {credenza.__version__}, {date.today()}, Python {platform.python_version()}, {os.cpu_count()} cores"
    )
    print("\n| scenario | measure | found | target | runs | s a run |\n|---|---|---|---|---|---|", flush=True)
    with ProcessPoolExecutor(args.jobs) as pool:
        for scenario in (s for s in SCENARIOS if args.only in s.name):
            started = time.perf_counter()
            wanted = max(1, round(scenario.runs * args.share))
            records = [r for r in pool.map(scenario.run, range(wanted)) if r is not None]
            seconds = (time.perf_counter() - started) * args.jobs / max(wanted, 1)
            for measure, target in scenario.measures:
                values = [r[measure] for r in records if measure in r]
                text = summary(values, measure in SHARES) if values else "-"
                print(
                    f"| {scenario.name} | {measure} | {text} | {target} | {len(values)} | {seconds:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
