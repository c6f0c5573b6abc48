"""What the study needs to know of a kind of data: how rows become it, and how features are read off it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from credenza.errors import UsageError
from credenza.studies.common.optional import imported

# Kind of generator, the module it is defined in, its name there.
GENERATORS: dict[str, tuple[str, str]] = {
    "chow-liu": ("credenza.models.tabular.chow_liu", "ChowLiu"),
    "copula": ("credenza.models.tabular.copula", "GaussianCopula"),
    "tabddpm": ("credenza.models.tabular.diffusion", "TabularDiffusion"),
    "ddpm": ("credenza.models.ddpm", "DDPM"),
    "diffusion-gan": ("credenza.models.diffusion_gan", "DiffusionGAN"),
    "ngram": ("credenza.models.text.ngram", "NGram"),
    "transformer": ("credenza.models.text.transformer", "TextTransformer"),
}
ON_DEVICE = ("tabddpm", "ddpm", "diffusion-gan", "transformer")
SIZED = ("ddpm", "diffusion-gan")


class Modality(Protocol):
    """A kind of data. ``features`` are the columns that are read off it; colours are among them where it has any."""

    name: str
    features: tuple[str, ...]
    quality_name: str

    def data(self, rows: pa.Table) -> Any:
        """What a generator is fitted to."""
        ...

    def read(self, samples: Any) -> pa.Table:
        """The features of samples, columns as in ``features``."""
        ...

    def reference(self, rows: pa.Table) -> pa.Table:
        """The features of clean rows, read in the same way."""
        ...

    def quality(self, samples: Any, read: pa.Table, rows: pa.Table, reference: pa.Table) -> float:
        """How far samples are from clean rows apart from the pair; lower is better."""
        ...

    def prepare(self) -> None:
        """Make what reading needs, once for the study, before any model is trained."""
        ...

    def corrected(self, read: pa.Table) -> dict[str, Any]:
        """Measures with the errors of reading taken out; none where reading makes none."""
        ...

    def keep(self, samples: Any, folder: Path, name: str) -> None:
        """Put some of the samples where a person can look at them."""
        ...


def generator(kind: str, settings: Mapping[str, Any], *, size: int, device: str) -> Any:
    """A generator that is not fitted yet.

    Parameters
    ----------
    kind : as in ``GENERATORS``. settings : its keyword arguments.
    size : pixels a side, of those that make images. device : of those that run on one.

    Raises
    ------
    UsageError : an unknown kind, or no GPU where one is asked for.
    MissingExtraError : what it needs is not installed; the message names the extra.
    """
    if kind not in GENERATORS:
        raise UsageError(f"unknown generator {kind!r}; choose from {', '.join(GENERATORS)}")
    module, name = GENERATORS[kind]
    made: Callable[..., Any] = imported(module, name)
    own: dict[str, Any] = {"size": size} if kind in SIZED else {}
    if kind in ON_DEVICE:
        own["device"] = device
    return made(**own, **settings)
