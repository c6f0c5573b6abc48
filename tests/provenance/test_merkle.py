from __future__ import annotations

import hashlib
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.provenance.merkle import differing, leaf_hash, proof_of, proves, root_of

Leaves = list[bytes]


def root_by_definition(leaves: Leaves) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + root_by_definition(leaves[:k]) + root_by_definition(leaves[k:])).digest()


def leaves_of(count: int) -> Leaves:
    return [leaf_hash(bytes([number])) for number in range(count)]


@given(st.integers(0, 70))
@settings(max_examples=30)
def test_the_root_is_that_of_the_definition(count: int) -> None:
    assert root_of(leaves_of(count)) == root_by_definition(leaves_of(count))


# Test vectors of Certificate Transparency implementations: roots over the first inputs of a fixed list.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("count", ROOTS)
def test_roots_are_those_of_other_implementations(count: int) -> None:
    assert root_of([leaf_hash(bytes.fromhex(text)) for text in INPUTS[:count]]).hex() == ROOTS[count]


@given(st.integers(1, 40), st.data())
@settings(max_examples=30)
def test_a_proof_holds_for_its_leaf_alone(count: int, data: st.DataObject) -> None:
    leaves = leaves_of(count)
    place = data.draw(st.integers(0, count - 1))
    proof, root = proof_of(leaves, place), root_of(leaves)
    assert proves(leaves[place], place, count, proof, root)
    assert not proves(leaf_hash(b"other"), place, count, proof, root)
    assert not proves(leaves[place], place, count, (*proof, root), root)
    assert not proves(leaves[place], count, count, proof, root)
    if proof:
        assert not proves(leaves[place], place, count, proof[1:], root)
        assert not proves(leaves[place], place, count, (root, *proof[1:]), root)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 2), max_size=12), st.lists(st.integers(0, 2), max_size=12))
def test_runs_that_differ_cover_what_differs(before: list[int], after: list[int]) -> None:
    one, two = ([leaf_hash(bytes([x])) for x in xs] for xs in (before, after))
    covered = {place for first, end in differing(one, two) for place in range(first, end)}
    wanted = {
        place for place in range(max(len(one), len(two))) if one[place : place + 1] != two[place : place + 1]
    }
    assert covered == wanted
    runs = differing(one, two)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(runs))
