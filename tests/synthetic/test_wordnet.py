from __future__ import annotations

from pathlib import Path

import pytest
from wordnet_files import write_wordnet

from credenza.errors import InputError
from credenza.synthetic.wordnet import WordNet, inflected


@pytest.mark.parametrize(
    ("word", "synonyms"),
    [
        ("movie", ("film",)),  # no expressions of several words
        ("Movies", ("Films",)),
        ("MOVIE", ("FILM",)),
        ("film", ("movie",)),  # the first sense of the noun, which is tagged
        ("stories", ("tales",)),
        ("tales", ("stories",)),
        ("stops", ("ceases",)),  # the verb is tagged
        ("stopped", ()),  # no rule takes the doubled letter off
        ("liked", ("loved",)),
        ("loving", ("liking",)),
        ("helps", ("aids",)),
        ("running", ()),
        ("ran", ()),
        ("runs", ()),  # run and go are irregular
        ("big", ("large",)),
        ("bigger", ()),
        ("quickly", ("fast",)),
        ("unknown", ()),
        ("", ()),
    ],
)
def test_synonyms_keep_form_and_case(word: str, synonyms: tuple[str, ...], tmp_path: Path) -> None:
    assert WordNet(write_wordnet(tmp_path)).synonyms(word) == synonyms


def test_more_senses(tmp_path: Path) -> None:
    assert WordNet(write_wordnet(tmp_path), senses=2).synonyms("film") == ("movie",)  # names are left out


@pytest.mark.parametrize(
    ("word", "form", "expected"),
    [
        ("bus", "s", "buses"),
        ("day", "s", "days"),
        ("city", "s", "cities"),
        ("watch", "s", "watches"),
        ("plan", "ing", "planning"),
        ("rain", "ed", "rained"),
        ("fix", "ing", "fixing"),
        ("see", "ing", "seeing"),
        ("agree", "ed", "agreed"),
        ("play", "ed", "played"),
        ("open", "ed", "opened"),
        ("go", "ing", "going"),
    ],
)
def test_regular_forms(word: str, form: str, expected: str) -> None:
    assert inflected(word, form) == expected


def test_folders_that_are_no_wordnet(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^no folder .*; give the folder of WordNet's index\.noun and data\.noun$"
    ):
        WordNet(tmp_path / "none")
    with pytest.raises(InputError, match=r"holds no index\.noun; give the folder of WordNet's files$"):
        WordNet(tmp_path)
    write_wordnet(tmp_path / "w")
    (tmp_path / "w" / "adv.exc").unlink()
    assert WordNet(tmp_path / "w").synonyms("quickly") == ("fast",)
    (tmp_path / "w" / "index.noun").write_text("movie n\n")
    with pytest.raises(InputError, match=r"index\.noun is damaged at 'movie n'; give WordNet's own files"):
        WordNet(tmp_path / "w")
    write_wordnet(tmp_path / "w")
    data = tmp_path / "w" / "data.noun"
    data.write_text("x" + data.read_text())
    with pytest.raises(InputError, match=r"data\.noun does not match index\.noun at byte .* of one release"):
        WordNet(tmp_path / "w").synonyms("movie")
