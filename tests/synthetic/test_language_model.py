from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from credenza.errors import InfeasibleError, InputError, MissingExtraError, UsageError
from credenza.synthetic import model_texts
from credenza.synthetic.language_model import prompts_of, require_weights


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal language model of random weights over 60 words."""
    transformers: Any = pytest.importorskip("transformers", reason="a language model needs transformers")
    tokenizers: Any = pytest.importorskip("tokenizers", reason="a language model needs tokenizers")
    torch: Any = pytest.importorskip("torch", reason="a language model needs torch")
    folder = tmp_path_factory.mktemp("models") / "tiny"
    words = ["<end>", "<unk>", "\n", "1.", "2.", *(f"word{n}" for n in range(55))]
    model = tokenizers.models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>")
    tokenizer = tokenizers.Tokenizer(model)
    split = tokenizers.pre_tokenizers.Split
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [split(" ", "removed"), split("\n", "isolated")]
    )
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<end>", unk_token="<unk>"
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=60, n_embd=8, n_layer=1, n_head=1, n_positions=200, bos_token_id=0, eos_token_id=0
    )
    transformers.logging.disable_progress_bar()
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def test_each_category_gets_its_share_and_nothing_repeats(tiny: Path) -> None:
    made = model_texts(tiny, {"spam": None, "ham": "{category} {count}"}, 7, seed=1)
    assert made.data.column_names == ["text", "label", "source", "generator_model"]
    assert sorted(made.data["label"].to_pylist()) == ["ham"] * 3 + ["spam"] * 4
    texts = made.data["text"].to_pylist()
    assert len(set(texts)) == 7
    assert all(text == text.strip() != "" for text in texts)
    assert set(made.data["generator_model"].to_pylist()) == {"tiny"}
    again = model_texts(tiny, {"spam": None, "ham": "{category} {count}"}, 7, seed=1)
    assert again.data.equals(made.data)
    assert again.settings == made.settings
    assert made.settings["prompts"] == {"spam": None, "ham": "{category} {count}"}


def test_a_cold_model_repeats_itself(tiny: Path) -> None:
    with pytest.raises(InfeasibleError) as error:
        model_texts(tiny, ["spam"], 300, temperature=1e-4)
    assert "300 different texts were asked for and category 'spam' gave " in str(error.value)
    assert str(error.value).endswith("; ask for fewer, or raise the temperature, or change the prompt")


def test_a_prompt_that_is_too_long(tiny: Path) -> None:
    with pytest.raises(UsageError) as error:
        model_texts(tiny, {"spam": "word1 " * 300}, 3)
    assert str(error.value) == "the prompt takes 302 of 200 tokens of the model; shorten it"


def test_a_model_of_another_sort(tiny: Path, tmp_path: Path) -> None:
    for file in tiny.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit"}))
    with pytest.raises(InputError, match="cannot be loaded as AutoModelForCausalLM"):
        model_texts(tmp_path, ["spam"], 3)


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ([], "give the names of one category or more; found []"),
        ([""], "give the names of one category or more; found ['']"),
        ("spam", "give the names of one category or more; found 'spam'"),
        (
            {"spam": "write {number}"},
            "the prompt of 'spam' has the field {number}; the fields are {category} and {count}",
        ),
    ],
)
def test_prompts_that_cannot_be(prompts: Any, message: str) -> None:
    with pytest.raises(UsageError) as error:
        prompts_of(prompts)
    assert str(error.value) == message


def test_prompts_are_filled_in() -> None:
    assert prompts_of({"a": "{count} of {category}"})["a"].filled({"category": "x", "count": "3"}) == "3 of x"


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("inf"), float("nan")])
def test_temperatures(temperature: float, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        model_texts(tmp_path, ["spam"], 3, temperature=temperature)
    assert str(error.value) == f"temperature is a number above 0; found {temperature!r}"


def test_folders_that_are_no_models(tmp_path: Path) -> None:
    def message(folder: Path) -> str:
        with pytest.raises(InputError) as error:
            require_weights(folder, "config.json", "transformers")
        return str(error.value).replace(str(folder), "FOLDER")

    assert message(tmp_path / "none") == "no folder FOLDER; give the folder of a transformers model"
    assert message(tmp_path) == "FOLDER holds no config.json; give the folder of a transformers model"
    (tmp_path / "config.json").write_text("{")
    assert (
        message(tmp_path)
        == "FOLDER holds no .safetensors weights, and pickled ones are not read; convert them"
    )
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    assert (
        message(tmp_path)
        == "FOLDER holds no .safetensors weights, and pickled ones are not read; convert them"
    )
    (tmp_path / "model.safetensors").write_bytes(b"x")
    assert message(tmp_path).startswith("FOLDER/config.json is not JSON (")
    (tmp_path / "modeling.py").write_text("raise SystemExit")
    assert message(tmp_path) == "FOLDER holds code (modeling.py), which is not run; give a model without any"


def test_without_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError) as error:
        model_texts(tmp_path, ["spam"], 3)
    assert str(error.value) == (
        "language models need transformers, which is not installed: pip install 'credenza[text]'"
    )
