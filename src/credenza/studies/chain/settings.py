"""Settings of the study: images, the diffusion model, the classifier, and which models are trained, at three scales."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from credenza.errors import UsageError

CLEAN = "clean"
ATTACKERS = ("scratch", "tuned")


@dataclass(frozen=True, order=True)
class Unit:
    """One diffusion model and all that hangs on it.

    ``attack`` : "clean", or a trigger and the share of the training rows that carry it in percent, such as "patch-10".
    ``attacker`` : "scratch", or "tuned" where the model starts from one that was trained on clean rows.
    ``number`` : of its seed, from 0.
    """

    attack: str
    attacker: str
    number: int

    @property
    def name(self) -> str:
        """The name that folders and messages use.

        >>> Unit("patch-10", "scratch", 0).name
        'patch-10-scratch-0'
        """
        return f"{self.attack}-{self.attacker}-{self.number}"

    @property
    def path(self) -> tuple[str, str]:
        """What filters look at."""
        return self.attack, self.attacker


@dataclass(frozen=True)
class Group:
    """Models of one kind, ``models`` of them."""

    attack: str
    models: int
    attacker: str = "scratch"


@dataclass(frozen=True)
class Scale:
    """Everything that decides how much is computed.

    Attributes
    ----------
    name : "tiny", "small" or "paper". size : pixels a side.
    train : rows that the diffusion model is trained on. own : trusted rows that the user has, the reference of audits.
    scarce : rows that a user with little data has. judge : rows of the networks that measure. test : rows that
        classifiers are tested on.
    generated : images that are made of each model. traced : trajectories of each class that CZ501 looks at.
    model : keyword arguments of the diffusion model. tuned_steps : of training, after those on clean rows.
    width, epochs : of the classifiers.
    groups : what is trained.
    """

    name: str
    size: int
    train: int
    own: int
    scarce: int
    judge: int
    test: int
    generated: int
    traced: int
    tuned_steps: int
    width: int
    epochs: int
    groups: tuple[Group, ...]
    model: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Images that one model's split takes."""
        return self.train + self.own + self.judge + self.test

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as JSON has it."""
        return dict(json.loads(json.dumps(asdict(self))))


TINY = Scale(
    name="tiny",
    size=16,
    train=240,
    own=240,
    scarce=40,
    judge=240,
    test=120,
    generated=200,
    traced=25,
    tuned_steps=10,
    width=8,
    epochs=4,
    groups=(Group("clean", 1), Group("patch-10", 1), Group("patch-10", 1, "tuned")),
    model={"steps": 20, "width": 8, "patch": 2, "sampling_steps": 4},
)

# Some .15 s a step on one core.
SMALL_MODEL = {
    "width": 24,
    "patch": 2,
    "learning_rate": 2e-3,
    "decay": 0.998,
    "steps": 1_500,
    "sampling_steps": 25,
}

SMALL = Scale(
    name="small",
    size=16,
    train=4_000,
    own=2_000,
    scarce=100,
    judge=4_000,
    test=2_000,
    generated=3_000,
    traced=100,
    tuned_steps=500,
    width=16,
    epochs=6,
    groups=(
        Group("clean", 3),
        Group("patch-10", 2),
        Group("sig-10", 2),
        Group("clean", 1, "tuned"),
        Group("patch-10", 1, "tuned"),
        Group("sig-10", 1, "tuned"),
        Group("patch-5", 1),
        Group("sig-5", 1),
        Group("blend-10", 1),
        Group("patch-1", 1),
        Group("patch-0.5", 1),
    ),
    model=SMALL_MODEL,
)

PAPER = Scale(
    name="paper",
    size=32,
    train=20_000,
    own=5_000,
    scarce=500,
    judge=10_000,
    test=5_000,
    generated=20_000,
    traced=500,
    tuned_steps=10_000,
    width=64,
    epochs=20,
    groups=tuple(
        Group(attack, 5, attacker)
        for attacker in ATTACKERS
        for attack in (
            "clean",
            *(
                f"{trigger}-{rate}"
                for trigger in ("patch", "blend", "sig")
                for rate in ("10", "5", "1", "0.5")
            ),
            "warp-10",
        )
    ),
    model={"steps": 40_000, "width": 64},
)

SCALES: dict[str, Scale] = {scale.name: scale for scale in (TINY, SMALL, PAPER)}


def scale_of(name: str | Scale) -> Scale:
    """A scale by name, or as given.

    Raises
    ------
    UsageError : there is none of this name.

    Examples
    --------
    >>> scale_of("small").size
    16
    """
    if isinstance(name, Scale):
        return name
    if name not in SCALES:
        raise UsageError(f"unknown scale {name!r}; choose from {', '.join(SCALES)}")
    return SCALES[name]


def units_of(scale: Scale, only: Sequence[str] = ()) -> list[Unit]:
    """All units of a scale that pass the filters: the first models of every group, then the second.

    Parameters
    ----------
    only : filters ATTACK/ATTACKER; parts that are left out or ``*`` let everything pass.

    Raises
    ------
    UsageError : a filter lets nothing pass.

    Examples
    --------
    >>> [unit.name for unit in units_of(SCALES["tiny"], ["patch-10/scratch"])]
    ['patch-10-scratch-0']
    """
    most = max(group.models for group in scale.groups)
    every = [
        Unit(group.attack, group.attacker, number)
        for number in range(most)
        for group in scale.groups
        if number < group.models
    ]
    wanted = [[part.strip() for part in text.split("/")] for text in only]
    for text, parts in zip(only, wanted, strict=True):
        if len(parts) > 2 or not any(_passes(unit, parts) for unit in every):
            known = ", ".join(dict.fromkeys("/".join(unit.path) for unit in every))
            raise UsageError(f"--only {text!r} lets nothing pass at scale {scale.name}; choose from {known}")
    return [unit for unit in every if not wanted or any(_passes(unit, parts) for parts in wanted)]


def deciding(settings: Any, records: Sequence[Mapping[str, Any]]) -> Any:
    """All settings but which models are trained, and how many: these may change."""
    scale = settings.get("scale") if isinstance(settings, dict) else None
    if not isinstance(scale, dict) or not records:
        return settings
    return {**settings, "scale": {key: value for key, value in scale.items() if key != "groups"}}


def _passes(unit: Unit, parts: Sequence[str]) -> bool:
    return all(part in ("", "*", own) for part, own in zip(parts, unit.path, strict=False))
