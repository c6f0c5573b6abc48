from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.synthetic.typing_noise import NEIGHBOURS, mistyped


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="abcxyzABMé'1", max_size=8), st.integers(0, 50))
def test_one_slip(word: str, seed: int) -> None:
    made = mistyped(word, np.random.default_rng(seed))
    assert (made is None) == (len(word) < 4 or not any(letter.lower() in NEIGHBOURS for letter in word[1:]))
    if made is not None:
        assert made != word
        assert made[0] == word[0]
        assert abs(len(made) - len(word)) <= 1


def test_keys_lie_beside_each_other() -> None:
    assert len(NEIGHBOURS) == 26
    assert set(NEIGHBOURS["g"]) == set("tyfhvb")
    assert all(key in NEIGHBOURS[other] for key, others in NEIGHBOURS.items() for other in others)


def test_capitals_stay() -> None:
    made = {mistyped("WORD", np.random.default_rng(seed)) for seed in range(30)}
    assert all(word is not None and word.isupper() for word in made)
