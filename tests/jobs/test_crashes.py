"""Jobs and workers are killed at random moments, and nothing is lost, doubled or changed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_jobs import NUMBER, Start, read_records, workers_of, write_documents

from engine.jobs.manifest import read_manifest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes in /proc")


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "number.json"
    path.write_text(json.dumps(NUMBER), encoding="utf-8")
    return path


def wait_until(holds: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    """Wait for something that a living process will do; what it does not do fails here, with what it said."""
    for _ in range(6000):
        if holds():
            return
        if process.poll() is not None:
            break
        time.sleep(0.01)
    pytest.fail(f"it did not happen; the job ended with {process.poll()}: {process.communicate()}")


def ends_well(process: subprocess.Popen[str]) -> None:
    said = process.communicate(timeout=300)
    assert process.returncode == 0, said


def lines_of(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def crash(start: Start, words: list[Any], output: Path, chance: random.Random) -> str:
    """Start the job, let it write a while, kill it or its worker; what was killed."""
    process = start(*words)
    before, more = lines_of(output), chance.randrange(40)
    wait_until(lambda: lines_of(output) >= before + more or process.poll() is not None or not more, process)
    time.sleep(chance.random() / 20)
    victims = workers_of(process.pid)
    killed = "job"
    if victims and chance.random() < 0.5:
        os.kill(chance.choice(victims), signal.SIGKILL)
        killed = "worker"
        time.sleep(chance.random())
    process.kill()
    process.communicate()
    return killed


@pytest.mark.parametrize("kills", [10, pytest.param(100, marks=pytest.mark.thorough)])
def test_job_that_is_killed_at_random_ends_like_one_that_is_not(
    kills: int, start: Start, schema: Path, tmp_path: Path
) -> None:
    source = write_documents(tmp_path / "in.jsonl", 300)
    plain = start(schema, source, tmp_path / "plain.jsonl", "--deterministic", "--workers", "1")
    ends_well(plain)
    chance = random.Random(kills)
    killed: list[str] = []
    round_ = 0
    while len(killed) < kills:
        output = tmp_path / f"out{round_}.jsonl"
        words = [schema, source, output, "--deterministic", "--workers", str(1 + round_ % 2)]
        while len(killed) < kills and lines_of(output) < 250:
            killed.append(crash(start, words, output, chance))
        last = start(*words)
        ends_well(last)
        assert read_records(output) == read_records(tmp_path / "plain.jsonl")
        round_ += 1
    assert set(killed) == {"job", "worker"}


def test_workers_of_a_killed_job_end_by_themselves(start: Start, schema: Path, tmp_path: Path) -> None:
    source = write_documents(tmp_path / "in.jsonl", 300)
    process = start(schema, source, tmp_path / "out.jsonl", "--workers", "2")
    wait_until(lambda: lines_of(tmp_path / "out.jsonl") > 5, process)
    workers = workers_of(process.pid)
    process.kill()
    process.communicate()
    assert workers
    for _ in range(3000):
        if all(map(gone, workers)):
            return
        time.sleep(0.01)
    pytest.fail(f"still there: {workers}")


def test_second_job_is_told_who_writes(start: Start, schema: Path, tmp_path: Path) -> None:
    source, output = write_documents(tmp_path / "in.jsonl", 300), tmp_path / "out.jsonl"
    first = start(schema, source, output)
    wait_until(lambda: lines_of(output) > 0, first)
    os.kill(first.pid, signal.SIGSTOP)
    second = start(schema, source, output)
    said = second.communicate()[1]
    os.kill(first.pid, signal.SIGCONT)
    assert second.returncode == 7
    assert f"{output} is being written by process {first.pid} on " in said
    ends_well(first)
    assert len(read_records(output)) == 300


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_first_signal_finishes_what_is_in_work(
    number: signal.Signals, code: int, start: Start, schema: Path, tmp_path: Path
) -> None:
    source, output = write_documents(tmp_path / "in.jsonl", 300), tmp_path / "out.jsonl"
    # As a terminal does it: every process of the group gets the signal.
    process = start(schema, source, output, start_new_session=True)
    wait_until(lambda: lines_of(output) > 3, process)
    os.killpg(process.pid, number)
    said = process.communicate()[1]
    assert process.returncode == code, said
    manifest = read_manifest(output)
    assert manifest is not None
    assert manifest.state == "stopped"
    assert 3 < lines_of(output) == manifest.counts.documents < 300
    assert manifest.durable == output.stat().st_size
    assert "Traceback" not in said
    again = start(schema, source, output)
    ends_well(again)
    assert [record["id"] for record in read_records(output)] == [f"d{number}" for number in range(300)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_second_signal_stops_at_once_and_the_job_goes_on_later(
    number: signal.Signals, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(SLOW, encoding="utf-8")
    source, output = write_documents(tmp_path / "in.jsonl", 12), tmp_path / "out.jsonl"
    words = [f"{tmp_path}/slow.py:Slow", source, output, "--sequences", "1"]
    process = start(*words)
    wait_until(lambda: (tmp_path / "asleep").exists(), process)
    process.send_signal(number)
    assert "finishing" in (process.stderr.readline() if process.stderr else "")
    process.send_signal(number)
    said = process.communicate()[1]
    assert process.returncode == 128 + number, said
    assert "Traceback" not in said
    (tmp_path / "awake").touch()
    again = start(*words)
    ends_well(again)
    assert len(read_records(output)) == 12


SLOW = """
import multiprocessing, pathlib, time
from pydantic import BaseModel, Field, model_validator

FOLDER = pathlib.Path(__file__).parent

class Slow(BaseModel):
    n: int = Field(ge=0, le=999)

    @model_validator(mode="after")
    def wait(self):
        if multiprocessing.parent_process() is not None and not (FOLDER / "awake").exists():
            (FOLDER / "asleep").touch()
            while not (FOLDER / "awake").exists():
                time.sleep(0.05)
        return self
"""

DEADLY = """
import multiprocessing, os, time
from pydantic import BaseModel, Field, model_validator

class Deadly(BaseModel):
    n: int = Field(ge=0, le=999)

    @model_validator(mode="after")
    def die(self):
        if multiprocessing.parent_process() is not None and self.n % 4 == 0:
            ACTION
        return self
"""


def test_document_that_kills_its_worker_twice_is_a_record_of_an_error(start: Start, tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text(DEADLY.replace("ACTION", "os.abort()"), encoding="utf-8")
    source, output = write_documents(tmp_path / "in.jsonl", 12), tmp_path / "out.jsonl"
    process = start(f"{tmp_path}/deadly.py:Deadly", source, output, "--temperature", "1.5", "--seed", "3")
    said = process.communicate()[1]
    assert process.returncode == 1, said
    records = read_records(output)
    assert [record["id"] for record in records] == [f"d{number}" for number in range(12)]
    errors = [record["error"] for record in records if record["error"]]
    assert {error["type"] for error in errors} == {"WorkerDied"}
    assert all(error["message"].count("SIGABRT") == 2 for error in errors)
    good = [record["objects"][0]["n"] for record in records if not record["error"]]
    assert good
    assert all(number % 4 for number in good)


def test_workers_that_all_begin_with_a_document_that_kills_do_not_end_the_job(start: Start, tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text(DEADLY.replace("self.n % 4 == 0", "True").replace("ACTION", "os.abort()"))
    source, output = write_documents(tmp_path / "in.jsonl", 6), tmp_path / "out.jsonl"
    process = start(f"{tmp_path}/deadly.py:Deadly", source, output, "--sequences", "1", "--workers", "5")
    said = process.communicate()[1]
    assert process.returncode == 1, said
    assert [record["error"]["type"] for record in read_records(output)] == ["WorkerDied"] * 6


def test_signal_before_anything_is_in_work_ends_the_job(start: Start, tmp_path: Path) -> None:
    source = write_documents(tmp_path / "in.jsonl", 3)
    (tmp_path / "long.py").write_text(LONG, encoding="utf-8")
    process = start(f"{tmp_path}/long.py:Long", source, tmp_path / "out.jsonl")
    wait_until(lambda: (tmp_path / "reading").exists(), process)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 143, said
    assert "finishing" not in said


LONG = """
import pathlib, time
from pydantic import BaseModel

class Long(BaseModel):
    n: int

(pathlib.Path(__file__).parent / "reading").touch()
time.sleep(600)
"""


def test_document_that_takes_too_long_is_a_record_of_an_error(start: Start, tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text(DEADLY.replace("ACTION", "time.sleep(3600)"), encoding="utf-8")
    source, output = write_documents(tmp_path / "in.jsonl", 8), tmp_path / "out.jsonl"
    words = [f"{tmp_path}/endless.py:Deadly", source, output, "--temperature", "1.5", "--seed", "3"]
    process = start(*words, "--document-timeout", "3", "--sequences", "2")
    said = process.communicate()[1]
    assert process.returncode == 1, said
    records = read_records(output)
    assert len(records) == 8
    errors = [record["error"] for record in records if record["error"]]
    assert {error["type"] for error in errors} == {"DocumentTimedOut"}
    assert any(record["error"] is None for record in records)
