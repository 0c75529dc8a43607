"""Formats against the official suite, Python's own readers, Pydantic, and the packages that jsonschema checks with."""

from __future__ import annotations

import base64
import gzip
import ipaddress
import json
import os
import re
import uuid
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from format_oracle import ORACLES
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import FormatChecker
from named_texts import named
from pydantic import UUID1, UUID3, UUID4, UUID5, UUID6, UUID7, UUID8, TypeAdapter, ValidationError

from engine.formats.formats import FORMATS, INEXACT, conforms, format_language
from engine.regular.expression import Expression

NOT_REGULAR = {"regex", "idn-email", "idn-hostname", "unknown"}
REGULAR = sorted(FORMATS.keys() - NOT_REGULAR)
PYDANTIC = {
    "spelled date": date,
    "spelled time any": time,
    "spelled date-time any": datetime,
    "spelled duration": timedelta,
}


def language(name: str) -> Expression:
    """Of a format, or "spelled …": of a type's spelling."""
    kind, _, spelling = name.partition(" ")
    found = named(spelling).language() if kind == "spelled" else format_language(name)
    assert found is not None
    return found


def walks(name: str) -> st.SearchStrategy[str]:
    """Texts of a format, drawn by walking its states; long ones are closed the short way."""

    @st.composite
    def walk(draw: st.DrawFn) -> str:
        text, state = "", language(name)
        for _ in range(draw(st.integers(0, 60))):
            if not state.transitions:
                break
            members, state = draw(st.sampled_from(state.transitions))
            low, high = draw(st.sampled_from(members))
            text += chr(draw(st.one_of(st.sampled_from([low, high]), st.integers(low, high))))
        return text + state.shortest

    return walk()


def mutants(name: str, alphabet: str) -> st.SearchStrategy[str]:
    """Texts of a format with one character changed, added or left out."""

    def change(parts: tuple[str, int, str, int]) -> str:
        text, where, character, removed = parts
        where %= len(text) + 1
        return text[:where] + character + text[where + removed :]

    character = st.sampled_from(["", *alphabet])
    return st.tuples(walks(name), st.integers(0, 100), character, st.integers(0, 1)).map(change)


def official_cases() -> list[tuple[str, str, bool]]:
    """Format, string and verdict, from the suite's files on formats."""
    folder = os.environ.get("ENGINE_TEST_DATA", "")
    cases = []
    for path in sorted(Path(folder).glob("json-schema-test-suite-*.jsonl.gz")) if folder else []:
        for line in gzip.decompress(path.read_bytes()).splitlines():
            group = json.loads(line)
            schema = group["schema"]
            if group["file"].startswith("optional/format/") and isinstance(schema, dict) and "format" in schema:
                texts = [test for test in group["tests"] if isinstance(test["data"], str)]
                cases += [(schema["format"], test["data"], test["valid"]) for test in texts]
    return cases


@pytest.mark.skipif(not os.environ.get("ENGINE_TEST_DATA"), reason="ENGINE_TEST_DATA names no folder")
def test_the_official_suite_agrees() -> None:
    cases = official_cases()
    assert len(cases) > 500
    wrong = []
    for name, text, valid in cases:
        found = format_language(name)
        if found is None:
            assert name in NOT_REGULAR
        elif found.matches(text) != valid and not (name in INEXACT and "xn--" in text.lower() and not valid):
            wrong.append((name, text, valid))
    assert wrong == []


def test_unknown_formats_have_no_language() -> None:
    for name in [*NOT_REGULAR, "", "color", "Date"]:
        assert format_language(name) is None


@pytest.mark.parametrize("name", REGULAR)
def test_every_format_has_a_text_and_is_kept(name: str) -> None:
    assert language(name).matches(language(name).shortest)
    assert language(name) is language(name)
    assert not language(name).matches(language(name).shortest + "\n") or "pointer" in name


@pytest.mark.parametrize("name", REGULAR)
@settings(max_examples=50)
@given(data=st.data())
def test_every_format_is_what_regular_expressions_of_others_say(name: str, data: st.DataObject) -> None:
    alphabet = "".join(sorted({*"09aAzZ-.:/~=+#{}[]@%T\u00e9\ue000 "}))
    text = data.draw(st.one_of(walks(name), mutants(name, alphabet)))
    if not (name in INEXACT and "--" in text):
        assert conforms(name, text) == ORACLES[name](text)


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("idn-hostname", ["b\u00fccher.example", "a.b", "xn--bcher-kva"], ["", "a..b", "xn--x", "-a", "\u302ea"]),
        (
            "idn-email",
            ["\u00e9@b\u00fccher.example", "a@[127.0.0.1]"],
            ["a", "a@", "a@b..c", "a@[127.0.0.256]", "a b@c"],
        ),
        ("hostname", ["xn--bcher-kva.example", "a-b.c"], ["xn--x", "ab--c"]),
        ("regex", ["^a$", "(?=a)b", "(?<=a*)b", "\\p{L}"], ["(", "a{2,1}", "(?P<a>b)", "\\a"]),
    ],
)
def test_what_no_language_says_is_checked(name: str, inside: list[str], outside: list[str]) -> None:
    assert [text for text in inside if not conforms(name, text)] == []
    assert [text for text in outside if conforms(name, text)] == []


@given(st.one_of(walks("date"), mutants("date", "0129-"), st.dates().map(str)))
def test_dates_are_those_of_the_calendar(text: str) -> None:
    try:
        valid = bool(re.fullmatch("[0-9-]{10}", text)) and str(date.fromisoformat(text)) == text
    except ValueError:
        valid = False
    assert language("date").matches(text) == valid


@given(st.one_of(walks("date-time"), mutants("date-time", "0269:-+.TtZz")))
def test_date_times_without_leap_seconds_are_read_by_python(text: str) -> None:
    shape = r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)"
    leap = text[17:19] == "60"
    try:
        read = datetime.fromisoformat((text[:17] + "59" + text[19:] if leap else text).upper())
        valid = bool(re.fullmatch(shape, text, re.ASCII)) and int(text[11:13]) < 24
    except ValueError:
        valid = False
    if valid and leap:
        offset = read.utcoffset() or timedelta()
        minute = timedelta(hours=read.hour, minutes=read.minute) - offset
        valid = minute % timedelta(days=1) == timedelta(hours=23, minutes=59)
    assert language("date-time").matches(text) == valid
    if text[10:11] in ("T", "t") and language("date").matches(text[:10]):
        assert language("time").matches(text[11:]) == valid


@given(st.one_of(st.ip_addresses(v=6).map(str), walks("ipv6"), mutants("ipv6", "0f1g:."), walks("ipv4")))
def test_ipv6_addresses_are_those_of_ipaddress(text: str) -> None:
    try:
        ipaddress.IPv6Address(text)
        valid = True
    except ValueError:
        valid = False
    assert language("ipv6").matches(text) == valid


@given(st.one_of(st.ip_addresses(v=4).map(str), walks("ipv4"), mutants("ipv4", "0259.")))
def test_ipv4_addresses_are_those_of_ipaddress(text: str) -> None:
    try:
        valid = str(ipaddress.IPv4Address(text)) == text
    except ValueError:
        valid = False
    assert language("ipv4").matches(text) == valid


@given(st.one_of(st.uuids().map(str), walks("uuid"), mutants("uuid", "0fG-")))
def test_uuids_are_hyphenated_hexadecimal(text: str) -> None:
    try:
        valid = str(uuid.UUID(text)) == text.lower()
    except ValueError:
        valid = False
    assert language("uuid").matches(text) == valid


VERSIONS = {1: UUID1, 3: UUID3, 4: UUID4, 5: UUID5, 6: UUID6, 7: UUID7, 8: UUID8}


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=30)
@given(text=st.one_of(st.uuids().map(str), walks("uuid"), walks("spelled uuid 4"), walks("spelled uuid 7")))
def test_versions_of_uuids_are_those_of_pydantic(version: int, text: str) -> None:
    adapter = TypeAdapter(VERSIONS[version])
    for candidate in (text, f"{text[:14]}{version}{text[15:]}"):
        try:
            adapter.validate_python(candidate)
            valid = True
        except ValidationError:
            valid = False
        assert language(f"spelled uuid {version}").matches(candidate) == valid


@pytest.mark.parametrize("name", ["byte", "base64", "base64url"])
@given(content=st.binary(max_size=20), spoilt=st.text(st.sampled_from("AQgwEIMU=+/-_ \n"), max_size=9))
def test_base_64_is_written_in_one_way(name: str, content: bytes, spoilt: str) -> None:
    url = name == "base64url"
    alphabet = b"-_" if url else b"+/"
    written = base64.b64encode(content, alphabet).decode()
    assert language(name).matches(written)
    assert language(name).matches(written.rstrip("=")) == (url or not written.endswith("="))
    try:
        padded = spoilt + "=" * (-len(spoilt) % 4) if url and not spoilt.endswith("=") else spoilt
        valid = base64.b64encode(base64.b64decode(padded, alphabet, validate=True), alphabet).decode() == padded
    except ValueError:
        valid = False
    assert language(name).matches(spoilt) == valid


@pytest.mark.parametrize("name", PYDANTIC)
@given(data=st.data())
def test_pydantic_reads_all_of_its_own_spellings(name: str, data: st.DataObject) -> None:
    text = data.draw(walks(name))
    adapter: TypeAdapter[object] = TypeAdapter(PYDANTIC[name])
    assert isinstance(adapter.validate_json(json.dumps(text), strict=True), PYDANTIC[name])


@pytest.mark.parametrize("name", PYDANTIC)
@given(data=st.data())
def test_every_value_has_one_of_pydantic_s_spellings(name: str, data: st.DataObject) -> None:
    value = data.draw(st.from_type(PYDANTIC[name]))
    adapter: TypeAdapter[object] = TypeAdapter(PYDANTIC[name])
    assert value is not None
    assert language(name).matches(spelled(value, adapter))


def spelled(value: object, adapter: TypeAdapter[object]) -> str:
    """A timedelta without the years and months that Pydantic itself would write."""
    if not isinstance(value, timedelta):
        text = json.loads(adapter.dump_json(value))
        assert isinstance(text, str)
        return text
    size = abs(value)
    text = f"{'-' if value < timedelta() else ''}P{size.days}D"
    if size.seconds or size.microseconds:
        minutes, seconds = divmod(size.seconds, 60)
        text += f"T{minutes // 60}H{minutes % 60}M{seconds}.{size.microseconds:06}S"
    assert adapter.validate_python(text) == value
    return text


@pytest.mark.parametrize(
    "text", ["P1Y", "PT", "P", "P1M", "P1DT", "p1d", "P1000000000D", "-P999999999DT1S", "PT24H", "PT60M"]
)
def test_durations_that_are_not_spelled_for_pydantic(text: str) -> None:
    assert not language("spelled duration").matches(text)


def test_the_ends_of_timedelta_are_spelled() -> None:
    for value in (timedelta.min, timedelta.max):
        assert language("spelled duration").matches(spelled(value, TypeAdapter(timedelta)))


CHECKED = ["duration", "hostname", "json-pointer", "uri", "uri-reference", "iri"]


@pytest.mark.parametrize("name", CHECKED)
@given(data=st.data())
def test_what_jsonschema_checks_with(name: str, data: st.DataObject) -> None:
    """Every text that our language holds passes the checker, if the package that it needs is here."""
    checker = FormatChecker()
    if name not in checker.checkers:
        pytest.skip(f"jsonschema has no checker for {name} here")
    text = data.draw(walks(name))
    assume("[v" not in text.lower())  # rfc3987 refuses some future kinds of address that RFC 3986 allows
    assert checker.conforms(text, name)


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("hostname", ["a." * 126 + "a", "a" * 63, "r3---sn.example"], ["a." * 126 + "ab", "a" * 64, "a_b", "a.-b"]),
        (
            "email",
            ["a@" + "a" * 63, "A.b+c@d", '"a\\"b"@c', "a@[iPv6:1::]"],
            ["a@" + "a" * 64, "a@b.", "a@[::1]", '"a"b@c'],
        ),
        ("time", ["00:00:00.0Z", "23:59:60.5z", "00:59:60+01:00"], ["00:00:00", "24:00:00Z", "00:00:60Z", "00:00Z"]),
        ("date-time", ["2020-02-29t00:00:00Z"], ["0000-01-01T00:00:00Z", "2020-01-01 00:00:00Z"]),
        ("relative-json-pointer", ["0", "10#", "1/a~0"], ["00", "#", "1#/a"]),
        ("iri-reference", ["ä?\ue000", ""], ["\ue000", "#\ue000", "\ufffe"]),
        ("uri-template", ["{?a,b*}", "\ue000"], ["{a", "}", '"', "{a b}"]),
    ],
)
def test_the_edges_of_a_format(name: str, inside: list[str], outside: list[str]) -> None:
    assert [text for text in inside if not language(name).matches(text)] == []
    assert [text for text in outside if language(name).matches(text)] == []
