"""The transformer: what it learns across a document, its memory, its checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

from credenza.errors import InputError, UsageError  # noqa: E402
from credenza.models import training  # noqa: E402
from credenza.models.device import random_stream  # noqa: E402
from credenza.models.text.network import Memory, Network  # noqa: E402
from credenza.models.text.pieces import END, START, UNKNOWN, epoch, pieces_of, stacked  # noqa: E402
from credenza.models.text.transformer import TextTransformer  # noqa: E402
from credenza.models.text.words import split_words  # noqa: E402

TEXTS = ["the cat sat on the mat.", "the dog sat.", "", "a cat, a dog and a bird sat on the mat!"] * 3
TINY = {"width": 16, "layers": 1, "heads": 2, "context": 16, "batch": 4, "device": "cpu"}


def far_texts(agree: float, n: int = 800) -> list[str]:
    """Two words at the ends of a text, nine words apart, that agree so often."""
    rng = np.random.default_rng(5)
    first = rng.random(n) < 0.5
    second = np.where(rng.random(n) < agree, first, ~first)
    between = " ".join(f"w{place}" for place in range(9))
    return [
        f"{'hot' if a else 'cold'} {between} {'day' if b else 'night'}"
        for a, b in zip(first, second, strict=True)
    ]


def test_an_association_across_a_document_is_learnt() -> None:
    model = TextTransformer(
        width=32, layers=1, heads=2, context=16, steps=90, batch=32, rate=1e-2, device="cpu"
    )
    made = [set(split_words(text)) for text in model.fit(far_texts(0.8), seed=0).sample(1_000, seed=1)]
    found = np.corrcoef(["hot" in words for words in made], ["day" in words for words in made])[0, 1]
    assert abs(found - 0.6) < 0.12
    usual, odd = model.perplexity(["hot w0 w1 w2 w3 w4 w5 w6 w7 w8 day", "day w3 hot w0 w0 w0"])
    assert 1.0 < usual < 1.6 < odd


def test_a_killed_fit_ends_where_it_would_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = TextTransformer(**TINY, steps=9).fit(TEXTS, seed=3)
    written = training.write_checkpoint

    def write_and_die(*args: object) -> None:
        written(*args)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    work = tmp_path / "work"
    resumed = TextTransformer(**TINY, steps=9, every=5)
    monkeypatch.setattr(training, "write_checkpoint", write_and_die)
    with pytest.raises(KeyboardInterrupt):
        TextTransformer(**TINY, steps=9, every=5).fit(TEXTS, seed=3, folder=work)
    monkeypatch.setattr(training, "write_checkpoint", written)
    resumed.fit(TEXTS, seed=3, folder=work)
    for name, value in whole._contents()[1].items():
        np.testing.assert_array_equal(value, resumed._contents()[1][name], err_msg=name)
    with pytest.raises(InputError, match="made from other data or settings, or with another seed"):
        TextTransformer(**TINY, steps=9).fit(TEXTS, seed=4, folder=work)


def test_a_saved_model_is_the_same(tmp_path: Path) -> None:
    model = TextTransformer(**TINY, steps=5).fit(TEXTS, seed=0)
    model.save(tmp_path / "model")
    again = TextTransformer.load(tmp_path / "model")
    assert again.sample(20, seed=1) == model.sample(20, seed=1) != model.sample(20, seed=2)
    assert again.perplexity(TEXTS).tolist() == model.perplexity(TEXTS).tolist()
    assert again.settings == model.settings


def test_one_word_at_a_time_is_the_same_as_all_at_once() -> None:
    network = Network(words=11, width=12, layers=2, heads=3, context=7)
    network.initialise(random_stream(torch.device("cpu"), 1))
    numbers = torch.randint(0, 11, (5, 7), generator=random_stream(torch.device("cpu"), 2))
    memory = Memory(network, 5)
    with torch.no_grad():
        whole = network(numbers)
        stepped = torch.cat([network(numbers[:, [place]], memory) for place in range(7)], dim=1)
    torch.testing.assert_close(stepped, whole)


def test_the_future_is_not_seen() -> None:
    network = Network(words=11, width=12, layers=2, heads=3, context=7)
    network.initialise(random_stream(torch.device("cpu"), 1))
    numbers = torch.arange(7)[None]
    other = numbers.clone()
    other[0, 4:] = 9
    with torch.no_grad():
        torch.testing.assert_close(network(numbers)[:, :4], network(other)[:, :4])


def test_padding_and_company_do_not_change_a_likelihood() -> None:
    model = TextTransformer(**TINY, steps=5).fit(TEXTS, seed=0)
    together = model.log_likelihood(TEXTS[:4])[0]
    np.testing.assert_allclose(
        together, [model.log_likelihood([TEXTS[0], text])[0][1] for text in TEXTS[:4]], rtol=1e-5
    )


def test_rare_words_are_one_and_are_never_sampled() -> None:
    model = TextTransformer(**TINY, steps=30).fit([*TEXTS, "the zebra sat."], seed=0)
    assert not any("zebra" in text for text in model.sample(50, seed=0))
    zebra, okapi = model.perplexity(["the zebra sat.", "the okapi sat."])
    assert zebra == okapi


def test_a_low_temperature_makes_texts_alike() -> None:
    model = TextTransformer(**TINY, steps=40, rate=1e-2).fit(TEXTS, seed=0)
    assert len(set(model.sample(40, seed=0, temperature=0.05))) < len(set(model.sample(40, seed=0)))


def test_long_documents_are_cut_and_every_word_is_predicted_once() -> None:
    words = [f"w{place}" for place in range(10)]
    pieces = pieces_of([words, []], {word: place + 3 for place, word in enumerate(words)}, context=4)
    assert [len(piece.shown) for piece in pieces] == [4, 4, 3, 1]
    assert [piece.document for piece in pieces] == [0, 0, 0, 1]
    assert np.concatenate([piece.wanted for piece in pieces]).tolist() == [*range(3, 13), END, END]
    assert np.concatenate([piece.shown for piece in pieces]).tolist() == [START, *range(3, 13), START]
    assert pieces_of([["x"]], {}, context=4)[0].wanted.tolist() == [UNKNOWN, END]


def test_an_epoch_has_every_piece_once_in_batches_of_like_length() -> None:
    rng = np.random.default_rng(0)
    pieces = pieces_of([["x"] * size for size in rng.integers(0, 30, size=101)], {"x": 3}, context=40)
    batches = epoch(pieces, 4, rng)
    assert sorted(np.concatenate(batches)) == list(range(101))
    assert len(batches) == 26
    padded = sum(stacked([pieces[place] for place in batch])[2].size for batch in batches)
    assert padded < 1.2 * sum(len(piece.shown) for piece in pieces)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"width": 10, "heads": 4}, "width is a multiple of heads (4); found 10"),
        ({"steps": 0}, "steps is a whole number, 1 or more; found 0"),
        ({"rate": 0}, "rate is a number above 0; found 0"),
        ({"device": "tpu"}, "the device is one of auto, cpu, cuda; found 'tpu'"),
    ],
)
def test_bad_settings_are_one_line(given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        TextTransformer(**given)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_bad_calls_are_one_line() -> None:
    model = TextTransformer(**TINY, steps=1)
    with pytest.raises(
        UsageError, match=r"^this transformer model cannot judge texts before it is fitted; call fit"
    ):
        model.perplexity(TEXTS)
    with pytest.raises(UsageError, match="cannot sample before it is fitted"):
        model.sample(1, seed=0)
    with pytest.raises(
        InputError, match=r"^the only document has no word in it; a transformer needs documents with"
    ):
        model.fit(["?"], seed=0)
    with pytest.raises(UsageError, match=r"^the temperature is a number above 0; found 0$"):
        model.fit(TEXTS, seed=0).sample(1, seed=0, temperature=0)
