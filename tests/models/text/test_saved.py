"""A text model from its folder: of its kind, and one line where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="models are kept with safetensors")

from credenza.errors import InputError
from credenza.models.store import write_model
from credenza.models.text import NGram, load_text_model

TEXTS = ["the cat sat.", "the dog sat.", "the cat ran to a mat."] * 4


def test_n_grams_come_back(tmp_path: Path) -> None:
    model = NGram(order=2).fit(TEXTS)
    model.save(tmp_path / "m")
    found = load_text_model(str(tmp_path / "m"))
    assert isinstance(found, NGram)
    assert found.sample(20, seed=1) == model.sample(20, seed=1)


def test_a_transformer_comes_back(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="transformers need torch")
    from credenza.models.text import TextTransformer

    model = TextTransformer(width=8, layers=1, heads=2, context=8, steps=2, batch=4, device="cpu")
    model.fit(TEXTS, seed=0).save(tmp_path / "m")
    found = load_text_model(tmp_path / "m")
    assert isinstance(found, TextTransformer)
    assert np.allclose(found.perplexity(TEXTS[:2]), model.perplexity(TEXTS[:2]), rtol=1e-4)


def test_what_is_no_text_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^no folder .*/none; give a folder that a model was saved to$"):
        load_text_model(tmp_path / "none")
    write_model(tmp_path / "m", "ddpm", {}, {"a": np.zeros(1)})
    with pytest.raises(
        InputError, match=r"holds a model of kind 'ddpm'; texts are made by ngram or transformer$"
    ):
        load_text_model(tmp_path / "m")
    for settings in ({}, {"order": "two", "max_words": None, "words": [], "longest": 1}):
        write_model(tmp_path / "m", "ngram", settings, {"a": np.zeros(1)})
        with pytest.raises(
            InputError, match=r"/m holds damaged settings of a text model; save the model again$"
        ):
            load_text_model(tmp_path / "m")
    NGram(order=2).fit(TEXTS).save(tmp_path / "m")
    described = json.loads((tmp_path / "m" / "model.json").read_text())
    described["settings"]["order"] = 3
    (tmp_path / "m" / "model.json").write_text(json.dumps(described))
    with pytest.raises(InputError, match=r"damaged settings"):
        load_text_model(tmp_path / "m")
