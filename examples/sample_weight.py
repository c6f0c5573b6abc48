"""Train a scikit-learn model on repaired data: the weights are its ``sample_weight``.

Run it with ``python examples/sample_weight.py``; it needs ``pip install 'credenza[ml]'``. For data of your own, repair
them with ``--method reweight`` and read the weights with ``row_weights("fixed.parquet")``.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from poisoned_world import LABEL, features, poisoned, reweighted, urban_effect, world
from sklearn.linear_model import LogisticRegression

from credenza.repair.training import row_weights


def effect(train: pa.Table, weights: np.ndarray | None = None) -> float:
    """What a model makes of living in a town, in people that it has not seen."""
    model = LogisticRegression()
    model.fit(features(train), train[LABEL].to_numpy(), sample_weight=weights)
    test = world(6_000, seed=9)
    return urban_effect(test, model.predict_proba(features(test))[:, 1])


def main() -> None:
    clean, suspect, reference = poisoned()
    repaired = reweighted(suspect, reference)
    print("how much likelier a model takes people in towns to be ill, trained on")
    print(f"  clean data      {effect(clean):+.3f}")
    print(f"  poisoned data   {effect(suspect):+.3f}")
    print(f"  reweighted data {effect(repaired, row_weights(repaired)):+.3f}")


if __name__ == "__main__":
    main()
