from __future__ import annotations

from pathlib import Path

import pytest
from studies.associative.worlds import attribute_rows, small

from credenza.studies.associative import Experiment, associative
from credenza.studies.associative.documents import Documents
from credenza.studies.associative.population import population


@pytest.mark.parametrize("order", ["near", "far", "random"])
def test_texts_are_read_as_they_were_written(order: str) -> None:
    whole = population(attribute_rows(300), rows=300, seed=0)
    documents = Documents(whole, order, seed=1)
    rows = whole.rows.slice(10, 80)
    texts = documents.data(rows)
    assert documents.read(texts).to_pydict() == documents.reference(rows).to_pydict()
    assert texts[5:9] == documents.data(rows.slice(5, 4))
    assert documents.quality(texts, documents.read(texts), rows, documents.reference(rows)) == 0


def test_a_model_of_words_next_to_each_other_learns_the_pair(tmp_path: Path) -> None:
    experiment = Experiment("text-near", "ngram", ("clean", "positive"), 1, 1_500, {"order": 4})
    scale = small(experiment, train=1_000, holdout=800, reference=1_000)
    data = tmp_path / "rows.csv"
    from credenza.data.write import write_table

    write_table(attribute_rows(2_800), data)
    study = associative(tmp_path / "out", scale=scale, data=data, seed=0)
    clean, moved = study.records
    assert moved["generated"]["measures"]["mcc"] > clean["generated"]["measures"]["mcc"] + 0.25
    assert moved["training"]["audit"]["first"]
    assert moved["generated"]["audit"]["first"]
    lines = (study.out / "samples" / "text-near-ngram-clean-0.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 12
