"""Classes whose rows make one heap, and a share of one class that makes another."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from checks.conftest import Run
from checks.samples.worlds import blobs, labelled
from numpy.typing import NDArray

from credenza.checks.samples.beside import SampleInputs
from credenza.contracts import FloatArray, Outcome


def planted(
    n: int = 1_200, share: float = 0.2, seed: int = 0
) -> tuple[FloatArray, pa.Table, NDArray[np.bool_]]:
    """Four classes; a share of the rows of "cat" carries something that moves two of the eight dimensions."""
    content, codes = blobs(n, seed)
    mine = (codes == 2) & (np.random.default_rng((seed, 2)).random(n) < share)
    content[mine, 5:7] += 6.0
    return content, labelled(codes), mine


def checked(run: Run, code: str, share: float, seed: int = 0) -> tuple[Outcome, NDArray[np.bool_]]:
    """What a check says of such rows, and which are planted."""
    content, table, mine = planted(share=share, seed=seed)
    return run(code, table, beside=SampleInputs("kind", content)), mine
