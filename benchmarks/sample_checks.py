"""Which rows do the checks of single rows find, and peers on the same representations? Run: make bench-samples.

Six attacks on 10,000 CIFAR-10 pictures and clean ones; the package's own small network learns each set as it is, labels
and triggers included, and its last layer but one is what all of them look at. Nobody is told the attack or its rate.
What the networks say is kept in the folder, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import measure
import numpy as np
import pyarrow as pa
import sample_peers
import sample_worlds
from numpy.typing import NDArray

import credenza
from credenza.checks.samples.combine import TOP

SEEDS = (1, 2, 3)
CLEAN_SEEDS = (1, 2, 3, 4, 5)
CHECKS = ("CZ401", "CZ402", "CZ403", "CZ404", "CZ405")
LEVEL = 0.05  # false discovery rate of every check, the default
CACHE = Path(".venv-bench/sample_checks")


@dataclass(frozen=True)
class Said:
    """What one method says of n rows: scores, high is suspicious, and the rows that it picks by its defaults."""

    scores: NDArray[np.float64]
    picked: NDArray[np.bool_]


@dataclass(frozen=True)
class Rates:
    """Of planted and other rows: found where 5% of the others are taken, and picked by default (NaN on clean data)."""

    at_level: float
    found: float
    false: float


def ours(world: sample_worlds.World) -> dict[str, Said]:
    """The checks and their common verdict, as an audit gives them."""
    coin = np.random.default_rng(0).integers(0, 2, (2, len(world.labels)))
    table = pa.table({"label": np.array(world.classes)[world.labels], "a": coin[0], "b": coin[1]})
    audit = credenza.audit(
        table, labels="label", embeddings=world.embeddings, losses=world.losses, checks=CHECKS, fdr=LEVEL
    )
    said = {o.code: Said(np.nan_to_num(o.scores), o.picked) for o in audit.outcomes}
    rows = audit.result.rows
    any_picked = np.any([one.picked for one in said.values()], axis=0)
    return said | {"combined": Said(np.nan_to_num(rows.combined), any_picked)}


def theirs(world: sample_worlds.World, seed: int) -> dict[str, Said]:
    """The peers on the same numbers."""
    found = sample_peers.every(world.embeddings.astype(np.float64), world.labels, seed)
    return {name: Said(*pair) for name, pair in found.items()}


def rates(said: Said, planted: NDArray[np.bool_], fpr: float = TOP) -> Rates:
    """True-positive rate at a false-positive rate, ties broken evenly, and both rates of the rows picked.

    Examples
    --------
    >>> rates(Said(np.array([0, 1, 2, 9.0]), np.array([0, 0, 1, 1], bool)), np.array([0, 0, 0, 1], bool))
    Rates(at_level=1.0, found=1.0, false=0.3333333333333333)
    """
    others, own = said.scores[~planted], said.scores[planted]
    false = float(said.picked[~planted].mean())
    if not len(own):
        return Rates(np.nan, np.nan, false)
    bar = np.quantile(others, 1.0 - fpr, method="higher")
    above, level = (others > bar).mean(), (others == bar).mean()
    ties = min(1.0, (fpr - above) / level)
    found = (own > bar).mean() + ties * (own == bar).mean()
    return Rates(float(found), float(said.picked[planted].mean()), false)


def measured(folder: Path, work: tuple[str, int]) -> dict[str, Rates]:
    """All methods on one attack and seed; clean data is for our checks only."""
    attack, seed = work
    world = sample_worlds.world(attack, seed, folder)
    said = ours(world)
    if world.planted.any():
        said |= theirs(world, seed)
    return {name: rates(one, world.planted) for name, one in said.items()}


def spread(values: Sequence[float]) -> str:
    """Mean, with the lowest and the highest of the seeds.

    Examples
    --------
    >>> spread([0.5, 1.0]), spread([0.25])
    ('75% [50%, 100%]', '25%')
    """
    mean = f"{np.mean(values):.0%}"
    return mean if len(values) == 1 else f"{mean} [{min(values):.0%}, {max(values):.0%}]"


def attacks_table(found: dict[tuple[str, int], dict[str, Rates]], attacks: Sequence[str], read: str) -> None:
    """One row a method, one column an attack."""
    names = list(dict.fromkeys(name for one in found.values() for name in one))
    measure.columns("method", *attacks)
    for name in names:
        cells = []
        for attack in attacks:
            own = [one[name] for (key, _), one in sorted(found.items()) if key == attack]
            cells.append(READINGS[read](own))
        measure.row(name, *cells)
    print()


def _at_level(own: list[Rates]) -> str:
    return spread([one.at_level for one in own])


def _by_default(own: list[Rates]) -> str:
    found, false = np.mean([one.found for one in own]), np.mean([one.false for one in own])
    return f"{found:.0%} / {false:.1%}"


READINGS: dict[str, Callable[[list[Rates]], str]] = {"at level": _at_level, "by default": _by_default}


def clean_table(found: dict[tuple[str, int], dict[str, Rates]]) -> None:
    """Clean runs with an alarm of each check, and rows that it picked there."""
    clean = [one for (key, _), one in sorted(found.items()) if key == "none"]
    measure.columns("check", "clean runs with an alarm", "stated level", "rows picked")
    for name in (*CHECKS, "combined"):
        false = [one[name].false for one in clean]
        level = f"{LEVEL:.0%}" if name in CHECKS else ""
        measure.row(
            name, f"{sum(share > 0 for share in false)} of {len(false)}", level, f"{max(false):.2%} at most"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of representations")
    parser.add_argument("--jobs", type=int, default=2, help="processes, each on one core")
    parser.add_argument(
        "--seeds", type=int, default=len(SEEDS), help="how many seeds of each attack, up to 3"
    )
    parser.add_argument("--clean", type=int, default=len(CLEAN_SEEDS), help="how many clean sets, up to 5")
    options = parser.parse_args()
    started = time.perf_counter()
    attacks = [name for name, plan in sample_worlds.ATTACKS.items() if plan is not None]
    work = [(attack, seed) for seed in SEEDS[: options.seeds] for attack in attacks]
    work += [("none", seed) for seed in CLEAN_SEEDS[: options.clean]]
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        found = dict(zip(work, pool.map(partial(measured, options.cache), work), strict=True))
    packages = ("torch", "scikit-learn", "adversarial-robustness-toolbox", "cleanlab")
    measure.heading("Single rows", *packages, seeds=f"1-{options.seeds}, clean 1-{options.clean}")
    print("True positives at 5% false positives:\n")
    attacks_table(found, attacks, "at level")
    print("True / false positives of the rows picked by default:\n")
    attacks_table(found, attacks, "by default")
    clean_table(found)
    print(f"\n{(time.perf_counter() - started) / 60:.0f} minutes")


if __name__ == "__main__":
    main()
