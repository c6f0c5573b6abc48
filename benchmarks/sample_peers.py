"""What other libraries say of single rows, given the same representations and labels as our checks."""

from __future__ import annotations

import warnings

import numpy as np
from art.defences.detector.poison import SpectralSignatureDefense
from art.defences.detector.poison.activation_defence import cluster_activations
from art.defences.detector.poison.clustering_analyzer import ClusteringAnalyzer
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Pair = tuple[Floats, NDArray[np.bool_]]

SHARE, MULTIPLIER = 0.33, 1.5  # expected_pp_poison and eps_multiplier of ART, its defaults
FOLDS = 5


def every(embeddings: Floats, labels: Codes, seed: int) -> dict[str, Pair]:
    """Scores, high is suspicious, and the rows picked by default, by method."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        p = cross_val_predict(model, embeddings, labels, cv=FOLDS, method="predict_proba")
        split = clusters(embeddings, labels, seed)
    return {
        "ART spectral signatures": spectral(embeddings, labels),
        "ART activation clustering": split,
        "cleanlab, self-confidence": confident(p, labels, "self_confidence"),
        "cleanlab, normalised margin": confident(p, labels, "normalized_margin"),
    }


def spectral(embeddings: Floats, labels: Codes) -> Pair:
    """Scores of each class as ART computes them, and its cut: half of every class, by its default share."""
    scores, picked = np.zeros(len(labels)), np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        own = SpectralSignatureDefense.spectral_signature_scores(embeddings[rows])[:, 0]
        scores[rows], picked[rows] = own, own >= np.quantile(own, 1.0 - MULTIPLIER * SHARE)
    return scores, picked


def clusters(embeddings: Floats, labels: Codes, seed: int) -> Pair:
    """Two clusters a class. The smaller one is picked (ART's default); a row's score is 1 less its cluster's share."""
    np.random.seed(seed)  # noqa: NPY002  the only seed that ART takes
    rows_of = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    found, _ = cluster_activations([embeddings[rows] for rows in rows_of])
    clean, _, _ = ClusteringAnalyzer().analyze_by_size(found)
    scores, picked = np.zeros(len(labels)), np.zeros(len(labels), dtype=bool)
    for rows, own, kept in zip(rows_of, found, clean, strict=True):
        scores[rows] = 1.0 - np.bincount(own, minlength=2)[own] / len(rows)
        picked[rows] = np.asarray(kept, dtype=int) == 0
    return scores, picked


def confident(p: Floats, labels: Codes, method: str) -> Pair:
    """cleanlab's label quality, and the rows that it takes for wrong, of cross-validated probabilities."""
    quality = get_label_quality_scores(labels, p, method=method)
    return 1.0 - quality, find_label_issues(labels, p, n_jobs=1)
