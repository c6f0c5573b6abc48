from __future__ import annotations

import numpy as np
import oracles
import pyarrow as pa
import pytest
from checks.content_worlds import documents, with_texts
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.checks.samples import alike, contents
from credenza.checks.samples.alike import alike_images, alike_texts
from credenza.checks.samples.contents import Content, Fingerprints, read_fingerprints
from credenza.data import open_source
from credenza.data.features import minhash

HASHES = st.lists(st.sampled_from([0b1, 0b11, 0b1111, 0b11111, 2**63, 2**63 + 1, 2**50 - 1]), max_size=30)


def prints_of(values: np.ndarray) -> Fingerprints:
    return Fingerprints(np.arange(len(values)) * 2, values, len(values), 0)


@settings(deadline=None, max_examples=60)
@given(HASHES, st.integers(0, 6))
def test_pairs_of_hashes_are_counted_with_their_copies(hashes: list[int], bits: int) -> None:
    found = alike_images(prints_of(np.array(hashes, np.uint64)), bits)
    pairs, neighbours, nearest = oracles.hamming_pairs(hashes, bits)
    assert found.pairs == len(pairs)
    assert found.neighbours.tolist() == neighbours
    np.testing.assert_allclose(found.scores, [1 - d / (bits + 1) if d <= bits else 0.0 for d in nearest])
    assert found.copies == sum(hashes[i] == hashes[j] for i, j in pairs)
    assert {(a // 2, b // 2) for a, b in found.examples} <= set(pairs)
    assert found.duplicates.pairs == found.pairs


def test_overlapping_texts_are_counted_with_their_copies() -> None:
    texts = [*documents(60, 1, copies=10), documents(60, 1)[5]]
    found = alike_texts(prints_of(minhash(texts)), 0.7)
    assert found.pairs == 12
    assert found.copies == 1
    assert found.neighbours[[5, 55, 60]].tolist() == [2, 2, 2]
    assert found.scores[[5, 60]].tolist() == [1.0, 1.0]
    assert (found.scores[[0, 50]] > 0).all()
    assert (found.scores[10:50] == 0).all()


def test_many_pairs_thin_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "MOST_PAIRS", 400)
    rng = np.random.default_rng(0)
    hashes = np.uint64(1) << rng.integers(0, 64, (400, 2), dtype=np.uint64)
    hashes = np.concatenate([hashes[:, 0] | hashes[:, 1], rng.integers(0, 2**63, 200, dtype=np.uint64)])
    found = alike_images(prints_of(hashes), 4)
    assert len(found.rows) < 100
    assert 100 < found.pairs < 1_600
    texts = [f"{' '.join('abcdefghijklmnopqrstuvwxyz')} {k}" for k in range(300)]
    assert 20 < len(alike_texts(prints_of(minhash(texts)), 0.7).rows) < 60


def test_of_many_rows_a_sample_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MOST_ROWS", 50)
    source = open_source(with_texts(documents(120, 1)))
    found = read_fingerprints(source, Content("texts", ("review",)), seed=3)
    assert (found.seen, len(found.rows)) == (50, 50)
    again = read_fingerprints(open_source(with_texts(documents(120, 1)[:50])), Content("texts", ("review",)))
    np.testing.assert_array_equal(found.values[found.rows < 50], again.values[found.rows[found.rows < 50]])


def test_batches_of_texts_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "TEXTS_AT_ONCE", 7)
    texts = documents(30, 2)
    table = pa.table({"one": texts, "two": [f"{text} more" for text in reversed(texts)]})
    found = read_fingerprints(open_source(table), Content("texts", ("one", "two")))
    joined = [f"{a}\n{b}" for a, b in zip(table["one"].to_pylist(), table["two"].to_pylist(), strict=True)]
    np.testing.assert_array_equal(found.values, minhash(joined))


def test_nothing_to_compare() -> None:
    assert alike_images(prints_of(np.empty(0, np.uint64)), 4).pairs == 0
    assert alike_texts(prints_of(minhash([])), 0.7).pairs == 0
