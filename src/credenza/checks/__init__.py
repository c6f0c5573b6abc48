"""The checks: one class each, listed here once."""

from __future__ import annotations

from credenza.checks.activation_clusters import ActivationClusters
from credenza.checks.amplified_trigger import AmplifiedTrigger
from credenza.checks.base import NEEDS, Check
from credenza.checks.batch_copies import BatchCopies
from credenza.checks.batch_distribution import BatchDistribution
from credenza.checks.batch_labels import BatchLabels
from credenza.checks.batch_plausibility import BatchPlausibility
from credenza.checks.checkpoint_jumps import CheckpointJump
from credenza.checks.class_means import MovedMeans
from credenza.checks.content_links import ContentLink
from credenza.checks.duplicates import DuplicateRows
from credenza.checks.early_trigger import EarlyTrigger
from credenza.checks.evidence import Evidence
from credenza.checks.files_match import FilesMatch
from credenza.checks.harmful_contributor import HarmfulContributor
from credenza.checks.loss_outliers import LossOutlier
from credenza.checks.marginals import MarginalShift
from credenza.checks.mislabelled import LabelDisagreement
from credenza.checks.near_duplicates import NearDuplicates
from credenza.checks.pairs import AssociationShift
from credenza.checks.policy import PolicyBreach
from credenza.checks.robust_outliers import RobustOutliers
from credenza.checks.settings import Settings
from credenza.checks.signature import ManifestSignature
from credenza.checks.signed_reference import SignedReference
from credenza.checks.slices import SliceShift
from credenza.checks.spectral_signature import SpectralSignature
from credenza.checks.strata import StrataShift
from credenza.checks.structure import Structure
from credenza.checks.triples import InteractionShift
from credenza.checks.unbroken_lineage import UnbrokenLineage
from credenza.checks.unreadable import UnreadableContent

REGISTRY: tuple[type[Check], ...] = (
    Structure,
    DuplicateRows,
    NearDuplicates,
    UnreadableContent,
    MarginalShift,
    AssociationShift,
    SliceShift,
    StrataShift,
    ContentLink,
    PolicyBreach,
    InteractionShift,
    LabelDisagreement,
    LossOutlier,
    SpectralSignature,
    ActivationClusters,
    RobustOutliers,
    EarlyTrigger,
    AmplifiedTrigger,
    MovedMeans,
    BatchDistribution,
    BatchCopies,
    BatchPlausibility,
    BatchLabels,
    FilesMatch,
    ManifestSignature,
    UnbrokenLineage,
    SignedReference,
    CheckpointJump,
    HarmfulContributor,
)

__all__ = ["NEEDS", "REGISTRY", "Check", "Evidence", "Settings"]
