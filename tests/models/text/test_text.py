"""The room of text generators: light until a name is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from credenza.errors import MissingExtraError
from credenza.models import text


def test_names_are_there() -> None:
    assert set(text.__all__) <= set(dir(text))
    with pytest.raises(
        AttributeError, match=r"no attribute 'GPT'; its names are NGram, TextTransformer, load_text_model$"
    ):
        _ = text.GPT


def test_the_ngram_model_needs_no_torch() -> None:
    fit = "from credenza.models.text import NGram\nNGram().fit(['a b']).sample(1, seed=0)\n"
    fit += "import sys\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", fit], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("transformer", "fitting", "network"):
        monkeypatch.delitem(sys.modules, f"credenza.models.text.{name}", raising=False)
    monkeypatch.delitem(vars(text), "TextTransformer", raising=False)
    with pytest.raises(MissingExtraError) as caught:
        _ = text.TextTransformer
    wanted = "TextTransformer needs torch, which is not installed: pip install 'credenza[torch]'"
    assert str(caught.value) == wanted
