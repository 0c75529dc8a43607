"""A job goes on where it stopped, refuses what is not the same job, and never touches what is safe."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

import pytest
from small_jobs import ALONE, NUMBER, MakeJob, Start, read_records, write_documents

from engine.decoding.sampler import Sampling
from engine.errors import (
    ExampleInvalid,
    InputChanged,
    InputInvalid,
    JobDiffers,
    OutputDamaged,
    OutputFailed,
    OutputHeld,
    UnsatisfiableSchema,
    UsageError,
    WorkersFailed,
)
from engine.jobs.ledger import Ledger
from engine.jobs.lock import hold_output
from engine.jobs.manifest import certificate_path, manifest_path, read_manifest

COUNT = 12


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_documents(tmp_path / "in.jsonl", COUNT)


def cut_to(output: Path, lines: int, tail: bytes = b"") -> None:
    """Leave an output as a crash would: some whole lines, and a piece of one."""
    kept = b"".join(output.read_bytes().splitlines(keepends=True)[:lines])
    output.write_bytes(kept + tail)
    note(output, state="running", durable=len(kept), sha256=None)


def note(output: Path, **changed: Any) -> None:
    members = json.loads(manifest_path(output).read_text("utf-8"))
    manifest_path(output).write_text(json.dumps({**members, **changed}), encoding="utf-8")


def test_each_document_has_one_line_in_the_order_of_the_input(make_job: MakeJob, source: Path, tmp_path: Path) -> None:
    told: list[int] = []
    job = make_job(source, told=lambda figures: told.append(figures.counts.documents))
    manifest = job.run()
    records = read_records(job.output)
    assert [record["id"] for record in records] == [f"d{number}" for number in range(COUNT)]
    assert all(set(found) == {"n", "kind"} for record in records for found in record["objects"])
    assert list(dict.fromkeys(told)) == list(range(COUNT + 1))  # and before the first, that it has begun
    assert manifest.state == "complete"
    assert manifest.counts.documents == manifest.documents == COUNT
    assert manifest.counts.objects == sum(len(record["objects"]) for record in records)
    assert manifest.durable == job.output.stat().st_size
    assert manifest.backend
    certificate = json.loads(certificate_path(job.output).read_text("utf-8"))
    assert {entry["path"] for entry in certificate["entries"]} >= {"/properties/n"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "in.jsonl",
        "out.jsonl",
        "out.jsonl.certificate.json",
        "out.jsonl.lock",
        "out.jsonl.manifest.json",
    ]


TAILS = (b"", b'{"id": "d5", "obj', b"\0" * 40, b'{"id": "d5", "objects": []}\n', b"\xff\n{}\n")


def test_torn_end_is_cut_off_and_its_documents_are_decoded(make_job: MakeJob, source: Path) -> None:
    job = make_job(source, settings=ALONE, deterministic=True)
    job.run()
    whole = read_records(job.output)
    for tail in TAILS:
        cut_to(job.output, COUNT - 2, tail)
        again = make_job(source, settings=ALONE, deterministic=True)
        again.run()
        assert again.figures.before == COUNT - 2
        assert read_records(job.output) == whole


def test_finished_job_does_nothing_more(make_job: MakeJob, source: Path) -> None:
    first = make_job(source)
    first.run()
    content = first.output.read_bytes()
    second = make_job(source)
    assert second.run().state == "complete"
    assert second.output.read_bytes() == content
    assert second.figures.before == COUNT


def test_what_was_safe_is_never_cut_off(make_job: MakeJob, source: Path) -> None:
    job = make_job(source)
    job.run()
    lines = job.output.read_bytes().splitlines(keepends=True)
    damaged = b"".join([*lines[:4], b"{}".ljust(len(lines[4]) - 1) + b"\n", *lines[5:]])
    job.output.write_bytes(damaged)
    with pytest.raises(OutputDamaged, match="line 5: is not what the job wrote"):
        make_job(source).run()
    assert job.output.read_bytes() == damaged
    job.output.write_bytes(b"".join(lines[:4]))
    with pytest.raises(OutputDamaged, match="were safe before"):
        make_job(source).run()
    job.output.unlink()
    with pytest.raises(OutputDamaged, match="is gone"):
        make_job(source).run()
    assert not job.output.exists()


OTHERS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"max_tokens": 31}, "max_tokens: 30 then, 31 now"),
    ({"instructions": "Only even ones."}, 'instructions: null then, "Only even ones." now'),
    ({"schema_of": {**NUMBER, "title": "other"}}, "schema: "),
    ({"style": "compact"}, "grammar: "),
    ({"examples": (("a text", {"n": 1, "kind": "a"}),)}, "examples: null then"),
    ({"deterministic": True, "settings": ALONE}, "deterministic: false then, true now"),
)


def test_other_arguments_are_refused_by_name(make_job: MakeJob, source: Path) -> None:
    job = make_job(source)
    job.run()
    before = job.output.read_bytes()
    for changed, named in OTHERS:
        with pytest.raises(JobDiffers, match="begun with other arguments") as raised:
            make_job(source, **changed).run()
        assert named in str(raised.value)
        assert job.output.read_bytes() == before
    anew = make_job(source, restart=True, max_tokens=31)
    assert anew.run().state == "complete"
    assert anew.figures.before == 0


def test_other_model_under_the_same_name_is_refused(
    make_job: MakeJob, source: Path, bpe_path: Path, sentencepiece_path: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(bpe_path.read_bytes())
    make_job(source, model=str(model)).run()
    model.write_bytes(sentencepiece_path.read_bytes())
    with pytest.raises(JobDiffers, match="model sha256"):
        make_job(source, model=str(model)).run()


def test_seed_that_was_drawn_is_kept(make_job: MakeJob, source: Path) -> None:
    options: dict[str, Any] = {"sampling": Sampling(temperature=1.0), "settings": ALONE, "deterministic": True}
    job = make_job(source, **options)
    seed = job.run().fingerprint["seed"]
    assert seed is not None
    whole = read_records(job.output)
    cut_to(job.output, 4)
    assert make_job(source, **options).run().fingerprint["seed"] == seed
    assert read_records(job.output) == whole


CHANGES: tuple[tuple[Any, str], ...] = (
    (lambda lines: [lines[0].replace("0 ", "9 ", 1), *lines[1:]], "line 1: the text of 'd0' is another"),
    (lambda lines: lines[1:], "line 1 has the id 'd1', and 'd0' was there"),
    (lambda lines: [*lines, '{"id": "new", "text": "x"}\n'], "12 documents then, 13 now; those that are done are"),
    (lambda lines: lines[::-1], "line 1 has the id 'd11'"),
    (lambda lines: lines[:3], "12 documents then, 3 now"),
)


def test_input_that_changed_is_refused(make_job: MakeJob, source: Path) -> None:
    job = make_job(source)
    job.run()
    cut_to(job.output, 5)
    before, text = job.output.read_bytes(), source.read_text("utf-8")
    for change, named in CHANGES:
        source.write_text("".join(change(text.splitlines(keepends=True))), encoding="utf-8")
        with pytest.raises(InputChanged) as raised:
            make_job(source).run()
        assert named in str(raised.value)
        assert job.output.read_bytes() == before


def test_output_that_is_none_of_a_job_is_not_touched(make_job: MakeJob, source: Path, tmp_path: Path) -> None:
    output = tmp_path / "mine.jsonl"
    output.write_text("my own notes\n", encoding="utf-8")
    for restart in (False, True):
        with pytest.raises(UsageError, match=r"mine\.jsonl .*was not written by a job"):
            make_job(source, output, restart=restart).run()
        assert output.read_text("utf-8") == "my own notes\n"
    with pytest.raises(UsageError, match="is the input and the output"):
        make_job(source, source).run()
    with pytest.raises(UsageError, match="no folder"):
        make_job(source, tmp_path / "none" / "out.jsonl").run()
    with pytest.raises(UsageError, match="is not a file"):
        Ledger(Path(os.devnull), 0)


def test_output_is_held_by_one_job(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    with hold_output(output), pytest.raises(OutputHeld, match=f"process {os.getpid()} on "), hold_output(output):
        pass
    with hold_output(output):
        pass


def test_failures_are_records_and_are_retried(make_job: MakeJob, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    rows = [
        b'{"id": 1, "text": "fine"}',
        b'{"id": 2, "text": "  "}',
        b'{"id": 3, "text": "\xff"}',
        b'{"id": 4, "text": "half \\ud800"}',
        b'{"id": 5, "text": null}',
        b'{"id": 6, "text": "' + b"long " * 2000 + b'"}',
        b'{"id": 7, "text": "nul \\u0000 and fine"}',
    ]
    source.write_bytes(b"\xef\xbb\xbf" + b"\r\n\r\n".join(rows))
    job = make_job(source)
    manifest = job.run()
    records = read_records(job.output)
    types = [record["error"] and record["error"]["type"] for record in records]
    assert types == [None, "EmptyDocument", "NotAText", "NotAText", "NotAText", "TextTooLong", None]
    assert manifest.counts.errors == 5
    assert [record["objects"] for record in records if record["error"]] == [[]] * 5
    content = job.output.read_bytes()
    retried = make_job(source, retry=("error",))
    assert retried.run().counts.errors == 5  # they are what they were
    assert read_records(job.output) == records
    assert job.output.read_bytes().splitlines()[0] == content.splitlines()[0]  # not decoded again
    assert not (tmp_path / "out.jsonl.retry").exists()


def forge_errors(output: Path, numbers: set[int]) -> None:
    """As if a worker had died of these."""
    lines = output.read_text("utf-8").splitlines(keepends=True)
    for number in numbers:
        record = json.loads(lines[number])
        failed: dict[str, Any] = {"objects": [], "finish": None, "error": {"type": "WorkerDied", "message": "killed"}}
        lines[number] = json.dumps({**record, **failed}) + "\n"
    output.write_text("".join(lines), encoding="utf-8")
    manifest = read_manifest(output)
    assert manifest is not None
    counts = {**json.loads(manifest_path(output).read_text("utf-8"))["counts"], "errors": len(numbers)}
    note(output, durable=output.stat().st_size, counts=counts)


def test_retry_that_is_stopped_leaves_the_output_and_goes_on(make_job: MakeJob, tmp_path: Path) -> None:
    source = write_documents(tmp_path / "in.jsonl", 120)
    options: dict[str, Any] = {"settings": ALONE, "deterministic": True}
    job = make_job(source, **options)
    job.run()
    whole = read_records(job.output)
    forge_errors(job.output, {2, 110})
    with_errors = job.output.read_bytes()
    stopped = make_job(source, retry=("error",), **options)
    stopped.told = lambda figures: stopped.stop() if figures.counts.documents == 4 else None
    assert stopped.run().state == "stopped"
    assert job.output.read_bytes() == with_errors
    with pytest.raises(UsageError, match="an interrupted --retry"):
        make_job(source, **options).run()
    last = make_job(source, retry=("error",), **options)
    assert last.run().state == "complete"
    assert last.figures.before >= 4
    assert read_records(job.output) == whole
    assert make_job(source, **options).run().counts.errors == 0


def test_retry_that_is_killed_between_its_two_files_is_finished(
    make_job: MakeJob, source: Path, tmp_path: Path
) -> None:
    job = make_job(source)
    job.run()
    # As after the first of the two steps: the new output is there, the new manifest has not its name yet.
    manifest = manifest_path(job.output)
    old = {**json.loads(manifest.read_text("utf-8")), "durable": 1, "sha256": "0" * 64}
    manifest.rename(manifest_path(tmp_path / "out.jsonl.retry"))
    manifest.write_text(json.dumps(old), encoding="utf-8")
    assert make_job(source).run().state == "complete"
    read = read_manifest(job.output)
    assert read is not None
    assert read.durable == job.output.stat().st_size
    assert not manifest_path(tmp_path / "out.jsonl.retry").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the size of files")
def test_full_disk_is_told_and_nothing_is_lost(start: Start, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps(NUMBER), encoding="utf-8")
    source, output = write_documents(tmp_path / "in.jsonl", 60), tmp_path / "out.jsonl"
    words = [tmp_path / "s.json", source, output, "--deterministic", "--workers", "1"]
    limit = 6000
    full = start(*words, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    said = full.communicate(timeout=300)[1]
    assert full.returncode == 7, said
    assert "cannot be written: File too large" in said
    assert "Traceback" not in said
    content = output.read_bytes()
    assert 0 < len(content) <= limit
    assert content.endswith(b"\n")
    again = start(*words)
    said = again.communicate(timeout=300)[1]
    assert again.returncode == 0, said
    assert output.read_bytes().startswith(content)
    assert [record["id"] for record in read_records(output)] == [f"d{number}" for number in range(60)]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="writes where nobody may")
def test_folder_that_cannot_be_written_is_told(make_job: MakeJob, source: Path) -> None:
    with pytest.raises(OutputFailed, match=r"out\.jsonl.*cannot be written"):
        make_job(source, Path("/proc/self/out.jsonl")).run()


def test_results_do_not_depend_on_order_or_workers(make_job: MakeJob, tmp_path: Path) -> None:
    straight = write_documents(tmp_path / "straight.jsonl", 24)
    mixed = write_documents(tmp_path / "mixed.jsonl", 24, order=[(number * 7) % 24 for number in range(24)])
    options: dict[str, Any] = {
        "sampling": Sampling(temperature=1.2, top_k=50, seed=7),
        "settings": ALONE,
        "deterministic": True,
    }
    found = []
    for name, source, workers in (("a", straight, 1), ("b", mixed, 2), ("c", mixed, 1)):
        job = make_job(source, tmp_path / name, workers=workers, **options)
        job.run()
        if name == "c":
            cut_to(job.output, 11, b"{")
            make_job(source, tmp_path / name, workers=workers, **options).run()
        found.append({record["id"]: record for record in read_records(tmp_path / name)})
    assert found[0] == found[1] == found[2]
    assert len({json.dumps(record["objects"]) for record in found[0].values()}) > 12


def test_output_that_is_a_link_is_what_it_leads_to(make_job: MakeJob, source: Path, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    link, output = tmp_path / "link.jsonl", tmp_path / "far" / "out.jsonl"
    link.symlink_to(output)
    make_job(source, link).run()
    assert make_job(source, output).run().counts.documents == COUNT  # one job, whatever its output is called
    assert link.is_symlink()
    assert manifest_path(output).exists()
    with hold_output(output), pytest.raises(OutputHeld):
        make_job(source, link).run()


def test_output_that_cannot_be_one_is_refused_and_nothing_is_made(
    make_job: MakeJob, source: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    os.mkfifo(tmp_path / "pipe")
    for output in (folder, tmp_path / "pipe"):
        with pytest.raises(UsageError, match="is not a regular file"):
            make_job(source, output).run()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "in.jsonl", "pipe"]


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("letters", "**/*.txt"), ("letters", "*"), ("letters/*.txt", None), ("**/o*t.txt", None), ("let*/**", None)],
)
def test_output_that_would_be_a_document_is_refused(
    name: str, pattern: str | None, make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("letters").mkdir()
    Path("letters/a.txt").write_text("a text", encoding="utf-8")
    with pytest.raises(UsageError, match=r"would be among the documents of"):
        make_job(name, Path("letters/out.txt"), opened={"pattern": pattern}).run()
    with pytest.raises(UsageError, match=r"view\.txt would be among the documents of"):
        make_job("letters/*.txt", tmp_path / "out.txt", views=(Path("letters/view.txt"),)).run()
    assert [path.name for path in Path("letters").iterdir()] == ["a.txt"]
    assert make_job("letters", Path("letters/out.jsonl")).run().counts.documents == 1


def test_restart_deletes_nothing_before_the_new_job_is_known_to_begin(make_job: MakeJob, source: Path) -> None:
    job = make_job(source)
    job.run()
    content, noted = job.output.read_bytes(), manifest_path(job.output).read_bytes()
    documents = source.read_bytes()
    source.write_bytes(documents + b"no JSON\n")
    with pytest.raises(InputInvalid):
        make_job(source, restart=True).run()
    source.write_bytes(documents)
    with pytest.raises(UnsatisfiableSchema):
        make_job(source, restart=True, schema_of=False).run()
    with pytest.raises(UsageError, match="give one of them"):
        make_job(source, restart=True, retry=("error",)).run()
    assert (job.output.read_bytes(), manifest_path(job.output).read_bytes()) == (content, noted)


def test_restart_begins_anew_where_the_manifest_cannot_be_read(make_job: MakeJob, source: Path) -> None:
    job = make_job(source)
    job.run()
    manifest_path(job.output).write_bytes(b"garbage")
    with pytest.raises(OutputDamaged, match="start over with --restart"):
        make_job(source).run()
    assert make_job(source, restart=True).run().state == "complete"


def test_retry_refuses_an_output_that_is_damaged(make_job: MakeJob, source: Path, tmp_path: Path) -> None:
    job = make_job(source)
    job.run()
    forge_errors(job.output, {9})
    lines = job.output.read_bytes().splitlines(keepends=True)
    damaged = b"".join([*lines[:4], lines[4].replace(b'"finish"', b'"fjnish"'), *lines[5:]])
    job.output.write_bytes(damaged)
    with pytest.raises(OutputDamaged, match="line 5: is not what the job wrote"):
        make_job(source, retry=("error",)).run()
    assert job.output.read_bytes() == damaged


def test_retry_whose_manifest_is_damaged_does_not_cost_the_output(make_job: MakeJob, source: Path) -> None:
    job = make_job(source)
    job.run()
    retry = manifest_path(job.output.with_name("out.jsonl.retry"))
    retry.write_bytes(b"garbage")
    for options in ({}, {"retry": ("error",)}):
        with pytest.raises(UsageError, match=r"delete it and .*out\.jsonl is as it was"):
            make_job(source, **options).run()
    retry.unlink()
    assert make_job(source).run().state == "complete"


def test_lines_are_made_durable_while_an_input_is_slow(make_job: MakeJob, tmp_path: Path, bpe_path: Path) -> None:
    read, write = os.pipe()
    # The first is made durable when it is written, because the model took its time; the second is written right after it.
    os.write(write, b'{"id": "a", "text": "x"}\n{"id": "b", "text": "x"}\n')
    synced: list[int] = []

    def note_sync(ledger: Ledger, then: Any = Ledger.sync) -> None:
        then(ledger)
        synced.append(ledger.documents)
        if ledger.documents == 2 and write not in closed:
            closed.append(write)
            os.close(write)

    closed: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "sync", note_sync)
        # Were they not, the input would never end and the job neither.
        job = make_job(f"/dev/fd/{read}", opened={"format": "jsonl"})
        assert job.run().counts.documents == 2
    os.close(read)
    assert synced[0] == 0


def test_job_that_is_stopped_when_all_is_done_is_complete(make_job: MakeJob, source: Path) -> None:
    job = make_job(source)
    job.told = lambda figures: job.stop() if figures.counts.documents == COUNT else None
    assert job.run().state == "complete"


def test_job_that_could_not_begin_binds_nobody(make_job: MakeJob, source: Path) -> None:
    with pytest.raises(WorkersFailed, match=r"a chunk may have 1 to \d+ tokens here"):
        make_job(source, mode="many", chunk=100_000).run()
    assert make_job(source, mode="many", chunk=200, max_tokens=40).run().counts.documents == COUNT


def test_example_that_is_wrong_is_refused_before_any_worker_starts(make_job: MakeJob, source: Path) -> None:
    job = make_job(source, examples=(("a text", {"n": "one"}),))
    with pytest.raises(ExampleInvalid, match="example 0"):
        job.run()
    assert not manifest_path(job.output).exists()
