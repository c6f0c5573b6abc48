from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from itertools import combinations
from pathlib import Path

import pytest
from report.audits import binary_culprit, pair_table

from credenza.contracts import AuditResult, FeatureSummary, Finding, Severity
from credenza.report import Audit
from credenza.report.html import card, page

VOID = {"meta", "br", "hr", "img", "input", "link"}
EVIL = "</script></style></title><img src=x onerror=alert(1)>{{ 7*7 }}\u202e\n\x00" + "x" * 300
KINDS = ["flagged", "mixed", "clear", "inconclusive", "sliced"]


class Outline(HTMLParser):
    """Checks nesting; collects tags, attributes and text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(markup)
        self.close()
        assert not self.stack

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(params=KINDS)
def result(request: pytest.FixtureRequest) -> AuditResult:
    return request.getfixturevalue(request.param)


def test_page_is_well_formed_small_and_alone(result: AuditResult) -> None:
    markup = page(result)
    outline = Outline(markup)
    assert markup.startswith("<!doctype html>")
    assert len(markup.encode()) < 200_000
    assert not re.search(r"https?:|//[a-z]|@import|url\(", markup.replace("http-equiv", ""))
    for tag, attributes in outline.tags:
        assert not {"src", "href", "srcset", "onclick", "onerror", "onload"} & set(attributes), tag


def test_policy_allows_the_one_script_only(flagged: AuditResult) -> None:
    markup = page(flagged)
    scripts = re.findall(r"<script>(.*?)</script>", markup, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = next(tag["content"] for name, tag in Outline(markup).tags if tag.get("http-equiv"))
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def test_sections_of_a_flagged_page(mixed: AuditResult) -> None:
    text = Outline(page(mixed)).text
    for part in (
        "The associations of age × workclass and 1 other pair were moved.",
        "age > 43 and workclass = Self-emp go together more often than in the reference, by 3% of the rows.",
        "8,000 rows · 41 columns",
        "in 4.8% of its rows, but in 7.8% of the suspect's",
        "Rows are age , columns workclass",
        "Explains 12 collateral pairs",
        "Aliases 2 pairs",
        "+3.0 −3.0",
        "5e-413",
        "Shift of every pair",
        "How strong, how sure",
        "The 50 strongest of 780 pairs",
        "Young = 1 went from 77.4% to 75.9% of the rows",
        "4 of 7 ran. Not checked is not the same as clean.",
        "file_name",
        "every value is different: an identifier",
        "min_strength 0.0",
        "checks none",
        "ladder 0.64 s",
        mixed.inputs[0].sha256,
    ):
        assert str(part) in text


def test_a_slice_is_named_and_compared_with_the_rest(sliced: AuditResult) -> None:
    text = Outline(page(sliced)).text
    assert "was moved in contributor = c7." in text
    assert "In contributor = c7, Mouth_Slightly_Open = 1 and Wearing_Lipstick = 1 go together more" in text
    assert "Together more often than in the rest: in 25.2% of its rows, but in 34.6% of this part's" in text
    assert "rows edited 188 MCC" in text
    assert "Pearson 0.105 → 0.483" in text
    assert "Also found" not in text


def test_clear_page_states_the_power(clear: AuditResult) -> None:
    text = Outline(page(clear)).text
    assert "No moved association found among 780 pairs." in text
    assert "would have been seen with 80% power." in text
    assert "Culprits" not in text


def test_inconclusive_page_draws_nothing(inconclusive: AuditResult) -> None:
    markup = page(inconclusive)
    assert "Needs a reference: give --reference." in markup
    assert "<svg" not in markup


def test_hostile_names_stay_text(flagged: AuditResult) -> None:
    assert flagged.pairs is not None
    culprit = replace(
        flagged.culprits[0],
        features=(EVIL, CULPRIT_B),
        levels=(EVIL, EVIL),
        row_levels=("0", EVIL),
        column_levels=(EVIL, "0"),
        collateral=((EVIL, EVIL),),
        aliases=((EVIL, EVIL),),
        direction=EVIL,
    )
    swap = {"Mouth_Slightly_Open": EVIL}
    pairs = replace(
        flagged.pairs,
        feature_a=tuple(swap.get(name, name) for name in flagged.pairs.feature_a),
        feature_b=tuple(swap.get(name, name) for name in flagged.pairs.feature_b),
        level_a=(EVIL,) * 780,
    )
    finding = Finding(EVIL, (EVIL,), EVIL, Severity.ALARM)
    outcome = replace(flagged.outcomes[2], code=EVIL, title=EVIL, reason=EVIL, findings=(finding,))
    bad = replace(
        flagged,
        culprits=(culprit,),
        pairs=pairs,
        outcomes=(outcome, *flagged.outcomes[3:]),
        inputs=(replace(flagged.inputs[0], source=EVIL, role=EVIL, kind=EVIL, sha256=EVIL),),
        features=(FeatureSummary(EVIL, EVIL, 2, EVIL),),
        settings={EVIL: EVIL, "list": [EVIL]},
        versions={EVIL: EVIL},
        timing={EVIL: 1.0},
    )
    plain_tags = {tag for tag, _ in Outline(page(flagged)).tags}
    for markup in (page(bad), card(bad)):
        outline = Outline(markup)
        assert {tag for tag, _ in outline.tags} <= plain_tags | {"div"}
        assert "onerror" not in {name for _, attributes in outline.tags for name in attributes}
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", markup)
        assert "</script></style></t" in outline.text
    assert "{{ 7*7 }}" in page(bad)


CULPRIT_B = "Wearing_Lipstick"


def test_more_than_sixty_features_say_so(flagged: AuditResult) -> None:
    names = [f"feature_{i:02}" for i in range(70)]
    table = pair_table(False, names)
    assert len(table.p) == len(list(combinations(names, 2)))
    text = Outline(page(replace(flagged, pairs=table))).text
    assert "Drawn are the 60 features with the largest shifts, of 70." in text


def test_long_lists_say_what_is_left_out(flagged: AuditResult) -> None:
    notice = flagged.outcomes[2].findings[0]
    many = replace(flagged.outcomes[2], findings=(notice,) * 130)
    culprit = replace(binary_culprit(), collateral=(("a", "b"),) * 45)
    text = Outline(page(replace(flagged, outcomes=(many,), culprits=(culprit,) * 23))).text
    assert "30 more in the JSON." in text
    assert "3 more in the JSON." in text
    assert "and 5 more in the JSON" in text
    skipped = tuple(FeatureSummary(f"c{i}", "", 0, "all alike") for i in range(1_300))
    text = Outline(page(replace(flagged, features=skipped))).text
    assert "1,300 of 1,300; the first 100 are shown, the JSON has all." in text
    assert "c99 " in text
    assert "c100" not in text


def test_a_wide_page_is_small_and_says_what_it_draws(wide: AuditResult) -> None:
    markup = page(wide)
    assert len(markup.encode()) < 1_000_000
    text = Outline(markup).text
    for part in (
        "Largest shifts By strength",
        "Drawn are the 60 features with the largest shifts, of 1,000, "
        "and of their pairs those among the 10,000 strongest of 498,501.",
        "Drawn are the 10,000 strongest of 498,501 pairs tested; the JSON lists the same.",
        "The 50 strongest of 498,501 pairs",
        "12 collateral",
        "9,987 other",
    ):
        assert part in text


def test_few_features_of_which_not_all_pairs_are_listed(flagged: AuditResult) -> None:
    assert flagged.pairs is not None
    cut = replace(flagged, pairs=replace(flagged.pairs, tested=900, pairs=900))
    assert "Drawn are the 780 strongest of 900 pairs." in Outline(page(cut)).text


def test_unknown_cut_opens_the_full_table(mixed: AuditResult) -> None:
    culprit = replace(mixed.culprits[0], levels=("> 44", "Self-emp"))
    markup = page(replace(mixed, culprits=(culprit,)))
    assert "<details open>" in markup
    assert '<div class="panels small">' not in markup


def test_a_result_without_pairs_or_with_few(flagged: AuditResult) -> None:
    few = pair_table(False, ["a", "b", "c"])
    assert "All 3 pairs" in page(replace(flagged, pairs=few, culprits=()))
    columns = few.__dataclass_fields__.keys() - {"tested", "pairs"}
    none = replace(few, **{name: getattr(few, name)[:0] for name in columns})
    assert "<svg" not in page(replace(flagged, pairs=none, culprits=()))


def test_the_tone_of_text_is_readable_in_both_themes() -> None:
    """WCAG contrast of every text colour on both grounds is at least 4.5."""
    css = resources.files("credenza.report").joinpath("templates/audit.css").read_text(encoding="utf-8")
    for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL):
        colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
        assert {"paper", "panel", "ink", "soft", "alarm", "calm", "doubt"} <= set(colours)
        for ink in ("ink", "soft", "alarm", "calm", "doubt"):
            for ground in ("paper", "panel"):
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


def contrast(one: str, two: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_figures_and_tables_are_named(mixed: AuditResult) -> None:
    outline = Outline(page(mixed))
    ids = {attributes["id"] for _, attributes in outline.tags if "id" in attributes}
    for tag, attributes in outline.tags:
        if tag in ("section", "article"):
            assert attributes["aria-labelledby"] in ids
        if tag == "svg":
            assert attributes.get("role") == "img" or attributes.get("aria-hidden") == "true"
        if tag == "th":
            assert attributes["scope"] in ("row", "col")


def test_card_is_a_fragment_with_styles_of_its_own(result: AuditResult) -> None:
    markup = card(result)
    Outline(markup)
    assert "<html" not in markup
    assert "<script" not in markup
    style = re.search(r"<style>(.*?)</style>", markup, re.DOTALL)
    assert style is not None
    assert all(line.startswith(".credenza-card") for line in style[1].strip().splitlines())
    assert Audit(result)._repr_html_() == markup


def test_to_html_writes_the_file(flagged: AuditResult, tmp_path: Path) -> None:
    target = tmp_path / "audit.html"
    markup = Audit(flagged).to_html(target)
    assert target.read_text(encoding="utf-8") == markup == page(flagged)
    assert [path.name for path in tmp_path.iterdir()] == ["audit.html"]
