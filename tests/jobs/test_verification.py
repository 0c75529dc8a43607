"""`verify_output` finds what is wrong with an output, and nothing where nothing is."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from small_jobs import ALONE, NUMBER, MakeJob, write_documents

from engine.errors import OutputDamaged, UsageError
from engine.jobs.manifest import certificate_path, manifest_path
from engine.jobs.record import RecordedOutcome as Recorded
from engine.jobs.record import line_of, object_texts, read_line
from engine.jobs.verification import verify_output


def wrong(output: Path, schema: Any = NUMBER, **options: Any) -> dict[str, str]:
    findings = verify_output(output, lambda _: partial(dict, schema), **options)
    return {finding.subject: finding.found for finding in findings if finding.wrong}


@pytest.fixture
def output(make_job: MakeJob, tmp_path: Path) -> Path:
    job = make_job(write_documents(tmp_path / "in.jsonl", 8), settings=ALONE, deterministic=True)
    job.run()
    return job.output


def change(output: Path, edit: Callable[[list[str]], list[str]]) -> None:
    lines = output.read_text("utf-8").splitlines(keepends=True)
    output.write_text("".join(edit(lines)), encoding="utf-8")


def test_good_output_has_no_finding_that_is_wrong(output: Path) -> None:
    findings = list(verify_output(output, lambda _: partial(dict, NUMBER), replay=3))
    assert not [finding for finding in findings if finding.wrong]
    said = {finding.subject: finding.found for finding in findings}
    assert said["replay"] == "3 documents decoded again, 3 equal"
    assert said["objects"] == "all 8 are valid under the schema"
    assert said["input"] == "8 documents, each as it was read"


def test_every_kind_of_damage_is_found(output: Path, tmp_path: Path) -> None:
    good = output.read_bytes()
    invalid = {"n": 1000, "kind": "a"}

    def damaged(edit: Callable[[list[str]], list[str]]) -> dict[str, str]:
        output.write_bytes(good)
        change(output, edit)
        return wrong(output)

    assert set(damaged(lambda lines: lines[:-1])) == {"output", "counts"}
    assert set(damaged(lambda lines: [*lines, lines[0]])) == {"output", "ids", "counts"}
    assert set(damaged(lambda lines: [*lines[:-1], lines[-1][:-5]])) == {"output", "records", "counts"}
    assert set(damaged(lambda lines: lines[::-1])) == {"output", "input"}
    found = damaged(lambda lines: [json.dumps({**json.loads(lines[0]), "objects": [invalid]}) + "\n", *lines[1:]])
    assert set(found) == {"output", "objects"}
    assert "'d0'" in found["objects"]
    found = damaged(lambda lines: [json.dumps({**json.loads(lines[0]), "objects": []}) + "\n", *lines[1:]])
    assert "0 objects, not 1 to 1" in found["objects"]
    output.write_bytes(good)
    assert set(wrong(output, {**NUMBER, "title": "other"})) == {"schema"}
    certificate_path(output).write_text("{}", encoding="utf-8")
    assert set(wrong(output)) == {"certificate"}


def test_replay_finds_an_object_that_the_model_does_not_write(output: Path) -> None:
    def edit(lines: list[str]) -> list[str]:
        record = json.loads(lines[0])
        value = record["objects"][0]
        record["objects"] = [{**value, "n": (value["n"] + 1) % 1000}]
        return [json.dumps(record) + "\n", *lines[1:]]

    change(output, edit)
    found = wrong(output, replay=8)
    assert "8 documents decoded again, 7 equal; d0 differs" in found["replay"]


def test_input_that_changed_or_is_gone_is_told(output: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    write_documents(source, 9)
    assert "8 documents then, 9 now" in wrong(output)["input"]
    source.unlink()
    assert not wrong(output)
    with pytest.raises(UsageError, match="the input is not there"):
        wrong(output, replay=1)


def test_job_that_is_not_finished_is_told(output: Path) -> None:
    members = json.loads(manifest_path(output).read_text("utf-8"))
    behind = {**members, "state": "running", "counts": {**members["counts"], "documents": 3}}
    manifest_path(output).write_text(json.dumps(behind), encoding="utf-8")
    assert wrong(output) == {"job": "not finished: 3 of 8 documents; start it again"}
    manifest_path(output).unlink()
    with pytest.raises(UsageError, match="is not the output of a job"):
        wrong(output)


def test_objects_of_a_line_keep_their_spelling() -> None:
    texts = ('{"a": 1.10, "b": "] é\\n"}', "[1e2, []]", '"x"', "12345678901234567890.5")
    line = line_of("é]", "0" * 16, Recorded(texts, "complete"))
    assert object_texts(line) == list(texts)
    record = read_line(line)
    assert record is not None
    assert record.id == "é]"
    assert object_texts(line_of(7, "0" * 16, Recorded())) == []


def test_spans_of_a_record_are_there_where_values_are_grounded() -> None:
    spans = {"/0/name": (0, 4), "/0/age": None}
    line = line_of("a", "0" * 16, Recorded(('{"name": "John", "age": null}',), "complete", spans=spans))
    record = read_line(line)
    assert record is not None
    assert record.spans == {"/0/name": [0, 4], "/0/age": None}
    plain = line_of("a", "0" * 16, Recorded())
    assert b"spans" not in plain
    assert read_line(plain) is not None
    assert read_line(line.replace(b'"spans"', b'"marks"')) is None


def test_damage_is_named_by_its_line_and_the_rest_is_read(output: Path) -> None:
    good = output.read_text("utf-8").splitlines(keepends=True)

    def damaged(number: int, edit: Callable[[str], str]) -> dict[str, str]:
        output.write_text("".join([*good[:number], edit(good[number]), *good[number + 1 :]]), encoding="utf-8")
        return wrong(output)

    for edit in (
        lambda line: line.replace('"finish"', '"fjnish"'),
        lambda line: line.replace('"cut": []', '"cut": 3'),
        lambda line: line.replace('"chunks": 1', '"chunks": true'),
        lambda line: line.replace('"error": null', '"error": "none"'),
        lambda line: "\n",
    ):
        found = damaged(4, edit)
        assert set(found) == {"output", "records", "counts"}
        assert found["records"] == "8 lines; 1 of them no record: line 5"
        assert found["counts"].startswith("7 documents")
    found = damaged(3, lambda line: json.dumps(json.loads(line), separators=(",", ":")) + "\n")
    assert set(found) == {"output", "objects"}
    assert "line 4 ('d3'): is not spelled as a job spells it" in found["objects"]
    found = damaged(3, lambda line: line.replace('"n": ', '"n": 99999'))
    assert "line 4 ('d3'): " in found["objects"]
    assert "line 9 has the id 'd0' of line 1" in damaged(7, lambda line: line + good[0])["ids"]


def test_what_is_missing_is_a_finding_and_the_rest_is_looked_at(
    make_job: MakeJob, bpe_path: Path, tmp_path: Path
) -> None:
    model, moved = tmp_path / "model.gguf", tmp_path / "moved.gguf"
    model.write_bytes(bpe_path.read_bytes())
    job = make_job(write_documents(tmp_path / "in.jsonl", 4), model=str(model))
    job.run()
    certificate_path(job.output).unlink()
    assert set(wrong(job.output)) == {"certificate"}
    model.rename(moved)
    assert "--model" in wrong(job.output)["model"]
    assert "without the job's schema and model" in wrong(job.output, replay=1)["replay"]
    assert set(wrong(job.output, model=str(moved), replay=2)) == {"certificate"}

    def gone() -> Any:
        raise UsageError("no file 'schema.json'")

    findings = list(verify_output(job.output, lambda _: gone, model=str(moved)))
    assert {finding.subject for finding in findings if finding.wrong} == {"schema"}
    assert "4 documents, each as it was read" in [finding.found for finding in findings]
    job.output.unlink()
    with pytest.raises(OutputDamaged, match="cannot be read"):
        wrong(job.output, model=str(moved))


def test_manifest_of_another_version_is_told(output: Path) -> None:
    members = json.loads(manifest_path(output).read_text("utf-8"))
    members["spec"]["member_of_tomorrow"] = 1
    manifest_path(output).write_text(json.dumps(members), encoding="utf-8")
    with pytest.raises(UsageError, match="was written by engine"):
        wrong(output)


def test_replay_leaves_out_what_depends_on_the_machine(output: Path) -> None:
    def edit(lines: list[str]) -> list[str]:
        failed: dict[str, Any] = {
            "objects": [],
            "finish": None,
            "error": {"type": "DocumentTimedOut", "message": "too slow"},
        }
        return [lines[0], json.dumps({**json.loads(lines[1]), **failed}) + "\n", *lines[2:]]

    change(output, edit)
    said = {one.subject: one for one in verify_output(output, lambda _: partial(dict, NUMBER), replay=8)}["replay"]
    assert said.found == (
        "7 documents decoded again, 7 equal; 1 document that took too long or killed a worker left out"
    )
    assert not said.wrong


def test_output_of_a_glob_is_verified_from_any_folder(
    make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("a text", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    job = make_job("letters/*.txt", settings=ALONE, deterministic=True)
    job.run()
    monkeypatch.chdir("/")
    assert not wrong(job.output, replay=1)
