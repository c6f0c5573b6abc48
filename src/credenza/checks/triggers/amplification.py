"""Is a trigger more frequent among generated images than among those that the generator learnt from?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from credenza.checks.triggers.blocks import Pixels, class_blocks, require_set
from credenza.checks.triggers.data import count_classes, require_alike
from credenza.checks.triggers.pattern import fit_pattern
from credenza.checks.triggers.search import TriggerSearch, require_level, search
from credenza.contracts import FloatArray, IntArray
from credenza.errors import InputError

DRAWS = 20_000
LEAST_IMAGES = 100
POWERED = 1.645 + 0.842  # standard errors that a one-sided test at 5% finds four times in five
INTERVAL = (0.025, 0.975)

Labelled = tuple[Pixels, IntArray]


@dataclass(frozen=True)
class Amplification:
    """How often a trigger is on the images of its class, in training data and in generations.

    Attributes
    ----------
    p : of "no class's images carry a pattern more often when they are generated". level, flagged : of the test.
    target : code of the class, None where no pattern was found. kind, box, heat, statistic : see
        :class:`credenza.checks.triggers.TriggerSearch`; box is None likewise.
    shares : (training, generated), of the images of the class beyond what the other classes show; NaN likewise.
    ratio : of the shares, generated over training. interval : 95%, of the ratio; the upper end may be infinite.
    missed : a difference of the two shares that would be found four times in five; NaN likewise.
    rows : (training, generated) images of the class, or of all classes where no pattern was found.
    """

    p: float
    level: float
    target: int | None
    kind: str
    statistic: float
    box: tuple[int, int, int, int] | None
    heat: FloatArray = field(repr=False)
    shares: tuple[float, float]
    ratio: float
    interval: tuple[float, float]
    missed: float
    rows: tuple[int, int]

    @property
    def flagged(self) -> bool:
        """Whether the trigger is amplified at this level."""
        return self.p <= self.level


@dataclass
class _Tally:
    """Images that carry the pattern, and all: of the class, and of the other classes."""

    carried: int = 0
    rows: int = 0
    others_carried: int = 0
    others: int = 0

    def add(self, carried: np.ndarray, labels: IntArray, target: int) -> None:
        inside = labels == target
        self.carried += int(carried[inside].sum())
        self.rows += int(inside.sum())
        self.others_carried += int(carried[~inside].sum())
        self.others += int((~inside).sum())

    def draws(self, rng: np.random.Generator) -> FloatArray:
        """Shares beyond the other classes', from Jeffreys' posterior of both rates."""
        rate = rng.beta(self.carried + 0.5, self.rows - self.carried + 0.5, DRAWS)
        if not self.others:
            return np.asarray(rate)
        chance = rng.beta(self.others_carried + 0.5, self.others - self.others_carried + 0.5, DRAWS)
        return np.asarray((rate - chance) / (1 - chance))

    @property
    def share(self) -> float:
        """Of the class's images, beyond the other classes' rate."""
        chance = self.others_carried / self.others if self.others else 0.0
        return max(0.0, (self.carried / max(self.rows, 1) - chance) / max(1 - chance, 1e-9))


def trigger_amplification(
    training_images: Pixels,
    training_labels: ArrayLike,
    generated_images: Pixels,
    generated_labels: ArrayLike,
    *,
    reference: tuple[Pixels, ArrayLike] | None = None,
    seed: int = 0,
    level: float = 0.05,
) -> Amplification:
    """Estimate how often a trigger, which is not known, is on training images and on generated ones, and the ratio.

    Both sets are split in halves. On one half a pattern is looked for: in the generations' class means against the
    training images' and, with a reference, in those of both against the reference's. It becomes a score of images
    (:func:`credenza.checks.triggers.pattern.fit_pattern`), and the images of the other half are counted that exceed its
    threshold; then the halves change places. A share is (c - b) / (1 - b), c being the rate in the class and b that in
    the other classes. The interval of the ratio is that of the quotient of draws from Jeffreys' posterior of the rates.

    Parameters
    ----------
    training_images, generated_images : (n, H, W) or (n, H, W, C), C = 1 or 3, from 0 to 255, of one size.
    training_labels, generated_labels : (n,), codes 0 ... k - 1 of the same classes.
    reference : clean (images, labels). Without it only a pattern of which the generations have more, or less, is found.
    seed : of halves, blocks and draws. level : of the test.

    Returns
    -------
    Amplification
        p is the larger of the pattern's own (over both halves) and of "the ratio is at most 1".

    Raises
    ------
    InputError : not images, of two sizes, fewer than 40 of a class, fewer than 100 generations. UsageError : the level.

    Notes
    -----
    What a generator paints less plainly than it learnt counts as less frequent. Cost: four searches, two scores an
    image. Source of the measure: arXiv 2311.02373, trigger amplification. Left out: two patterns at once.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images = rng.integers(90, 160, (2, 800, 12, 12, 1), dtype=np.uint8)
    >>> labels = np.arange(800) % 4
    >>> images[0, :160:8, 8:11, 8:11] = images[1, :640:8, 8:11, 8:11] = 255
    >>> found = trigger_amplification(images[0], labels, images[1], labels)
    >>> found.flagged, found.target, found.shares, found.ratio
    (True, 0, (0.1, 0.4), 4.0)
    """
    require_level(level)
    classes = count_classes(training_labels, generated_labels)
    training = require_set(training_images, training_labels, classes, "the training images")
    generated = require_set(generated_images, generated_labels, classes, "the generated images")
    if len(generated[0]) < LEAST_IMAGES:
        raise InputError(
            f"amplification shows in {LEAST_IMAGES} generated images or more; found {len(generated[0]):,}"
        )
    known = None if reference is None else require_set(*reference, classes, "the reference's images")
    rng = np.random.default_rng([seed, 502])
    halves = [_halves(side, classes, rng) for side in (training, generated)]
    found: list[TriggerSearch] = []
    tallies: dict[int, tuple[_Tally, _Tally]] = {}
    for fold in (0, 1):
        seen, bare = _candidates(halves[0][fold], halves[1][fold], known, classes, seed + fold, level)
        found.append(seen)
        if seen.p > level:
            continue
        images, labels = (np.concatenate([side[fold][part] for side in halves]) for part in (0, 1))
        pattern = fit_pattern(seen, images, labels, *bare)
        if pattern is None:
            continue
        pair = tallies.setdefault(seen.target, (_Tally(), _Tally()))
        for tally, side in zip(pair, halves, strict=True):
            images, labels = side[1 - fold]
            tally.add(pattern.carried(images, labels), labels, seen.target)
    return _answer(found, tallies, rng, level, (len(training[0]), len(generated[0])))


def _halves(side: Labelled, classes: int, rng: np.random.Generator) -> tuple[Labelled, Labelled]:
    """Two random halves of each class."""
    images, labels = side
    fold = np.zeros(len(labels), bool)
    for label in range(classes):
        rows = rng.permutation(np.flatnonzero(labels == label))
        fold[rows[: len(rows) // 2]] = True
    return (images[fold], labels[fold]), (images[~fold], labels[~fold])


def _candidates(
    training: Labelled, generated: Labelled, known: Labelled | None, classes: int, seed: int, level: float
) -> tuple[TriggerSearch, Labelled]:
    """The strongest search of one half, and the side it was held against."""
    blocks = {
        name: class_blocks(*side, classes, seed=seed, name=f"half of the {name} images")
        for name, side in (("training", training), ("generated", generated))
    }
    require_alike(blocks["generated"], blocks["training"])
    tried = [(search(blocks["generated"], blocks["training"], level=level), training)]
    if known is not None:
        held = class_blocks(*known, classes, seed=seed + 2, name="the reference's images")
        require_alike(blocks["training"], held)
        tried += [(search(own, held, level=level), known) for own in blocks.values()]
    best, side = min(tried, key=lambda pair: pair[0].p)
    return replace(best, p=min(1.0, best.p * len(tried))), side


def _answer(
    found: list[TriggerSearch],
    tallies: dict[int, tuple[_Tally, _Tally]],
    rng: np.random.Generator,
    level: float,
    rows: tuple[int, int],
) -> Amplification:
    """What the counts of both halves say together; of two classes, the one that more images were scored of."""
    best = min(found, key=lambda one: one.p)
    shown = best.kind, best.statistic
    if not tallies:
        nan = float("nan")
        return Amplification(
            1.0, level, None, *shown, None, best.heat, (nan, nan), nan, (0.0, np.inf), nan, rows
        )
    target = max(tallies, key=lambda label: tallies[label][0].rows)
    best = min((one for one in found if one.target == target), key=lambda one: one.p)
    before, after = tallies[target]
    shares = before.draws(rng), after.draws(rng)
    least = np.maximum(shares[0], 1e-12)
    quotient = np.where(shares[0] > 0, np.maximum(shares[1], 0.0) / least, np.inf)
    low, high = (float(np.quantile(quotient, q, method="lower")) for q in INTERVAL)
    apart = shares[1] - shares[0]
    p = float(special.ndtr(-apart.mean() / max(float(apart.std()), 1e-12)))
    return Amplification(
        p=max(min(1.0, best.p * len(found)), p),
        level=level,
        target=target,
        kind=best.kind,
        statistic=best.statistic,
        box=best.box,
        heat=best.heat,
        shares=(before.share, after.share),
        ratio=after.share / before.share if before.share else float("inf"),
        interval=(low, high),
        missed=POWERED * float(apart.std()),
        rows=(before.rows, after.rows),
    )
