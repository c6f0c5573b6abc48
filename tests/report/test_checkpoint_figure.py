from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.contracts import AuditResult, Verdict
from credenza.report.checkpoint_figure import Courses, courses, figure


def draw(k: int, t: int, jumps: list[tuple[int, int]], seed: int = 0) -> ElementTree.Element:
    rng = np.random.default_rng(seed)
    recall = rng.uniform(0.6, 1, (k, t)).tolist()
    names = [f"<class {c}>" for c in range(k)]
    return ElementTree.fromstring(
        courses(Courses([f"w&{i}" for i in range(t)], names, recall, [0.8] * t, jumps))
    )


def test_each_class_has_a_line_and_each_jump_a_ring_and_a_name() -> None:
    root = draw(5, 4, [(2, 1), (4, 3)])
    assert root.findtext("title") == "Recall of 5 classes at 4 checkpoints"
    lines = [path for path in root.iter("path") if "course" in (path.get("class") or "")]
    assert [path.findtext("title") for path in lines] == [f"<class {c}>" for c in (0, 1, 3, 2, 4)]
    assert [path.get("class") for path in lines].count("course jumper") == 2
    assert len(root.findall("circle")) == 2
    names = [text.text for text in root.iter("text") if text.get("class") == "jumper-name"]
    assert sorted(map(str, names)) == ["<class 2>", "<class 4>"]
    assert [text.text for text in root.iter("text") if text.get("class") == "whole-name"] == ["all rows"]


def test_many_checkpoints_do_not_crowd_the_axis() -> None:
    root = draw(2, 60, [])
    assert len([text for text in root.iter("text") if (text.text or "").startswith("w&")]) < 20


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6), st.integers(1, 5), st.floats(0, 1), st.booleans())
def test_any_recall_is_drawn_within_the_frame(k: int, t: int, value: float, gap: bool) -> None:
    recall: list[list[float | None]] = [
        [None if gap and j == 0 else value for j in range(t)] for _ in range(k)
    ]
    drawn = courses(Courses([str(i) for i in range(t)], [str(c) for c in range(k)], recall, [value] * t, []))
    assert "nan" not in drawn
    for text in ElementTree.fromstring(drawn).iter("text"):
        assert 0 <= float(text.get("y", "0")) <= 345


def test_an_audit_of_data_has_none() -> None:
    result = AuditResult(Verdict.CLEAR, (), (), None, (), (), {}, {}, {})
    assert figure(result) == {"courses": "", "course_count": 0, "course_jumps": 0}
