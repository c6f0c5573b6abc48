from __future__ import annotations

import re
from typing import Any

from credenza.studies.associative.plots import condition_plot

WIDEST = 7.0  # pixels a letter of a title takes at most on average, 12 px semibold


def panel(generator: str, *conditions: str) -> dict[str, Any]:
    measures = {"mcc": {"values": [0.1, 0.2], "mean": 0.15}}
    items = [{"condition": name, "measures": measures} for name in conditions]
    return {"modality": "images", "generator": generator, "conditions": items}


def test_titles_fit_their_panels() -> None:
    found = condition_plot([panel("diffusion-gan", "clean"), panel("ddpm", "clean", "positive")])
    widths = [float(text) for text in re.findall(r'<rect class="rect" width="(\d+)"', found)]
    titles = re.findall(r'class="title" x="(\d+)" y="18">([^<]+)<', found)
    assert len(widths) == len(titles) == 2
    for width, (left, title) in zip(widths, titles, strict=True):
        assert float(left) + WIDEST * len(title) <= width
