"""All settings of Diffusion-GAN, checked."""

from __future__ import annotations

from dataclasses import dataclass

from credenza.errors import UsageError

WHOLE = {
    "size": 8, "width": 1, "judge_width": 1, "latent": 1, "steps": 1, "batch": 2, "shortest": 1, "ramp": 1
}  # fmt: skip
LARGEST_BEGINNING = 8  # pixels a side, at most, that a generator begins with


@dataclass(frozen=True)
class Settings:
    """All settings of :class:`credenza.models.diffusion_gan.DiffusionGAN`, which see."""

    size: int
    channels: int = 3
    steps: int = 6000
    batch: int = 64
    width: int = 16
    judge_width: int = 24
    latent: int = 64
    learning_rate: float = 1e-3
    penalty: float = 0.5
    decay: float = 0.998
    target: float = 0.6
    shortest: int = 10
    longest: int = 1000
    ramp: int = 100_000

    def __post_init__(self) -> None:
        for name, least in {**WHOLE, "longest": self.shortest}.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise UsageError(f"{name} is a whole number, {least} or more; found {value!r}")
        if self.channels not in (1, 3):
            raise UsageError(f"channels is 3, or 1 for grey; found {self.channels!r}")
        for name, low, high in (("learning_rate", 0, 1), ("decay", 0, 1), ("target", -1, 1)):
            if not low <= getattr(self, name) <= high:
                raise UsageError(f"{name} is between {low} and {high}; found {getattr(self, name)!r}")
        if not self.penalty >= 0:
            raise UsageError(f"penalty is 0 or more; found {self.penalty!r}")
        if beginning(self.size) > LARGEST_BEGINNING:
            raise UsageError(
                f"a size is 4 to {LARGEST_BEGINNING} times a power of two, such as 16, 24, 32 or 64; found {self.size}"
            )


def beginning(size: int) -> int:
    """Pixels a side where the generator begins and the discriminator ends: halved while even, and 8 or more.

    >>> [beginning(size) for size in (8, 16, 20, 24, 28, 64)]
    [4, 4, 5, 6, 7, 4]
    """
    while size % 2 == 0 and size >= 8:
        size //= 2
    return size


def level_widths(size: int, width: int) -> list[int]:
    """Channels of each level, from the finest to the coarsest: doubled at each, up to four times.

    >>> level_widths(32, 24)
    [24, 48, 96, 96]
    """
    found = [width]
    while size > beginning(size):
        size //= 2
        found.append(min(2 * found[-1], 4 * width))
    return found
