from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from credenza.report.figures import heatmap, label, volcano

SVG = "{http://www.w3.org/2000/svg}"
ROLES = ("", "culprit", "alias", "collateral")
FINITE = st.floats(-1, 1, allow_nan=False)


def parse(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(markup)


def symmetric(m: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(0, 0.01, (m, m))
    return (values + values.T) / 2


def test_heatmap_has_a_cell_a_pair_a_name_a_feature_and_an_outline_a_culprit() -> None:
    strength = symmetric(6)
    strength[4, 1] = strength[1, 4] = 0.2
    strength[2, 0] = strength[0, 2] = -0.1
    root = parse(heatmap([f"f{i}" for i in range(6)], strength, [(1, 4), (0, 2)]))
    assert root.findtext("title") == "Shift of every pair among 6 features"
    titles = [rect.findtext("title") for rect in root.iter("rect") if rect.find("title") is not None]
    assert "f1 × f4: +0.200" in titles
    assert "f0 × f2: −0.100" in titles
    assert len(titles) == int((np.abs(strength[np.tril_indices(6, -1)]) >= 0.02 * 0.2).sum())
    assert len(root.findall(".//rect[@class='outline']")) == 2
    assert [text.text for text in root.findall(".//text[@class='number']")] == ["1", "2"]
    assert {text.text for text in root.findall(".//text[@class='strong']")} == {"f0", "f1", "f2", "f4"}


def test_noise_is_pale() -> None:
    strength = np.array([[0, 0.004], [0.004, 0]])
    root = parse(heatmap(["a", "b"], strength, []))
    assert [r.get("opacity") for r in root.iter("rect") if r.find("title") is not None] == ["0.2"]
    assert "+0.020" in [text.text for text in root.iter("text")]


def test_heatmap_of_nothing_and_of_untested_pairs() -> None:
    parse(heatmap([], np.zeros((0, 0)), []))
    root = parse(heatmap(["a", "b", "c"], np.full((3, 3), np.nan), []))
    assert not [rect for rect in root.iter("rect") if rect.find("title") is not None]


@settings(deadline=None)
@given(hnp.arrays(np.float64, st.integers(0, 9).map(lambda m: (m, m)), elements=FINITE), st.data())
def test_heatmap_is_well_formed_whatever_the_names(strength: np.ndarray, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.text(), min_size=len(strength), max_size=len(strength)))
    root = parse(heatmap(names, strength, [(0, 1)] if len(names) > 1 else []))
    cells = [rect for rect in root.iter("rect") if rect.find("title") is not None]
    assert len(cells) <= len(names) * (len(names) - 1) // 2
    assert len(list(root.iter("text"))) >= len(names)


def test_labels_are_escaped_cleaned_and_short() -> None:
    assert label("<script>&\n") == "&lt;script&gt;&amp;\\n"
    assert len(label("x" * 500)) == 26


def draw(
    strength: list[float], depth: list[float], role: list[str], **more: float | None
) -> ElementTree.Element:
    names = [f"a × b{i}" for i in range(len(role))]
    options = {"line": 3.0, "fdr": 0.05} | more
    return parse(volcano(np.array(strength), np.array(depth), role, names.__getitem__, **options))


def test_volcano_has_one_mark_a_named_pair() -> None:
    root = draw(
        [0.09, 0.02, -0.03, 0.0, -0.01], [208.5, 20, 30, 0.1, 1.2], ["culprit", "alias", "collateral", "", ""]
    )
    assert root.findtext(".//path[@class='culprit']/title") == "a × b0: +0.090, p 1e-208.5"
    assert root.findtext(".//text[@class='culprit-name']") == "a × b0"
    assert len(root.findall(".//rect[@class='alias']")) == 1
    assert len(root.findall(".//circle[@class='collateral']")) == 1
    assert root.find(".//path[@class='other']").get("d", "").count("M") == 2
    assert root.findtext(".//text[@class='threshold-name']") == "5% false-discovery rate"
    assert draw([0.1], [9.0], [""], line=None).find(".//text[@class='threshold-name']") is None


def test_volcano_puts_marks_where_they_belong() -> None:
    root = draw([0.1, -0.1, 0.1], [10.0, 10.0, 90.0], ["collateral"] * 3)
    circles = list(root.iter("circle"))
    at = {c.findtext("title", "")[:6]: (float(c.get("cx", "")), float(c.get("cy", ""))) for c in circles}
    (right, low), (left, same), (_, high) = at["a × b0"], at["a × b1"], at["a × b2"]
    assert left < right
    assert low == same > high
    ticks = {text.text: float(text.get("y", "")) - 4 for text in root.iter("text") if text.text}
    assert ticks["1e-10"] == pytest.approx(low, abs=0.2)


def test_names_of_culprits_do_not_overlap() -> None:
    root = draw([0.05] * 4, [50.0, 50.1, 50.2, 50.3], ["culprit"] * 4)
    heights = sorted(float(text.get("y", "")) for text in root.findall(".//text[@class='culprit-name']"))
    assert len(heights) == 4
    assert min(np.diff(heights)) >= 13.9


@pytest.mark.parametrize("role", ["", "collateral"])
def test_volcano_stays_small(role: str) -> None:
    rng = np.random.default_rng(3)
    pairs, asked = 200_000, set()
    depth = rng.exponential(1.0, pairs)

    def name(i: int) -> str:
        asked.add(i)
        return "a × b"

    drawn = volcano(rng.normal(0, 0.01, pairs), depth, [role] * pairs, name, line=5, fdr=0.05)
    assert len(drawn) < 400_000
    assert len(asked) == (400 if role else 0)


@settings(deadline=None)
@given(st.lists(st.tuples(FINITE, st.floats(0, 1e5), st.sampled_from(ROLES), st.text())))
def test_volcano_is_well_formed_whatever_comes(pairs: list[tuple[float, float, str, str]]) -> None:
    strength, depth = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    names = [label(pair[3]) for pair in pairs]
    root = parse(volcano(strength, depth, [pair[2] for pair in pairs], names.__getitem__, line=1e9, fdr=0.1))
    assert root.get("role") == "img"


def test_undefined_strengths_are_not_drawn() -> None:
    root = draw([float("nan"), float("nan"), 0.1], [1.0, 2.0, 3.0], ["", "collateral", ""])
    assert not root.findall(".//circle")
    assert root.find(".//path[@class='other']").get("d", "").count("M") == 1
