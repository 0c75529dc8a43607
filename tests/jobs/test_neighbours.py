"""What neighbours in a context do to a document's result, on the real model: counted without --deterministic, nothing with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_jobs import MakeJob, read_records, write_documents

from engine import ModelSettings

COUNT = 24


@pytest.mark.thorough
@pytest.mark.real_model
def test_documents_that_differ_with_the_number_of_sequences_are_counted(
    make_job: MakeJob, real_path: Path, tmp_path: Path
) -> None:
    orders = {"straight": range(COUNT), "mixed": [(number * 7) % COUNT for number in range(COUNT)]}
    sources = {name: write_documents(tmp_path / name, COUNT, order=order) for name, order in orders.items()}

    def found(name: str, order: str, **options: Any) -> dict[str, Any]:
        job = make_job(sources[order], tmp_path / name, model=str(real_path), opened={"format": "jsonl"}, **options)
        job.run()
        return {record["id"]: record for record in read_records(job.output)}

    def settings(sequences: int) -> ModelSettings:
        return ModelSettings(n_ctx=2048, threads=1, sequences=sequences)

    alone = found("alone", "straight", settings=settings(1), deterministic=True)
    assert found("mixed-alone", "mixed", settings=settings(1), deterministic=True, workers=2) == alone
    for sequences in (1, 4, 8):
        for order in orders:
            others = found(f"{order}-{sequences}", order, settings=settings(sequences))
            differing = sum(others[name] != alone[name] for name in alone)
            print(f"\n{sequences} sequences, {order} order: {differing} of {COUNT} documents differ", end="")
            assert sequences > 1 or not differing
