"""Data that is odd, not bad: many levels, infinities, mixed types, names and levels that hold HTML."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from small_tables import ROWS, good, text, written

import credenza
from credenza.cli import main
from credenza.contracts import Verdict
from credenza.errors import InputError

Captured = pytest.CaptureFixture[str]


def test_five_thousand_levels_are_pooled_or_left_out() -> None:
    def wide(seed: int) -> pa.Table:
        rng = np.random.default_rng(seed)
        names = np.array([f"level {k}" for k in range(5_000)])
        skewed = np.minimum((5_000 * rng.random(20_000) ** 3).astype(int), 4_999)
        table = good(20_000, seed)
        return table.append_column("even", pa.array(rng.choice(names, 20_000))).append_column(
            "skewed", pa.array(names[skewed])
        )

    audit = credenza.audit(wide(0), wide(1))
    assert audit.verdict is Verdict.CLEAR
    seen = {feature.name: feature for feature in audit.result.features}
    assert "free text" in seen["even"].skipped or seen["even"].levels <= 66
    assert 1 < seen["skewed"].levels <= 66


def test_infinities_fall_into_the_end_bins() -> None:
    def with_infinities(seed: int) -> pa.Table:
        values = np.random.default_rng(seed).normal(size=ROWS)
        values[:20], values[20:40] = np.inf, -np.inf
        return good(seed=seed).append_column("x", pa.array(values))

    audit = credenza.audit(with_infinities(0), with_infinities(1))
    assert audit.verdict is Verdict.CLEAR
    assert "x" in {feature.name for feature in audit.result.features if not feature.skipped}


def test_mixed_types_in_csv_are_read_as_text(tmp_path: Path) -> None:
    """Types are sniffed from the first rows; a word far below makes the column a category, not an error."""
    rng = np.random.default_rng(0)
    lines = [f"{rng.integers(0, 4)},{rng.integers(0, 3)}" for _ in range(30_000)]
    lines[-5:] = ["unknown,1"] * 5
    path = text("a,b\n" + "\n".join(lines) + "\n", tmp_path / "mixed.csv")
    audit = credenza.audit(path)
    kinds = {feature.name: feature.kind for feature in audit.result.features}
    assert kinds == {"a": "categorical", "b": "continuous"}


def test_mixed_types_between_the_sides_are_a_finding(tmp_path: Path) -> None:
    numbers = text("a,b\n" + "1,2\n2,1\n3,2\n" * 100, tmp_path / "n.csv")
    words = text("a,b\n" + "one,2\ntwo,1\nthree,2\n" * 100, tmp_path / "w.csv")
    with pytest.raises(InputError, match="column 'a' is number in the reference, string in the suspect"):
        credenza.audit(words, numbers)


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a & b", "naïve 名"]
)
def test_hostile_names_are_shown_and_escaped(name: str, tmp_path: Path, capsys: Captured) -> None:
    def named(seed: int) -> pa.Table:
        return good(seed=seed).rename_columns([name, "urban", "region", "age"])

    paths = [str(written(named(k), tmp_path / f"{k}.parquet")) for k in range(2)]
    page = tmp_path / "audit.html"
    assert main(["audit", paths[0], "--reference", paths[1], "--html", str(page), "--json", "-"]) == 0
    html = page.read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    capsys.readouterr()


def test_hostile_levels_are_escaped(tmp_path: Path) -> None:
    def table(share: float) -> pa.Table:
        rng = np.random.default_rng(3)
        a = rng.random(4_000) < 0.5
        b = np.where(rng.random(4_000) < share, a, rng.random(4_000) < 0.5)
        return pa.table({"a": a, "b": np.where(b, "~<b onclick=x()>", "plain")})

    audit = credenza.audit(table(0.6), table(0.0))
    assert audit.verdict is Verdict.FLAGGED
    page = tmp_path / "page.html"
    audit.to_html(page)
    html = page.read_text(encoding="utf-8")
    assert "<b onclick" not in html
    assert "&lt;b onclick" in html
