"""Generators of tables of mixed types: a tree of dependencies, a Gaussian copula, a diffusion model; one a class.

Names are loaded when they are first used: all but the diffusion models do without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from credenza.models.lazy import lazy

if TYPE_CHECKING:
    from credenza.models.tabular.by_class import ByClass
    from credenza.models.tabular.chow_liu import ChowLiu
    from credenza.models.tabular.codec import TableCodec
    from credenza.models.tabular.copula import GaussianCopula
    from credenza.models.tabular.diffusion import TabularDiffusion
    from credenza.models.tabular.private_chow_liu import PrivateChowLiu
    from credenza.models.tabular.private_diffusion import PrivateDiffusion

__all__ = [
    "ByClass",
    "ChowLiu",
    "GaussianCopula",
    "PrivateChowLiu",
    "PrivateDiffusion",
    "TableCodec",
    "TabularDiffusion",
]

_HOMES = {
    "ByClass": "by_class",
    "ChowLiu": "chow_liu",
    "GaussianCopula": "copula",
    "PrivateChowLiu": "private_chow_liu",
    "PrivateDiffusion": "private_diffusion",
    "TableCodec": "codec",
    "TabularDiffusion": "diffusion",
}

__getattr__, __dir__ = lazy(__name__, _HOMES)
