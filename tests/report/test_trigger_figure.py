"""Heat maps and curves of the checks of triggers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np

from credenza.contracts import AuditResult, Outcome, Status, Verdict
from credenza.report.trigger_figure import drawings, heat_map, time_curve

HEAT = np.zeros((8, 8))
HEAT[5:7, 5:7] = 9.0
DETAILS: dict[str, Any] = {
    "class": "<cat>",
    "classes": ["<cat>", "dog"],
    "kind": "place",
    "box": [5, 5, 2, 2],
    "p": 1e-9,
    "heat": HEAT.tolist(),
    "times": [900, 600, 0],
    "curve": [[9.0, 1.0], [5.0, 1.5], [3.0, 2.0]],
}


def result(*outcomes: Outcome) -> AuditResult:
    return AuditResult(Verdict.FLAGGED, outcomes, (), None, (), (), {}, {}, {})


def test_a_flagged_check_has_a_map_with_its_box_and_a_curve() -> None:
    (drawn,) = drawings(result(Outcome("CZ501", "", Status.FLAGGED, details=DETAILS)))
    for part in ("heat", "curve"):
        assert "<cat>" not in drawn[part]
        assert "<cat>" in "".join(ElementTree.fromstring(drawn[part]).itertext())
    assert drawn["heat"].count('class="heat"') == 4
    assert drawn["heat"].count('class="box"') == 1
    assert drawn["curve"].count('class="target"') == 1
    assert drawn["curve"].count('class="class"') == 1
    assert drawn["caption"].startswith("Class '<cat>', at one place, p ")


def test_a_clear_check_has_no_box_and_says_so() -> None:
    details = DETAILS | {"times": [0], "curve": [[1.0, 0.5]]}
    (drawn,) = drawings(result(Outcome("CZ503", "", Status.CLEAR, details=details)))
    assert 'class="box"' not in drawn["heat"]
    assert drawn["curve"] == ""
    assert drawn["caption"].startswith("Not flagged; largest in class")


def test_what_did_not_run_or_found_no_class_is_not_drawn() -> None:
    skipped = Outcome("CZ503", "", Status.SKIPPED)
    bare = Outcome("CZ502", "", Status.CLEAR, details={"class": None})
    other = replace(skipped, code="CZ201", status=Status.CLEAR, details=DETAILS)
    assert drawings(result(skipped, bare, other)) == []


def test_shares_are_in_the_caption() -> None:
    details = DETAILS | {"shares": [0.1, 0.4], "times": []}
    (drawn,) = drawings(result(Outcome("CZ502", "", Status.FLAGGED, details=details)))
    assert "share 10% of its training images, 40% of its generated ones" in drawn["caption"]


def test_maps_of_averaged_images_place_the_box_in_pixels_of_the_images() -> None:
    drawn = heat_map(HEAT, [10, 10, 4, 4], DETAILS)
    assert 'class="box" x="158" y="158" width="68" height="68"' in drawn


def test_a_map_of_nothing_is_blank() -> None:
    assert heat_map(np.zeros((4, 4)), None, {"class": "a"}).count("<rect") == 1


def test_curves_lie_within_the_picture() -> None:
    root = ElementTree.fromstring(time_curve(DETAILS | {"curve": [[1e4, -2.0]] * 3}))
    paths = [one.get("d", "") for one in root.iter() if one.get("class") in ("target", "class")]
    numbers = [float(part) for path in paths for part in path.replace("M", " ").replace("L", " ").split()]
    assert all(0 <= number <= 520 for number in numbers)
