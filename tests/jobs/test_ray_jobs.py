"""The pipeline of Ray gives what the local job gives; skipped where the extra [ray] is not installed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_jobs import ALONE, NUMBER, MakeJob, read_records, write_documents

from engine.errors import UsageError
from engine.jobs.job_spec import JobSpec
from engine.jobs.ray import Extract, ray_executor


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray = pytest.importorskip("ray")
        pytest.importorskip("ray.data")
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
        yield ray
        ray.shutdown()


def test_extract_adds_columns_and_keeps_the_others(bpe_path: Path) -> None:
    spec = JobSpec.of(NUMBER, model=str(bpe_path), mode="one", max_tokens=30, settings=ALONE)
    actor = Extract(spec)
    first = actor({"text": ["a text", ""], "id": ["a", "b"], "more": [1, 2]})
    second = actor({"text": ["a text"], "id": ["a"], "more": [3]})
    assert first["more"] == [1, 2]
    assert [bool(error) for error in first["error"]] == [True, True]
    assert first["error"][0] == "null"
    assert "EmptyDocument" in first["error"][1]
    assert first["objects"][0] == second["objects"][0] != "[]"
    actor.close()


@pytest.mark.filterwarnings("ignore")
def test_job_on_two_actors_gives_what_the_local_job_gives(cluster: Any, make_job: MakeJob, tmp_path: Path) -> None:
    source = write_documents(tmp_path / "in.jsonl", 30)
    with source.open("a", encoding="utf-8") as file:
        file.write('{"id": "empty", "text": ""}\n{"id": "long", "text": "' + "long " * 3000 + '"}\n')
    local = make_job(source, tmp_path / "local.jsonl", settings=ALONE, deterministic=True)
    local.run()
    options: dict[str, Any] = {"settings": ALONE, "deterministic": True}
    hands = ray_executor("local", workers=2, timeout=None)
    stopped = make_job(source, tmp_path / "ray.jsonl", hands=hands, **options)
    stopped.told = lambda figures: stopped.stop() if figures.counts.documents == 9 else None
    assert stopped.run().state == "stopped"
    distant = make_job(source, tmp_path / "ray.jsonl", hands=hands, **options)
    assert distant.run().state == "complete"
    assert distant.figures.before >= 9
    assert read_records(tmp_path / "ray.jsonl") == read_records(tmp_path / "local.jsonl")


def test_cluster_that_is_not_there_is_told() -> None:
    try:
        import ray  # noqa: F401
    except ImportError:
        with pytest.raises(UsageError, match=r"needs the extra \[ray\]"):
            ray_executor("local", workers=1, timeout=None)
