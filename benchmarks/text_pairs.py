"""A word pair planted in reviews, among a thousand terms: does the ladder name it?

Run: python benchmarks/text_pairs.py. 2,000 movie reviews are cut into a reference and a suspect of 1,000. In 10% of
the suspect's reviews one word is put in or taken out: into reviews that hold the other word, out of as many that do
not, so that both words are in as many reviews as before. Both sides become tables by ``credenza features``: the 1,000
words that are in most reviews of the reference. The pair is drawn among all pairs of them for which that many reviews
exist, so that 499,500 pairs are tested for one. A clean suspect beside it shows the false alarms.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tables import DATA, split

import credenza
from credenza.data.features import TextOptions, tokens_of, write_features

EDITS = 0.1
SIZE = 1_000


@dataclass(frozen=True)
class Run:
    """What an audit of planted, and of clean, reviews says.

    ``named`` and ``first``: the pair is among the culprits, is the first of them. ``extra``: other culprits.
    ``false``: culprits in the clean suspect. ``at_first``: pairs that were significant before anything was explained.
    """

    pair: tuple[str, str]
    shares: tuple[float, float]
    edits: int
    named: bool
    first: bool
    extra: int
    at_first: int
    false: int
    strength: float
    seconds: float


def without(text: str, word: str) -> str:
    """The text without a word, whatever its case; the same words otherwise."""
    pattern = rf"(?<![^\W_])(?<![^\W_]['’]){re.escape(word)}(?!['’]?[^\W_])"
    return re.sub(pattern, " ", text, flags=re.IGNORECASE)


def plant(texts: list[str], pair: tuple[str, str], edits: int, rng: np.random.Generator) -> list[str]:
    """Texts in which the pair goes together more: half of the edits put the second word in, half take it out.

    Each word is in as many texts as before.
    """
    other, moved = pair
    words = [set(tokens_of(text)) for text in texts]
    holds_other = np.array([other in found for found in words])
    holds_moved = np.array([moved in found for found in words])
    half = edits // 2
    planted = list(texts)
    for row in rng.choice(np.flatnonzero(holds_other & ~holds_moved), half, replace=False):
        place = rng.choice([match.end() for match in re.finditer(r"\s", planted[row])] or [0])
        planted[row] = f"{planted[row][:place]}{moved} {planted[row][place:]}"
    for row in rng.choice(np.flatnonzero(holds_moved & ~holds_other), half, replace=False):
        planted[row] = without(planted[row], moved)
    assert sum(moved in tokens_of(text) for text in planted) == int(holds_moved.sum())
    return planted


def draw_pair(table: pa.Table, edits: int, rng: np.random.Generator) -> tuple[str, str]:
    """A pair of terms with as many texts of either kind as edits are needed, and half as many again."""
    names = [name for name in table.column_names if name.startswith("word:")]
    bits = np.stack([table[name].to_numpy() for name in names], axis=1).astype(np.float64)
    both = bits.T @ bits
    alone = bits.sum(axis=0)[:, None] - both  # holds the first, lacks the second
    feasible = np.minimum(alone, alone.T) >= 0.75 * edits
    np.fill_diagonal(feasible, False)
    first, second = rng.choice(np.argwhere(feasible))
    return names[first].removeprefix("word:"), names[second].removeprefix("word:")


def run(seed: int, terms: int = SIZE) -> Run:
    """Cut, plant, measure, audit."""
    rng = np.random.default_rng([seed, 7])
    reviews = pq.read_table(DATA / "movie_reviews.parquet")
    parts = dict(zip(("reference", "clean"), split(reviews, seed, SIZE, SIZE), strict=True))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = TextOptions(terms=terms)
        write_features(parts["reference"], folder / "reference.parquet", options, column="text")
        write_features(
            parts["clean"], folder / "clean.parquet", column="text", like=folder / "reference.parquet"
        )
        clean = pq.read_table(folder / "clean.parquet")
        edits = round(EDITS * SIZE)
        pair = draw_pair(clean, edits, rng)
        texts = plant(parts["clean"]["text"].to_pylist(), pair, edits, rng)
        table = parts["clean"].set_column(0, "text", pa.array(texts))
        write_features(table, folder / "planted.parquet", column="text", like=folder / "reference.parquet")
        audits = {
            side: credenza.audit(folder / f"{side}.parquet", folder / "reference.parquet").result
            for side in ("planted", "clean")
        }
    wanted = {f"word:{word}" for word in pair}
    named = [set(culprit.features) for culprit in audits["planted"].culprits]
    details = next(o for o in audits["planted"].outcomes if o.code == "CZ201").details
    return Run(
        pair=pair,
        shares=tuple(float(np.mean(clean[f"word:{word}"].to_numpy())) for word in pair),
        edits=edits,
        named=wanted in named,
        first=bool(named) and named[0] == wanted,
        extra=sum(found != wanted for found in named),
        at_first=int(details["flagged_at_first"]),
        false=len(audits["clean"].culprits),
        strength=next(
            (c.strength for c in audits["planted"].culprits if set(c.features) == wanted), float("nan")
        ),
        seconds=time.perf_counter() - began,
    )


def main() -> None:
    """Print a table of runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--terms", type=int, default=SIZE)
    asked = parser.parse_args()
    print("| seed | pair | share of reviews | named | first | other culprits | flagged at first | clean: culprits |"
          " strength (true 0.05) | s |")  # fmt: skip
    print("|" + "---|" * 10)
    for seed in range(asked.seeds):
        found = run(seed, asked.terms)
        shares = ", ".join(f"{share:.2f}" for share in found.shares)
        print(
            f"| {seed} | {' + '.join(found.pair)} | {shares} | {found.named} | {found.first} | {found.extra} | "
            f"{found.at_first} | {found.false} | {found.strength:.3f} | {found.seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
