"""A trial on a part of an input, and a second look at a part of an output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_jobs import ALONE, NUMBER, MakeJob, read_records, write_documents
from typer.testing import CliRunner

from engine.cli import engine_app
from engine.errors import JobDiffers, UsageError
from engine.jobs.manifest import read_manifest
from engine.jobs.record import read_line
from engine.jobs.selection import SELECTIONS, is_selected, read_kinds, selected_lines
from engine.jobs.source import first_documents, open_source, sampled
from engine.jobs.verification import verify_output

COUNT = 12


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_documents(tmp_path / "in.jsonl", COUNT)


def ids(path: Path) -> list[str]:
    return [record["id"] for record in read_records(path)]


def test_limit_is_a_trial_that_the_whole_job_goes_on_from(make_job: MakeJob, source: Path, tmp_path: Path) -> None:
    trial = make_job(source, limit=3, settings=ALONE, deterministic=True)
    manifest = trial.run()
    assert (manifest.state, manifest.counts.documents, trial.figures.total) == ("stopped", 3, 3)
    first = trial.output.read_bytes()
    more = make_job(source, limit=5, settings=ALONE, deterministic=True)
    assert (more.run().state, more.figures.before, len(ids(more.output))) == ("stopped", 3, 5)
    fewer = make_job(source, limit=2, settings=ALONE, deterministic=True)
    assert fewer.run().counts.documents == 5  # what is done stays
    whole = make_job(source, settings=ALONE, deterministic=True)
    assert (whole.run().state, whole.figures.before) == ("complete", 5)
    assert whole.output.read_bytes().startswith(first)
    at_once = make_job(source, tmp_path / "other.jsonl", settings=ALONE, deterministic=True, limit=COUNT + 1)
    assert at_once.run().state == "complete"
    assert read_records(at_once.output) == read_records(whole.output)


def test_sample_is_drawn_from_all_over_and_always_the_same(make_job: MakeJob, source: Path, tmp_path: Path) -> None:
    whole = open_source(str(source))
    drawn = [entry.document.id for entry in sampled(whole, 4).read()]
    assert len(drawn) == 4
    assert (
        drawn == [entry.document.id for entry in whole.read() if entry.document.id in drawn] != ["d0", "d1", "d2", "d3"]
    )
    turned = write_documents(tmp_path / "turned.jsonl", COUNT, order=reversed(range(COUNT)))
    assert sorted(map(str, drawn)) == sorted(
        str(entry.document.id) for entry in sampled(open_source(str(turned)), 4).read()
    )
    assert len(list(sampled(whole, COUNT + 5).read())) == COUNT
    assert [entry.document.id for entry in first_documents(whole, 2).read()] == ["d0", "d1"]
    job = make_job(source)
    job.source = sampled(whole, 4)
    assert job.run().state == "complete"
    assert ids(job.output) == drawn
    findings = list(verify_output(job.output, lambda _: job.spec.read_type))
    assert not [finding for finding in findings if finding.wrong], findings
    with pytest.raises(UsageError, match=r"was begun with --sample 4, and those are other documents"):
        make_job(source).run()
    with pytest.raises(UsageError, match="cannot be a stream; --limit"):
        sampled(open_source("-"), 1)


def spoil(output: Path, numbers: dict[int, dict[str, Any]]) -> None:
    """As if these documents had ended otherwise."""
    lines = output.read_text("utf-8").splitlines(keepends=True)
    for number, members in numbers.items():
        lines[number] = json.dumps({**json.loads(lines[number]), **members}) + "\n"
    output.write_text("".join(lines), encoding="utf-8")
    manifest = read_manifest(output)
    assert manifest is not None
    manifest.durable = output.stat().st_size
    manifest.save(output)


FAILED: dict[str, Any] = {"objects": [], "finish": None, "error": {"type": "WorkerDied", "message": "killed"}}
CUT: dict[str, Any] = {"finish": "budget", "cut": ["/0/n"]}


@pytest.mark.parametrize(("kind", "chosen"), [("doubtful", False), ("doubtful:0.5", False), ("doubtful:0.7", True)])
def test_a_record_is_doubtful_where_a_value_is_less_sure(
    make_job: MakeJob, source: Path, kind: str, chosen: bool
) -> None:
    job = make_job(source)
    job.run()
    line = job.output.read_bytes().splitlines(keepends=True)[0]
    assert read_kinds(f"error,{kind}") == ("error", kind)
    spans = b'"spans": {"/0/n": [0, 1]}, "confidence": {"/0/n": 0.6, "/0/m": 0.9}, "chunks"'
    record = read_line(line.replace(b'"chunks"', spans))
    assert record
    assert is_selected(record, [kind]) == chosen
    plain = read_line(line)
    assert plain is not None
    assert not is_selected(plain, [kind])


@pytest.mark.parametrize("kind", ["doubtful:", "doubtful:x", "doubtful:2", "sure"])
def test_what_is_no_kind_is_refused(kind: str) -> None:
    with pytest.raises(UsageError, match="--where takes"):
        read_kinds(kind)


def test_records_of_a_kind_are_shown_with_their_texts(make_job: MakeJob, source: Path) -> None:
    job = make_job(source)
    job.run()
    spoil(job.output, {2: FAILED, 5: CUT})
    for kinds, numbers in ((("error",), [2]), (("budget",), [5]), (tuple(SELECTIONS), [2, 5])):
        rows = [json.loads(line) for line in selected_lines(job.output, kinds)]
        assert [row["id"] for row in rows] == [f"d{number}" for number in numbers]
        texts = [json.loads(line)["text"] for line in source.read_text("utf-8").splitlines()]
        assert [row["text"] for row in rows] == [texts[number] for number in numbers]
    source.write_text(source.read_text("utf-8").replace('"text": "2 ', '"text": "3 '), encoding="utf-8")
    assert [json.loads(line)["text"] is None for line in selected_lines(job.output, SELECTIONS)] == [True, False]
    source.unlink()
    assert [json.loads(line)["text"] for line in selected_lines(job.output, SELECTIONS)] == [None, None]
    with pytest.raises(UsageError, match="is not the output of a job"):
        list(selected_lines(source, SELECTIONS))


def test_documents_of_a_kind_are_decoded_again_within_other_bounds(make_job: MakeJob, source: Path) -> None:
    options: dict[str, Any] = {"settings": ALONE, "deterministic": True}
    job = make_job(source, **options)
    job.run()
    whole = read_records(job.output)
    spoil(job.output, {2: FAILED, 5: CUT})
    again = make_job(source, retry=("budget",), max_tokens=60, **options)
    manifest = again.run()
    assert [entry["where"] for entry in manifest.again] == [["budget"]]
    records = read_records(job.output)
    assert records[2]["error"] == FAILED["error"]
    assert records[:2] + records[3:] == whole[:2] + whole[3:]
    nothing = make_job(source, retry=("budget",), **options).run()
    assert len(nothing.again) == 1  # there was nothing left to decode
    assert make_job(source, retry=("error", "budget"), **options).run().counts.errors == 0
    assert read_records(job.output) == whole
    findings = {
        finding.subject: finding for finding in verify_output(job.output, lambda _: job.spec.read_type, replay=COUNT)
    }
    assert not findings["replay"].wrong, findings["replay"]
    with pytest.raises(JobDiffers, match="style"):
        make_job(source, retry=("error",), style="compact", **options).run()
    with pytest.raises(JobDiffers, match="max_tokens"):
        make_job(source, max_tokens=60, **options).run()


def test_document_that_a_retry_gave_other_bounds_is_verified_with_them(make_job: MakeJob, tmp_path: Path) -> None:
    source = write_documents(tmp_path / "in.jsonl", 3)
    options: dict[str, Any] = {"settings": ALONE, "deterministic": True, "mode": "many"}
    job = make_job(source, max_tokens=20, **options)
    job.run()
    assert [record["finish"] for record in read_records(job.output)].count("budget") > 0
    before = read_records(job.output)
    again = make_job(source, max_tokens=90, retry=("budget",), **options)
    again.run()
    assert read_records(job.output) != before
    (replay,) = [
        finding
        for finding in verify_output(job.output, lambda _: job.spec.read_type, replay=3)
        if finding.subject == "replay"
    ]
    assert not replay.wrong, replay
    assert "3 equal" in replay.found


def test_retry_that_was_interrupted_goes_on_with_the_same_arguments_only(make_job: MakeJob, tmp_path: Path) -> None:
    source = write_documents(tmp_path / "in.jsonl", 120)
    options: dict[str, Any] = {"settings": ALONE, "deterministic": True}
    job = make_job(source, **options)
    job.run()
    spoil(job.output, {2: FAILED, 110: FAILED})
    stopped = make_job(source, retry=("error",), **options)
    stopped.told = lambda figures: stopped.stop() if figures.counts.documents == 4 else None
    assert stopped.run().state == "stopped"
    with pytest.raises(UsageError, match="with another --where or other arguments"):
        make_job(source, retry=("error", "budget"), **options).run()
    assert make_job(source, retry=("error",), **options).run().state == "complete"


def test_kinds_are_known_by_their_names() -> None:
    assert read_kinds("error, budget,error") == ("error", "budget")
    with pytest.raises(UsageError, match=r"--where takes error, budget, loop, doubtful, doubtful:0\.8, with commas"):
        read_kinds("errors")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["n int", "in.jsonl", "o", "--limit", "2", "--sample", "2"], "give one of them"),
        (["n int", "in.jsonl", "o", "--limit", "2", "--retry"], "--limit does not go with it"),
        (["n int", "in.jsonl", "o", "--where", "budget"], "--where belongs to --retry or --show"),
        (["--show", "o", "--where", "odd"], "--where takes error, budget"),
        (["n int", "--show", "o"], "--show OUTPUT takes --where beside it, and nothing else"),
        (["--show", "o", "--restart"], "--show OUTPUT takes --where beside it, and nothing else"),
        (["--show", "o"], "is not the output of a job"),
        (["n int", "-", "o", "--sample", "2"], "cannot be a stream"),
    ],
)
def test_words_that_do_not_go_together_are_refused(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_documents(tmp_path / "in.jsonl", 1)
    done = CliRunner().invoke(engine_app, ["batch", *words])
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr


def test_trial_and_second_look_as_they_are_typed(source: Path, tmp_path: Path, bpe_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    common = ["--model", str(bpe_path), "--n-ctx", "1024", "--threads", "1", "--max-tokens", "60", "--one"]
    (tmp_path / "s.json").write_text(json.dumps(NUMBER), encoding="utf-8")
    command = ["batch", str(tmp_path / "s.json"), str(source), str(out), *common]
    done = CliRunner().invoke(engine_app, [*command, "--limit", "4", "--csv", str(tmp_path / "out.csv")])
    assert done.exit_code == 0, done.stderr
    assert f"engine: documents done: 4 of {COUNT}; without --limit the same command goes on" in done.stderr
    assert len((tmp_path / "out.csv").read_text("utf-8").splitlines()) == 5
    spoil(out, {1: CUT})
    shown = CliRunner().invoke(engine_app, ["batch", "--show", str(out), "--where", "budget"])
    assert (shown.exit_code, [json.loads(line)["id"] for line in shown.stdout.splitlines()]) == (0, ["d1"])
    done = CliRunner().invoke(engine_app, command)
    assert done.exit_code == 0, done.stderr
    assert f"{COUNT} documents: " in done.stderr
    done = CliRunner().invoke(engine_app, [*command, "--retry", "--where", "budget"])
    assert done.exit_code == 0, done.stderr
    assert CliRunner().invoke(engine_app, ["batch", "--show", str(out), "--where", "budget"]).stdout == ""
