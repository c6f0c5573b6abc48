"""Differentially private training: how private it shall be, and what a training has cost."""

from __future__ import annotations

import json
import logging
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from types import ModuleType
from typing import Any, Self

import numpy as np

from credenza.errors import InputError, MissingExtraError, UsageError

__all__ = ["ACCOUNTANTS", "Privacy", "Spent", "epsilon_of", "noise_for"]

ACCOUNTANTS = ("prv", "rdp")
MOST_PRV = 100.0  # epsilon beyond which the prv accountant needs more memory than there is
History = Sequence[tuple[float, float, int]]


@dataclass(frozen=True)
class Spent:
    """What a private training has cost.

    Attributes
    ----------
    epsilon, delta : of one row more or less among the data. noise, clip : the noise has the deviation noise x clip,
        clip being the longest gradient of a row. rate : chance of each row to be in a step. steps : how many.
    accountant : that said so. repeatable : whether the noise had a seed, which takes the noise off for who knows it.

    Examples
    --------
    >>> spent = Spent(8.0, 1e-5, 1.0, 1.0, 0.05, 400, "prv", False)
    >>> [round(number, 4) for number in spent.of_rows(2)], spent.most_rows()
    ([16.0, 0.0298], 2)
    """

    epsilon: float
    delta: float
    noise: float
    clip: float
    rate: float
    steps: int
    accountant: str
    repeatable: bool

    def of_rows(self, k: int) -> tuple[float, float]:
        """Epsilon and delta of k >= 1 rows more or less: k epsilon, and delta (e^(k epsilon) - 1) / (e^epsilon - 1).

        The definition, applied k times (group privacy; Dwork & Roth 2014, theorem 2.2, which has delta = 0). A delta of
        1, the largest returned, says nothing at all. Whatever the attacker wants from k poisoned rows, that came about
        with probability p without them, comes about with min(1, e^(k epsilon) p + delta) at most with them.

        Raises
        ------
        UsageError : k is no whole number, 1 or more.
        """
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
            raise UsageError(f"the number of rows is a whole number, 1 or more; found {k!r}")
        whole = float(k) * self.epsilon
        if whole > 700:
            return whole, 1.0
        grown = math.expm1(whole) / math.expm1(self.epsilon) if self.epsilon else float(k)
        return whole, min(1.0, self.delta * grown)

    def most_rows(self) -> int:
        """The most rows whose delta is below 1: about ln(e^epsilon / delta) / epsilon; of more nothing is promised."""
        if self.epsilon == 0:
            return math.ceil(1 / self.delta) - 1
        k = max(
            1, math.ceil((math.log(math.expm1(min(self.epsilon, 700.0)) / self.delta + 1)) / self.epsilon)
        )
        while k > 1 and self.of_rows(k)[1] >= 1:
            k -= 1
        return k


@dataclass(frozen=True)
class Privacy:
    """How private a training shall be: DP-SGD (Abadi et al. 2016, arXiv 1607.00133, algorithm 1).

    Each step takes every row with the chance q = batch / rows by itself (Poisson sampling), cuts each row's gradient to
    the length C (``clip``), adds them up, adds normal noise of deviation sigma C to each number, and divides by the
    batch. What is learnt is (epsilon, delta)-differentially private of one row more or less; what is made of it later
    (an average of weights, an optimiser's memory, samples) costs nothing.

    Parameters
    ----------
    epsilon : > 0, the most to be spent; the noise follows from it. Or
    noise : > 0, sigma; epsilon follows from it. One of the two.
    delta : in (0, 1), below 1 / rows. clip : C > 0.
    accountant : "prv" (privacy loss variables, Gopi et al. 2021, arXiv 2106.02848: exact up to .01, up to epsilon 100;
        finding the noise takes seconds) or "rdp" (Renyi, Mironov 2017, arXiv 1702.07476: some percent more epsilon for
        the same noise, at once).
    noise_seed : of noise and of which rows are taken, to repeat a measurement. Who knows it can take the noise off:
        leave it out, and the system's own randomness is used, which nobody can repeat. It is never saved.

    Raises
    ------
    UsageError : neither or both of epsilon and noise; a number out of range; an unknown accountant.

    Notes
    -----
    **k rows cost k epsilon** (:meth:`Spent.of_rows`). At epsilon 8 and delta 1e-5 nothing is promised of more than 2
    rows, at epsilon 1 of more than 12, at 0.1 of more than 92: no bound on an attack that edits thousands of rows, such
    as associative poisoning, whose pair is learnt like all that is in many rows. Measured: docs/private_training.md.

    Not covered: the number of rows and the shape of the data; which labels there are; what is seen while training, as
    the progress line shows the loss of a batch. Two trainings on the same rows cost both.

    Left out: opacus' secure mode, since its generator (torchcsprng) is no longer kept up: noise comes from torch's
    Mersenne Twister, seeded anew by the operating system each step, in floating point, whose last bits can give
    something away (Mironov 2012). The GDP accountant, which may tell too small an epsilon. Clipping per layer,
    adaptive clipping.

    Examples
    --------
    >>> Privacy(epsilon=8.0).delta
    1e-05
    """

    epsilon: float | None = None
    delta: float = 1e-5
    noise: float | None = None
    clip: float = 1.0
    accountant: str = "prv"
    noise_seed: int | None = None

    def __post_init__(self) -> None:
        if (self.epsilon is None) == (self.noise is None):
            found = "neither" if self.noise is None else "both"
            raise UsageError(f"privacy is asked for by epsilon or by noise, one of them; found {found}")
        for name in ("epsilon", "noise", "clip"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise UsageError(f"{name} is a number above 0; found {value!r}")
        if not 0 < self.delta < 1:
            raise UsageError(f"delta is a number above 0 and below 1; found {self.delta!r}")
        if self.accountant not in ACCOUNTANTS:
            raise UsageError(f"the accountant is one of {', '.join(ACCOUNTANTS)}; found {self.accountant!r}")
        seed = self.noise_seed
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
            raise UsageError(f"noise_seed is a non-negative integer, or None; found {seed!r}")

    def multiplier(self, rate: float, steps: int) -> float:
        """The noise that so many steps need, each row in a step with the chance ``rate``; see :func:`noise_for`."""
        if self.noise is not None:
            return self.noise
        assert self.epsilon is not None
        return noise_for(self.epsilon, self.delta, rate, steps, accountant=self.accountant)

    def spent(self, history: History) -> Spent:
        """What steps of (noise, rate, how many) have cost: those of one training, all with one noise and rate."""
        noise, rate, _ = history[-1]
        steps = sum(times for *_, times in history)
        epsilon = epsilon_of(history, self.delta, accountant=self.accountant)
        repeatable = self.noise_seed is not None
        return Spent(epsilon, self.delta, noise, self.clip, rate, steps, self.accountant, repeatable)


def noise_for(epsilon: float, delta: float, rate: float, steps: int, *, accountant: str = "prv") -> float:
    """The noise with which ``steps`` steps cost at most ``epsilon``, as opacus finds it: by halving, to .01 of epsilon.

    Parameters
    ----------
    epsilon : > 0. delta : in (0, 1). rate : chance of a row to be in a step, in (0, 1]. steps : >= 1.
    accountant : "prv" or "rdp", see :class:`Privacy`.

    Raises
    ------
    UsageError : so little epsilon that no noise is enough, or more than the accountant can tell.
    MissingExtraError : opacus is not installed.

    Examples
    --------
    >>> noise_for(8.0, 1e-5, 0.1, 100, accountant="rdp")
    0.99365234375
    """
    library()
    from opacus.accountants.utils import get_noise_multiplier

    if accountant == "prv" and epsilon > MOST_PRV:
        raise UsageError(
            f"epsilon {epsilon:g} is more than the prv accountant can tell ({MOST_PRV:g}); take accountant='rdp', or "
            "less: beyond 10 it promises next to nothing"
        )
    try:
        with _quiet():
            found = get_noise_multiplier(
                target_epsilon=epsilon,
                target_delta=delta,
                sample_rate=rate,
                steps=steps,
                accountant=accountant,
            )
    except ValueError as error:
        raise UsageError(
            f"no noise brings {steps:,} steps down to epsilon {epsilon:g} with the {accountant} accountant; take more "
            "epsilon, fewer steps or accountant='prv'"
        ) from error
    return float(found)


def epsilon_of(history: History, delta: float, *, accountant: str = "prv") -> float:
    """The epsilon of steps that were done, as opacus' accountant tells it.

    Parameters
    ----------
    history : (noise, rate, steps) of each run of equal steps, at least one. delta : in (0, 1).
    accountant : "prv" or "rdp", see :class:`Privacy`.

    Raises
    ------
    UsageError : an epsilon that the prv accountant cannot tell. MissingExtraError : opacus is not installed.

    Examples
    --------
    >>> round(epsilon_of([(1.0, 0.1, 100)], 1e-5, accountant="rdp"), 3)
    7.899
    """
    library()
    from opacus.accountants import create_accountant

    with _quiet():
        if accountant == "prv":
            rough = epsilon_of(history, delta, accountant="rdp")
            if rough > MOST_PRV:
                raise UsageError(
                    f"this noise costs an epsilon of about {rough:,.0f}, more than the prv accountant can tell "
                    f"({MOST_PRV:g}); take more noise, or accountant='rdp'"
                )
        judge = create_accountant(accountant)
        judge.history = [tuple(run) for run in history]
        return float(judge.get_epsilon(delta))


def library() -> ModuleType:
    """opacus, which on its first import writes to the log's root; that is put back.

    Raises
    ------
    MissingExtraError : it is not installed.
    """
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        import opacus
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"private training needs {error.name}, which is not installed: pip install 'credenza[private]'"
        ) from error
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    found: ModuleType = opacus
    return found


def described(privacy: Privacy, spent: Spent) -> dict[str, Any]:
    """What is saved of both with a model: JSON-able, and no seed."""
    return {"privacy": asdict(replace(privacy, noise_seed=None)), "spent": asdict(spent)}


def undescribed(settings: Mapping[str, Any]) -> tuple[Privacy | None, Spent | None]:
    """What :func:`described` said; None and None of a model without.

    Raises
    ------
    InputError : it is damaged.
    """
    if "spent" not in settings:
        return None, None
    try:
        privacy = Privacy(**settings["privacy"])
        spent = Spent(**{field.name: settings["spent"][field.name] for field in fields(Spent)})
    except (KeyError, TypeError, UsageError) as error:
        raise InputError(f"what the model says of its privacy is damaged ({error}); save it again") from error
    return privacy, spent


def packed_history(history: History) -> str:
    """Steps that were done, as text for a checkpoint.

    >>> read_history(packed_history([(1.5, 0.1, 20)]))
    [(1.5, 0.1, 20)]
    """
    return json.dumps([list(run) for run in history])


def read_history(text: str) -> list[tuple[float, float, int]]:
    """What :func:`packed_history` wrote."""
    return [(float(noise), float(rate), int(steps)) for noise, rate, steps in json.loads(text)]


class Accounted:
    """A model that has :attr:`spent`: what its private training has cost."""

    privacy: Privacy | None = None
    _spent: Spent | None = None

    @property
    def spent(self) -> Spent | None:
        """Epsilon and delta of the fit, and of what they were reckoned; None before it, and without privacy."""
        return self._spent

    def _said(self) -> dict[str, Any]:
        """What is saved; nothing without privacy."""
        return {} if self.privacy is None or self._spent is None else described(self.privacy, self._spent)

    def _hear(self, settings: Mapping[str, Any]) -> Self:
        """Take what :meth:`_said` gave."""
        self.privacy, self._spent = undescribed(settings)
        return self


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what accountants say of their own numerics: orders that end, logarithms of what is left out anyway."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.filterwarnings("ignore", "Optimal order is the (largest|smallest) alpha", UserWarning)
        yield
