"""Features of images, texts, sounds and graphs: an ordinary table, so that associations in them can be audited."""

from __future__ import annotations

from credenza.data.features.base import Features, Recipe, Unreadable, read_recipe
from credenza.data.features.contents import Contents, candidate_columns, carried_columns, find_contents
from credenza.data.features.graphs import Graph, GraphOptions, matching
from credenza.data.features.hashes import difference_hash, near_hashes, perceptual_hash
from credenza.data.features.near import NearPairs
from credenza.data.features.pixels import ImageMeasure, image_features, image_names
from credenza.data.features.shingles import minhash, near_texts, shingles_of
from credenza.data.features.terms import (
    document_frequencies,
    frequent_terms,
    stop_words_of,
    tokens_of,
)
from credenza.data.features.text import TextMeasure, fit_text
from credenza.data.features.waves import SoundMeasure, sound_features, sound_names
from credenza.data.features.write import ImageOptions, SoundOptions, TextOptions, write_features

__all__ = [
    "Contents",
    "Features",
    "Graph",
    "GraphOptions",
    "ImageMeasure",
    "ImageOptions",
    "NearPairs",
    "Recipe",
    "SoundMeasure",
    "SoundOptions",
    "TextMeasure",
    "TextOptions",
    "Unreadable",
    "candidate_columns",
    "carried_columns",
    "difference_hash",
    "document_frequencies",
    "find_contents",
    "fit_text",
    "frequent_terms",
    "image_features",
    "image_names",
    "matching",
    "minhash",
    "near_hashes",
    "near_texts",
    "perceptual_hash",
    "read_recipe",
    "shingles_of",
    "sound_features",
    "sound_names",
    "stop_words_of",
    "tokens_of",
    "write_features",
]
