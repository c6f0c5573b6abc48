from __future__ import annotations

import io
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from credenza.data.features import (
    difference_hash,
    minhash,
    near_hashes,
    near_texts,
    perceptual_hash,
    shingles_of,
    tokens_of,
)
from credenza.data.features.near import NearPairs
from credenza.errors import UsageError

quick = settings(deadline=None, max_examples=40)
bits = st.integers(0, 2**64 - 1)


def pictured(seed: int, side: int = 48) -> np.ndarray:
    """A smooth picture of several colours."""
    noise = np.random.default_rng(seed).normal(size=(side, side, 3))
    smooth = gaussian_filter(noise, (side / 8, side / 8, 0))
    return np.clip(128 + 60 * smooth / smooth.std(), 0, 255).astype(np.uint8)


def distance(a: int, b: int) -> int:
    return (a ^ b).bit_count()


def pairs_of(found: NearPairs) -> dict[tuple[int, int], float]:
    return dict(
        zip(zip(found.first.tolist(), found.second.tolist(), strict=True), found.similarity, strict=True)
    )


@quick
@given(st.lists(bits, min_size=1, max_size=4), st.data(), st.integers(0, 15))
def test_all_pairs_within_the_distance_are_found(seeds: list[int], data: st.DataObject, least: int) -> None:
    flips = st.lists(st.integers(0, 63), max_size=8).map(lambda places: sum(1 << p for p in set(places)))
    drawn = st.tuples(st.sampled_from(seeds), flips).map(lambda both: both[0] ^ both[1])
    hashes = data.draw(st.lists(drawn, max_size=12))
    wanted = {}
    for j, second in enumerate(hashes):
        if second in hashes[:j]:
            wanted[hashes.index(second), j] = 1.0
            continue
        for i in range(j):
            if hashes[i] not in hashes[:i] and distance(hashes[i], second) <= least:
                wanted[i, j] = 1 - distance(hashes[i], second) / 64
    found = near_hashes(np.array(hashes, np.uint64), least)
    assert pairs_of(found) == wanted
    assert list(pairs_of(found)) == sorted(wanted)


@pytest.mark.parametrize("measure", [difference_hash, perceptual_hash])
def test_copies_are_near_and_others_are_not(measure) -> None:  # type: ignore[no-untyped-def]
    originals = [pictured(seed) for seed in range(12)]
    hashes = [measure(image) for image in originals]
    assert min(distance(a, b) for a, b in combinations(hashes, 2)) > 14
    for image, own in zip(originals, hashes, strict=True):
        picture = Image.fromarray(image)
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=70)
        copies = [picture.resize((96, 96)), picture.resize((33, 30)), Image.open(file)]
        changed = [np.asarray(copy) for copy in copies]
        changed.append(np.clip(image * 0.9 + 8, 0, 255).astype(np.uint8))
        assert max(distance(measure(copy), own) for copy in changed) <= 10


@pytest.mark.parametrize("measure", [difference_hash, perceptual_hash])
@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (40, 40, 3), (8, 9, 4)])
def test_flat_images_have_no_bits(measure, shape: tuple[int, ...]) -> None:  # type: ignore[no-untyped-def]
    assert measure(np.full(shape, 77, np.uint8)) == 0


def test_hashes_are_what_their_formulas_say() -> None:
    image = np.random.default_rng(5).integers(0, 256, (8, 9), np.uint8)
    expected = "".join("1" if image[r, c + 1] > image[r, c] else "0" for r in range(8) for c in range(8))
    assert difference_hash(image) == int(expected, 2)
    grey = np.random.default_rng(6).integers(0, 256, (32, 32), np.uint8)
    k = np.arange(8)[:, None]
    cosines = np.cos(np.pi * k * (2 * np.arange(32) + 1) / 64) * np.where(
        k == 0, np.sqrt(1 / 32), np.sqrt(2 / 32)
    )
    low = cosines @ grey @ cosines.T
    above = (low > np.median(low.ravel()[1:])).ravel()
    above[0] = False
    assert perceptual_hash(grey) == int("".join(map(str, above.astype(int))), 2)


word = st.sampled_from(["to", "be", "or", "not", "that", "is", "the", "question"])


@quick
@given(st.lists(word, max_size=20), st.integers(1, 6))
def test_shingles_are_the_distinct_runs(tokens: list[str], words: int) -> None:
    width = min(words, len(tokens))
    runs = {tuple(tokens[i : i + width]) for i in range(len(tokens) - width + 1)} if tokens else set()
    assert len(shingles_of(tokens, words)) == len(runs)


def test_signatures_estimate_the_overlap() -> None:
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(300)]
    base = list(rng.choice(words, 400))
    texts = [" ".join([*base[:kept], *rng.choice(words, 400 - kept)]) for kept in (400, 380, 300, 200, 50)]
    sets = [{tuple(tokens[i : i + 5]) for i in range(len(tokens) - 4)} for tokens in map(tokens_of, texts)]
    signatures = minhash(texts, permutations=512, seed=1)
    for number in range(1, len(texts)):
        truth = len(sets[0] & sets[number]) / len(sets[0] | sets[number])
        assert np.mean(signatures[0] == signatures[number]) == pytest.approx(
            truth, abs=4 * 0.5 / np.sqrt(512)
        )
    assert not np.array_equal(minhash(texts[:1], seed=2), minhash(texts[:1], seed=3))


def test_copies_of_texts_are_found() -> None:
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice([f"w{i}" for i in range(500)], 120)) for _ in range(60)]
    texts[40] = texts[3].upper()
    texts[50] = texts[3]
    words = texts[7].split()
    words[10] = words[60] = "else"
    texts[20] = " ".join(words)
    texts[30] = texts[31] = "..."
    found = pairs_of(near_texts(minhash(texts)))
    assert found.keys() == {(3, 40), (3, 50), (7, 20)}
    assert found[3, 40] == 1
    assert 0.7 <= found[7, 20] < 1


def test_no_rows_and_rows_to_drop() -> None:
    assert len(near_hashes(np.empty(0, np.uint64)).rows) == 0
    assert len(near_texts(minhash([])).rows) == 0
    assert near_hashes(np.array([5, 4, 5, 7], np.uint64), 1).rows.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: near_hashes(np.zeros(2, np.uint64), 16), "distance is 16 bits; give 0 to 15"),
        (
            lambda: near_hashes(np.zeros(2, np.int64)),
            "hashes are int64 of shape (2,); give uint64 of shape (n,)",
        ),
        (lambda: minhash([], words=0), "a shingle has 0 words; give 1 or more"),
        (lambda: minhash([], permutations=6), "permutations are 6; give a multiple of 4"),
        (lambda: near_texts(minhash(["a"]), 0.0), "similarity is 0; give a share above 0, up to 1"),
        (
            lambda: near_texts(np.zeros((2, 3), np.uint32)),
            "signatures are uint32 of shape (2, 3); give those of minhash, uint32 of (n, a multiple of 4)",
        ),
    ],
)
def test_bad_settings_are_one_line(call, line: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError) as caught:
        call()
    assert str(caught.value) == line
