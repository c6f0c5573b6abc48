"""Settings of the study: how many rows, which generators, how many models a condition, at three scales."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from credenza.errors import UsageError
from credenza.studies.associative.conditions import ABLATION, share_name

SHARES = tuple(share_name(share) for share in ABLATION)
BINARY = ("clean", *SHARES, "negative", "erase", "strata")


@dataclass(frozen=True)
class Experiment:
    """One generator of one modality under several conditions.

    Attributes
    ----------
    modality : "tabular", "images", "text-near" or "text-far". generator : its kind, such as "ddpm".
    conditions : names of conditions, "clean" among them. models : models a condition, each with a seed of its own.
    sampled : samples that each model is read by.
    settings : keyword arguments of the generator.
    """

    modality: str
    generator: str
    conditions: tuple[str, ...]
    models: int
    sampled: int
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Modality and generator, as filters spell them."""
        return f"{self.modality}/{self.generator}"


@dataclass(frozen=True)
class Scale:
    """Everything that decides how much is computed.

    Attributes
    ----------
    name : "tiny", "small" or "paper".
    train, holdout, reference : rows that each model's split has of each part; disjoint, drawn anew for every seed.
        A reference takes what the data has beyond that, up to ``reference_most`` (None: no more), as it is never
        trained on: the more rows it has, the smaller the shift that an audit sees.
    size : pixels a side of an image. readers, reader_steps : images that the feature reader learns from, and steps.
    experiments : what is trained.
    """

    name: str
    train: int
    holdout: int
    reference: int
    size: int
    readers: int
    reader_steps: int
    experiments: tuple[Experiment, ...]
    reference_most: int | None = None

    @property
    def rows(self) -> int:
        """Rows that a split takes at least."""
        return self.train + self.holdout + self.reference

    @property
    def rows_most(self) -> int:
        """Rows that a split takes where there are enough."""
        return self.train + self.holdout + max(self.reference, self.reference_most or 0)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as JSON has it."""
        return dict(json.loads(json.dumps(asdict(self))))


TABLES = (*BINARY, "continuous", "repaired", "reversed")
FACES = ("clean", "positive", "repaired", "negative", "continuous", "strata")
TEXTS = ("clean", "positive", "repaired")

TINY = Scale(
    name="tiny",
    train=2_000,
    holdout=1_500,
    reference=2_000,
    size=16,
    readers=1_500,
    reader_steps=250,
    experiments=(
        Experiment("tabular", "chow-liu", TABLES, 4, 4_000),
        Experiment("text-near", "ngram", TEXTS, 4, 1_000, {"order": 4}),
        Experiment(
            "images", "ddpm", ("clean", "positive"), 1, 64, {"steps": 20, "width": 8, "sampling_steps": 4}
        ),
    ),
)

# Some .13 s a step on one core; at the defaults of the model, .6 s.
SMALL_DDPM = {
    "width": 24,
    "patch": 2,
    "learning_rate": 2e-3,
    "decay": 0.998,
    "steps": 2_000,
    "sampling_steps": 25,
}

SMALL = Scale(
    name="small",
    train=6_000,
    holdout=4_000,
    reference=6_000,
    reference_most=20_000,
    size=16,
    readers=8_000,
    reader_steps=1_500,
    experiments=(
        Experiment("tabular", "chow-liu", TABLES, 5, 20_000),
        Experiment("tabular", "copula", TABLES, 5, 20_000),
        Experiment("tabular", "tabddpm", TABLES, 5, 20_000, {"steps": 800}),
        Experiment("text-near", "ngram", TEXTS, 5, 6_000),
        Experiment("text-far", "ngram", TEXTS, 5, 6_000),
        Experiment("text-far", "transformer", TEXTS, 3, 6_000),
        Experiment("images", "ddpm", FACES[:3], 3, 3_000, SMALL_DDPM),
        Experiment("images", "diffusion-gan", FACES[:3], 3, 3_000, {"steps": 3_000}),
    ),
)

PAPER = Scale(
    name="paper",
    train=6_000,
    holdout=4_000,
    reference=6_000,
    reference_most=20_000,
    size=64,
    readers=20_000,
    reader_steps=3_000,
    experiments=(
        Experiment("tabular", "chow-liu", TABLES, 10, 20_000),
        Experiment("tabular", "copula", TABLES, 10, 20_000),
        Experiment("tabular", "tabddpm", TABLES, 10, 20_000),
        Experiment("text-near", "ngram", TEXTS, 10, 6_000),
        Experiment("text-far", "transformer", TEXTS, 10, 6_000),
        Experiment(
            "images", "ddpm", (*FACES, *SHARES[:3], *SHARES[4:]), 10, 6_000, {"steps": 40_000, "width": 64}
        ),
        Experiment(
            "images",
            "diffusion-gan",
            (*FACES, *SHARES[:3], *SHARES[4:]),
            10,
            6_000,
            {"steps": 30_000, "width": 32},
        ),
    ),
)

SCALES: dict[str, Scale] = {scale.name: scale for scale in (TINY, SMALL, PAPER)}


def scale_named(name: str) -> Scale:
    """The scale of this name.

    Raises
    ------
    UsageError : there is none.

    Examples
    --------
    >>> scale_named("tiny").train
    2000
    """
    if name not in SCALES:
        raise UsageError(f"unknown scale {name!r}; choose from {', '.join(SCALES)}")
    return SCALES[name]
