"""The modality of texts: rows are put into words, and features are read off the words again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from credenza.data.write import write_text
from credenza.studies import texts
from credenza.studies.associative.measure import marginal_gap
from credenza.studies.associative.population import ROW, Population
from credenza.studies.common.seeds import derived

SPOKEN = 8  # attributes that a text speaks of, the first of ``texts.ATTRIBUTES``
SHOWN = 12


class Documents:
    """Descriptions of people, in an order of clauses that brings the pair together ("near") or apart ("far").

    Parameters
    ----------
    order : "near", "far" or "random", as in :func:`credenza.studies.texts.render`.
    """

    quality_name = "mean gap of marginals"

    def __init__(self, whole: Population, order: str, *, seed: int) -> None:
        self.name, self.order = f"text-{order}", order
        self.features = tuple(name for name in texts.ATTRIBUTES if name in whole.attributes)[:SPOKEN]
        self._seed = derived(seed, "texts")

    def data(self, rows: pa.Table) -> list[str]:
        """A text a row; what a row's text leaves to chance depends on the row alone, not on where it stands."""
        return texts.render(
            rows.select(list(self.features)),
            seed=self._seed,
            order=self.order,
            rows=rows[ROW].to_numpy(),
        )

    def read(self, samples: list[str]) -> pa.Table:
        """What the texts say, attribute by attribute."""
        found = texts.read(samples, self.features)
        return pa.table({name: found[:, place] for place, name in enumerate(self.features)})

    def reference(self, rows: pa.Table) -> pa.Table:
        """The rows themselves: rendered texts are read without errors."""
        return rows.select(list(self.features))

    def quality(self, samples: Any, read: pa.Table, rows: pa.Table, reference: pa.Table) -> float:
        """Mean absolute difference of all marginals; there is no Fréchet distance of texts here."""
        return marginal_gap(read, reference)

    def prepare(self) -> None:
        """Texts are read by rules."""

    def corrected(self, read: pa.Table) -> dict[str, Any]:
        """What a generated text says is taken by its words."""
        return {}

    def keep(self, samples: list[str], folder: Path, name: str) -> None:
        """The first texts, a line each."""
        lines = [" ".join(text.split()) for text in samples[:SHOWN]]
        write_text("".join(f"{line}\n" for line in lines), folder / f"{name}.txt")
