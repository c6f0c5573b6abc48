from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from wordnet_files import write_wordnet

from credenza.errors import InfeasibleError, InputError, MissingExtraError, UsageError
from credenza.synthetic import augment_text
from credenza.synthetic.augment_words import words_changed

TEXTS = ["the movie has a big plot", "a funny story, quickly told", "xyz of the and a"]


def table(texts: list[Any] = TEXTS) -> pa.Table:
    return pa.table(
        {
            "id": range(len(texts)),
            "text": texts,
            "label": pa.array([k % 2 for k in range(len(texts))], pa.int8()),
        }
    )


def test_labels_and_parents_are_kept(tmp_path: Path) -> None:
    made = augment_text(table(), wordnet=write_wordnet(tmp_path), variations=2, seed=3)
    rows = made.data.to_pylist()
    assert made.data.schema.field("label").type == pa.int8()
    assert made.data.column_names == ["id", "text", "label", "source", "parent", "how"]
    for row in rows:
        assert row["source"] == "synthetic_augmentation"
        assert row["id"] == row["parent"]
        assert row["label"] == row["parent"] % 2
        assert row["text"] != TEXTS[row["parent"]]
        assert row["how"] in ("synonyms", "keyboard")
    assert [row["parent"] for row in rows] == sorted(row["parent"] for row in rows)
    assert len({row["text"] for row in rows}) == len(rows)


def test_it_backs_off_and_leaves_out(tmp_path: Path) -> None:
    wordnet = write_wordnet(tmp_path)
    made = augment_text(table(), methods=["synonyms"], wordnet=wordnet, variations=1, share=1.0)
    assert made.data["parent"].to_pylist() == [0, 1]
    assert made.data["text"].to_pylist()[0] == "the film has a large game"
    assert made.notes == ("left out 1 of 3 variations that no method could make",)
    texts = ["the movie and more", "an unseen thing there"]
    both = augment_text(pa.table({"text": texts}), methods=["synonyms", "keyboard"], wordnet=wordnet, rows=2)
    assert both.data["parent"].to_pylist() == [0, 1]
    assert both.data["how"][1].as_py() == "keyboard"


def test_rows_are_spread_and_the_seed_decides() -> None:
    texts = [f"sentence number{k} about something interesting" for k in range(4)]
    made = augment_text(table(texts), rows=10, seed=1)
    assert sorted(np.bincount(made.data["parent"].to_numpy()).tolist()) == [2, 2, 3, 3]
    assert made.data.equals(augment_text(table(texts), rows=10, seed=1).data)
    assert not made.data.equals(augment_text(table(texts), rows=10, seed=2).data)


def test_a_share_of_the_words_changes() -> None:
    text = " ".join(f"word{k}" for k in range(40))
    for share, count in ((0.001, 1), (0.1, 4), (1.0, 40)):
        made = words_changed(text, share, np.random.default_rng(0), lambda word: "other")
        assert made is not None
        assert made.split().count("other") == count
    assert words_changed("the of and", 1.0, np.random.default_rng(0), lambda word: "x") is None
    assert words_changed("", 1.0, np.random.default_rng(0), lambda word: "x") is None


def test_nothing_to_vary() -> None:
    with pytest.raises(InfeasibleError) as error:
        augment_text(pa.table({"text": ["a of the", None]}), column="text")
    assert str(error.value) == "none of the 2 texts can be varied by keyboard; use more methods"


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"share": 0.0}, UsageError, "share is a number above 0, up to 1; found 0.0"),
        ({"variations": 0}, UsageError, "variations is a whole number, 1 or more; found 0"),
        ({"rows": 0}, UsageError, "rows is a whole number, 1 or more; found 0"),
        (
            {"methods": []},
            UsageError,
            "give one method or more, each once: synonyms, masked, keyboard; found []",
        ),
        (
            {"methods": ["keybord"]},
            UsageError,
            "unknown method 'keybord' for texts; choose from synonyms, masked, keyboard",
        ),
        (
            {"methods": ["synonyms"]},
            UsageError,
            "method 'synonyms' needs the folder of WordNet's files; give it, or",
        ),
        (
            {"methods": ["masked"]},
            UsageError,
            "method 'masked' needs the folder of a masked model; give it, or",
        ),
        ({"column": "id"}, InputError, "'id'"),
    ],
)
def test_what_cannot_be_asked(options: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as error:
        augment_text(table(), **options)
    assert message in str(error.value)


def test_columns_of_origin_are_not_overwritten() -> None:
    with pytest.raises(InputError) as error:
        augment_text(table().append_column("parent", pa.array([1, 2, 3])))
    assert (
        str(error.value) == "the data has a column 'parent', which is to tell where rows come from; rename it"
    )


def test_without_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'credenza\[text\]'"):
        augment_text(table(), model=tmp_path)


def test_words_of_a_masked_model(tmp_path: Path) -> None:
    transformers: Any = pytest.importorskip("transformers", reason="a masked model needs transformers")
    torch: Any = pytest.importorskip("torch", reason="a masked model needs torch")
    own = "the movie has a big plot funny story told good ##ly"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *own.split(" ")]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizerFast(vocab=str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
    )
    transformers.BertForMaskedLM(config).save_pretrained(tmp_path)
    made = augment_text(table(), methods=["masked"], model=tmp_path, variations=2, share=0.5, seed=0)
    rows = made.data.to_pylist()
    assert len(rows) >= 4
    for row in rows:
        assert row["how"] == "masked"
        before, after = TEXTS[row["parent"]].split(), row["text"].split()
        changed = [new.strip(",") for old, new in zip(before, after, strict=True) if old != new]
        assert changed
        assert set(changed) <= set(words)
    again = augment_text(table(), methods=["masked"], model=tmp_path, variations=2, share=0.5, seed=0)
    assert again.data.equals(made.data)
