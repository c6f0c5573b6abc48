"""Texts judged by a given model: as the model says itself, whatever sort it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="models are kept with safetensors")

from credenza.errors import InputError
from credenza.models.text import NGram
from credenza.synthetic import perplexity_model

TEXTS = ["the cat sat.", "the dog sat.", "the cat ran to a mat."] * 4


def test_a_saved_model_says_what_it_says(tmp_path: Path) -> None:
    model = NGram(order=2).fit(TEXTS)
    model.save(tmp_path / "pets")
    found = perplexity_model(tmp_path / "pets")
    assert np.array_equal(found.perplexity(TEXTS), model.perplexity(TEXTS))
    assert found.to_dict() == {"name": "pets", "sha256": found.sha256}


def test_without_a_model_it_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^no folder .*/none; give the folder of a language model$"):
        perplexity_model(tmp_path / "none")
    with pytest.raises(InputError, match=r"holds no config.json; give the folder of a transformers model$"):
        perplexity_model(tmp_path)


def test_a_transformers_model_is_asked_piece_by_piece(tmp_path: Path) -> None:
    transformers: Any = pytest.importorskip("transformers", reason="a language model needs transformers")
    tokenizers: Any = pytest.importorskip("tokenizers", reason="a language model needs tokenizers")
    torch: Any = pytest.importorskip("torch", reason="a language model needs torch")
    words = ["<end>", "<unk>", *(f"w{n}" for n in range(18))]
    inner = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>")
    )
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>", unk_token="<unk>")
    fast.save_pretrained(tmp_path)
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=20, n_embd=8, n_layer=1, n_head=1, n_positions=8, bos_token_id=0, eos_token_id=0
    )
    transformers.logging.disable_progress_bar()
    network = transformers.GPT2LMHeadModel(config).eval()
    network.save_pretrained(tmp_path)
    judge = perplexity_model(tmp_path, device="cpu")
    text = "w1 w5 w5 w9"
    with torch.no_grad():
        logs = torch.log_softmax(network(torch.tensor([[0, 3, 7, 7]])).logits[0], dim=1)
    wanted = float(torch.exp(-logs[range(4), [3, 7, 7, 11]].mean()))
    long = " ".join(["w3"] * 40)
    found = judge.perplexity([text, long, ""])
    assert abs(found[0] - wanted) < 1e-3
    assert 1 < found[1] < 100
    assert found[2] == 1.0
