"""Memory does not grow with a job."""

from __future__ import annotations

import gc
import json
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from small_jobs import MakeJob, Start, workers_of

from engine.jobs.job import Job
from engine.jobs.record import RecordedOutcome
from engine.jobs.worker_pool import Assignment, AssignmentResult


class Instant:
    """Hands that are done at once."""

    backend = "none"
    restarts = 0
    stopping = False

    def stop(self) -> None: ...

    def run(
        self, assignments: Iterator[Assignment], first: int = 0, idle: Callable[[], None] = lambda: None
    ) -> Iterator[AssignmentResult]:
        for assignment in assignments:
            yield AssignmentResult(assignment, RecordedOutcome(('{"n": 1, "kind": "a"}',), "complete"))


def peak(make_job: MakeJob, tmp_path: Path, count: int) -> int:
    """Bytes that Python held at most while the job read, checked and wrote so many documents, twice."""
    source = tmp_path / f"{count}.jsonl"
    source.write_text("".join(f'{{"id": "d{number}", "text": "x{number}"}}\n' for number in range(count)), "utf-8")

    def job() -> Job:
        return make_job(source, tmp_path / f"{count}.out", make_executor=lambda spec: Instant())

    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(2):
            assert job().run().counts.documents == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_process_that_writes_holds_no_more_for_many_documents(make_job: MakeJob, tmp_path: Path) -> None:
    peak(make_job, tmp_path, 10)  # what is loaded and remembered once
    few, many = peak(make_job, tmp_path, 300), peak(make_job, tmp_path, 6_000)
    assert many < 1.2 * few


@pytest.mark.thorough
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_job_of_100000_documents_takes_the_memory_of_one_of_1000(start: Start, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps({"const": "x"}), encoding="utf-8")
    few, many = (resident(start, tmp_path, count) for count in (1_000, 100_000))
    print(f"\n1,000 documents: {few >> 10} MiB; 100,000 documents: {many >> 10} MiB")
    assert many < 1.2 * few


def resident(start: Start, tmp_path: Path, count: int) -> int:
    """KiB that a job and its worker held at most together."""
    source = tmp_path / f"{count}.jsonl"
    source.write_text("".join(f'{{"id": "d{number}", "text": "x{number}"}}\n' for number in range(count)), "utf-8")
    process: Any = start(tmp_path / "s.json", source, tmp_path / f"{count}.out")
    most: dict[int, int] = {}
    while process.poll() is None:
        for pid in (process.pid, *workers_of(process.pid)):
            try:
                status = Path(f"/proc/{pid}/status").read_text("ascii")
            except (FileNotFoundError, ProcessLookupError):
                continue
            held = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
            most[pid] = max([most.get(pid, 0), *held])
        time.sleep(0.02)
    assert process.returncode == 0, process.communicate()
    return sum(most.values())
