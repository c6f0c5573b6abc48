"""Texts of saved models: different ones, labelled where asked, on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("safetensors", reason="models are kept with safetensors")

from credenza.errors import InfeasibleError, UsageError
from credenza.models.text import NGram
from credenza.synthetic import saved_texts

TEXTS = [f"the {who} {did} {where}." for who in ("cat", "dog", "hen") for did in ("sat", "ran")
         for where in ("here", "there", "at home")]  # fmt: skip


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "pets"
    NGram(order=2).fit(TEXTS).save(folder)
    return folder


def test_texts_differ_and_the_seed_decides(pets: Path) -> None:
    made = saved_texts(pets, 10, category="pet", column="said", labels="kind", seed=3)
    assert made.data.column_names == ["said", "kind", "source", "generator_model"]
    assert len(set(made.data["said"].to_pylist())) == made.rows == 10
    assert set(made.data["kind"].to_pylist()) == {"pet"}
    assert set(made.data["generator_model"].to_pylist()) == {"pets"}
    again = saved_texts(pets, 10, category="pet", column="said", labels="kind", seed=3)
    assert again.data.equals(made.data)
    assert again.settings == made.settings
    assert (made.settings["kind"], len(made.settings["model_sha256"])) == ("ngram", 64)
    assert saved_texts(pets, 3).data.column_names == ["text", "source", "generator_model"]


def test_a_transformer_takes_a_temperature(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="transformers need torch")
    from credenza.models.text import TextTransformer

    model = TextTransformer(width=8, layers=1, heads=2, context=8, steps=10, batch=8, device="cpu")
    model.fit(TEXTS, seed=0).save(tmp_path / "m")
    made = saved_texts(tmp_path / "m", 5, temperature=1.5, seed=1)
    assert made.rows == 5
    assert made.settings["temperature"] == 1.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": 0}, r"^rows is a whole number, 1 or more; found 0$"),
        ({"temperature": 0.0}, r"^temperature is a number above 0; found 0\.0$"),
        ({"temperature": 0.5}, r"/pets holds n-grams, which have no temperature; leave it out$"),
        ({"category": " "}, r"^the category is empty; give it a name, or leave it out$"),
        ({"column": "source"}, r"^a column cannot be called 'source' here"),
    ],
)
def test_wrong_calls_are_one_line(pets: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        saved_texts(pets, options.pop("rows", 3), **options)


def test_a_model_that_repeats_itself_is_given_up(tmp_path: Path) -> None:
    NGram(order=3).fit(["the cat sat."] * 5).save(tmp_path / "m")
    with pytest.raises(
        InfeasibleError,
        match=r"^300 different texts were asked for and the model in .*/m gave \d+; ask for fewer, or fit",
    ):
        saved_texts(tmp_path / "m", 300)
