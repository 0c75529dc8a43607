"""Every constraint that the certificate gives to the grammar holds under llama.cpp's own code, for the printed text alone."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from llama_oracle import LlamaOracle, OracleDied
from lowering.violations import Case, cases
from pydantic import (
    AliasChoices,
    AnyUrl,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyAddress,
    RootModel,
    StringConstraints,
    field_validator,
    model_validator,
)

from engine.errors import EngineError, NotPrintable, UnsupportedSchema
from engine.extraction.compilation import certify, lower_schema, read_schema
from engine.grammar.gbnf_printer import print_gbnf
from engine.lowering.certificate import Certificate, CertificateEntry
from engine.lowering.lowering import Style
from engine.schema import schema as s

Json = Any

SCHEMAS: dict[str, Json] = {
    "lengths": {"type": "string", "minLength": 2, "maxLength": 5},
    "long string": {"type": "string", "minLength": 3, "maxLength": 3000},
    "pattern": {"type": "string", "pattern": "^[a-c]+$", "minLength": 2, "maxLength": 4},
    "searched pattern": {"type": "string", "pattern": "ab", "maxLength": 6},
    "two patterns": {"type": "string", "pattern": "^a", "allOf": [{"pattern": "z$"}], "maxLength": 9},
    "quotes and controls": {"type": "string", "pattern": '^["\\\\\\n\\t\\u0001é€𝄞]{1,3}$'},
    **{
        f"format {name}": {"type": "string", "format": name}
        for name in [
            "date",
            "time",
            "date-time",
            "duration",
            "email",
            "ipv4",
            "ipv6",
            "uri",
            "uri-reference",
            "iri",
            "iri-reference",
            "uri-template",
            "uuid",
            "json-pointer",
            "relative-json-pointer",
            "byte",
            "base64",
            "base64url",
        ]
    },
    "format and length": {"type": "string", "format": "ipv4", "minLength": 9},
    "integer range": {"type": "integer", "minimum": -7, "maximum": 1234},
    "exclusive integers": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10.5},
    "multiples": {"type": "integer", "multipleOf": 7, "minimum": 10, "maximum": 100},
    "number range": {"type": "number", "minimum": -1.25, "maximum": 3},
    "open number range": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    "half range": {"type": "number", "minimum": 1e3},
    "enum": {"enum": ["a", "b", "ab", 1, 2.5, None, [1, "x"], {"k": True}]},
    "const": {"const": 'only\n"this"'},
    "boolean": {"type": "boolean"},
    "types": {"type": ["string", "null", "array"], "maxLength": 3, "items": {"type": "boolean"}},
    "item counts": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 4},
    "many items": {"type": "array", "items": {"const": 1}, "maxItems": 2100},
    "tuple": {"prefixItems": [{"type": "string"}, {"type": "null"}], "type": "array", "items": False, "minItems": 1},
    "tuple and rest": {"type": "array", "prefixItems": [{"enum": ["a", "b"]}], "items": {"type": "number"}},
    "unique": {"type": "array", "items": {"type": "integer"}, "uniqueItems": True, "maxItems": 3},
    "closed": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "c": True},
        "required": ["a", "c"],
        "additionalProperties": False,
    },
    "open": {"type": "object", "properties": {"a": {"type": "string"}, "never": False}, "required": ["a"]},
    "typed others": {
        "type": "object",
        "properties": {"x": {"type": "null"}},
        "additionalProperties": {"type": "integer"},
        "maxProperties": 2,
    },
    "pattern keys": {
        "type": "object",
        "properties": {"id": {"type": "integer"}},
        "patternProperties": {"^n_": {"type": "number", "minimum": 0}, "^s_": {"type": "string"}},
        "additionalProperties": False,
        "minProperties": 2,
        "maxProperties": 3,
    },
    "key names": {"type": "object", "propertyNames": {"pattern": "^[a-z]+$", "minLength": 2}, "minProperties": 1},
    "few of many": {
        "type": "object",
        "properties": {name: {"type": "boolean"} for name in "abcd"},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 2,
    },
    "union": {
        "anyOf": [
            {"type": "object", "properties": {"t": {"const": "n"}, "v": {"type": "number"}}, "required": ["t", "v"]},
            {"type": "object", "properties": {"t": {"const": "s"}, "v": {"type": "string"}}, "required": ["t", "v"]},
            {"type": "integer", "minimum": 3},
        ]
    },
    "dependent": {
        "type": "object",
        "properties": {"card": {"type": "integer"}, "address": {"type": "string"}},
        "dependentRequired": {"card": ["address"]},
        "additionalProperties": False,
    },
    "recursive": {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"value": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}},
                "required": ["value"],
                "additionalProperties": False,
            }
        },
    },
    "siblings of a reference": {
        "$defs": {"name": {"type": "string", "minLength": 1}},
        "type": "array",
        "items": {"$ref": "#/$defs/name", "maxLength": 2},
    },
    "draft 7 tuple": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "array",
        "items": [{"type": "integer"}],
        "additionalItems": {"type": "string"},
    },
    "conditional": {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "n": {"type": "integer"}},
        "required": ["kind"],
        "if": {"properties": {"kind": {"const": "a"}}},
        "then": {"required": ["n"]},
        "additionalProperties": False,
    },
}


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class User(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=30)]
    age: Annotated[int, Field(ge=0, lt=150)]


class Line(BaseModel):
    what: str
    count: Annotated[int, Field(strict=True, gt=0, le=600, multiple_of=6)]
    price: Annotated[Decimal, Field(max_digits=6, decimal_places=2)]


class Invoice(BaseModel):
    number: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}-\d{4}$")]
    issued: date
    lines: Annotated[list[Line], Field(min_length=1, max_length=3)]
    paid: bool = False


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    ratio: Annotated[float, Field(ge=0, le=1)]
    ok: bool


class Extra(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]
    name: str


class Meeting(BaseModel):
    begin: AwareDatetime
    colour: Colour
    where: AnyUrl | None = None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=1, le=9)]


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    address: IPvAnyAddress | None = None


class Tree(BaseModel):
    label: Annotated[str, Field(max_length=4)]
    children: list[Tree] = []


class Scores(RootModel[dict[Annotated[str, Field(max_length=3)], Annotated[int, Field(ge=0)]]]):
    pass


class Pair(BaseModel):
    pair: tuple[int, Annotated[str, Field(min_length=2)]]
    tags: set[Literal["a", "b", "c"]] = set()


class Renamed(BaseModel):
    first: Annotated[int, Field(alias="First Name/é")]
    second: Annotated[str, Field(validation_alias="2nd")] = ""


class Chosen(BaseModel):
    model_config = ConfigDict(populate_by_name=True, extra="allow")
    first: Annotated[int, Field(validation_alias=AliasChoices("one", "two"))]
    second: Annotated[str, Field(alias="2")] = ""


class Checked(BaseModel):
    even: int
    low: date = Field(ge=date(2020, 1, 1))
    high: Annotated[float, Field(gt=0)]
    ids: dict[int, str]

    @field_validator("even")
    @classmethod
    def is_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("odd")
        return value

    @model_validator(mode="after")
    def low_first(self) -> Checked:
        return self


class Anything(BaseModel):
    value: Any
    items: list[Any]


MODELS: tuple[Any, ...] = (
    User,
    Line,
    Invoice,
    Strict,
    Extra,
    Meeting,
    Cat,
    Owner,
    Tree,
    Scores,
    Pair,
    Renamed,
    Chosen,
    Checked,
    Anything,
    list[Annotated[str, Field(pattern="x")]],
    dict[int, bool],
)


@pytest.fixture(scope="module")
def oracle() -> Iterator[LlamaOracle]:
    with LlamaOracle() as made:
        yield made


@dataclass
class Coverage:
    """What was tried, for the report at the end of a module's run."""

    entries: int = 0
    violations: int = 0
    unviolable: int = 0
    left: int = 0

    def __str__(self) -> str:
        return (
            f"{self.entries} entries by the grammar, {self.violations} violations, "
            f"{self.unviolable} that nothing violates, {self.left} without a generator"
        )


def printed(schema: s.Schema, style: Style) -> str:
    return print_gbnf(lower_schema(schema, style), allow_unenforced=True)


def wrongly_judged(found: list[Case], style: Style, oracle: LlamaOracle) -> list[str]:
    """What llama.cpp makes of the cases, where that is not as it should be."""
    wrong: list[str] = []
    texts: dict[tuple[s.Alternative, ...], str] = {}
    for case in found:
        if not case.violations:
            continue
        key = case.alone.vertices[case.alone.root].alternatives
        gbnf = texts.setdefault(key, "") or printed(case.alone, style)
        texts[key] = gbnf
        judged = oracle.accepts(gbnf, [case.valid, *case.violations])
        assert judged is not None, f"llama.cpp refuses the grammar of {case.entry}"
        if not judged[0]:
            wrong.append(f"{case.entry}: {case.valid} is refused")
        accepted = [text for text, yes in zip(case.violations, judged[1:], strict=True) if yes]
        wrong += [f"{case.entry}: {text} is accepted" for text in accepted]
    return wrong


def counted(found: list[Case], coverage: Coverage) -> None:
    coverage.entries += len(found)
    coverage.violations += sum(len(case.violations) for case in found)
    coverage.unviolable += sum(case.unviolable for case in found)
    coverage.left += sum(bool(case.left) and not case.unviolable for case in found)


def unjudged(model: Any, style: Style, oracle: LlamaOracle) -> list[Any]:
    """What is wrong with the entries of a certificate; they exist."""
    found = list(cases(read_schema(model), style))
    return [*(["no entries"] if not found else []), *(case.left for case in found if case.left)] or list(
        wrongly_judged(found, style, oracle)
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_printed_grammar_of_a_schema_alone_rejects_each_violation(name: str, oracle: LlamaOracle) -> None:
    assert unjudged(SCHEMAS[name], "spaced", oracle) == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: getattr(model, "__name__", str(model)))
def test_printed_grammar_of_a_type_alone_rejects_each_violation(model: Any, oracle: LlamaOracle) -> None:
    assert unjudged(model, "compact", oracle) == []


@pytest.mark.parametrize("name", ["lengths", "types", "tuple", "closed", "pattern keys", "few of many", "union"])
def test_printed_grammar_of_every_spelling_alone_rejects_each_violation(name: str, oracle: LlamaOracle) -> None:
    assert unjudged(SCHEMAS[name], "any", oracle) == []


def test_printed_grammar_of_a_type_with_aliases_in_every_spelling_rejects_each_violation(oracle: LlamaOracle) -> None:
    assert unjudged(Chosen, "any", oracle) == []


LOOSENED: dict[str, dict[str, Any]] = {
    "minLength": {"min_length": 0},
    "maxLength": {"max_length": None},
    "pattern": {"patterns": ()},
    "format": {"formats": ()},
    "minimum": {"minimum": Decimal(-5000)},
    "exclusiveMinimum": {"minimum": Decimal(-5000)},
    "maximum": {"maximum": Decimal(5000)},
    "exclusiveMaximum": {"maximum": Decimal(5000)},
    "multipleOf": {"multiples_of": ()},
    "minItems": {"min_items": 0},
    "minProperties": {"min_properties": 0},
    "maxProperties": {"max_properties": None},
}
NARROW = (
    "lengths",
    "pattern",
    "format ipv4",
    "integer range",
    "exclusive integers",
    "multiples",
    "number range",
    "open number range",
    "item counts",
    "pattern keys",
    "few of many",
)


@pytest.mark.parametrize("name", NARROW)
def test_violation_breaks_nothing_but_its_constraint(name: str, oracle: LlamaOracle) -> None:
    """A grammar without the constraint takes the text: so the rejection above is that constraint's doing."""
    schema = read_schema(SCHEMAS[name])
    tried = 0
    for case in cases(schema, "spaced"):
        vertex = case.alone.vertices[case.alone.root]
        changes = LOOSENED.get(case.entry.keyword)
        if changes is None or case.entry.path:
            continue
        loose = replace(vertex.alternatives[0], shape=replace(vertex.alternatives[0].shape, **changes))
        loosened = s.Schema({**case.alone.vertices, case.alone.root: s.Vertex((loose,))}, case.alone.root)
        assert oracle.accepts(printed(loosened, "spaced"), list(case.violations)) == [True] * len(case.violations)
        tried += 1
    assert tried


def test_fixtures_cover_every_keyword_that_a_grammar_can_hold() -> None:
    found = {entry.keyword for schema in SCHEMAS.values() for entry in of(schema) if entry.by == "grammar"}
    assert found == {
        *("type", "const", "enum"),
        *("minLength", "maxLength", "pattern", "format"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("items", "prefixItems", "minItems", "maxItems"),
        *("properties", "required", "additionalProperties", "patternProperties", "propertyNames"),
        *("minProperties", "maxProperties", "key order", "unique keys"),
    }


def test_coverage_of_the_fixtures_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    coverage = Coverage()
    for schema in SCHEMAS.values():
        counted(list(cases(read_schema(schema), "spaced")), coverage)
    for model in MODELS:
        counted(list(cases(read_schema(model), "compact")), coverage)
    with capsys.disabled():
        print(f"\n[certificate of the fixtures: {coverage}]")
    assert coverage.left == coverage.unviolable == 0
    assert coverage.violations >= coverage.entries > 300


DATA = os.environ.get("ENGINE_TEST_DATA", "")


def real_schemas(number: int) -> Iterator[tuple[str, Json]]:
    """Evenly spread over the file, of a size that is quickly printed again for each of its parts."""
    with gzip.open(Path(DATA) / "maskbench-dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [line for line in lines if len(line) < 6000]
    for line in rows[:: len(rows) // number][:number]:
        row = json.loads(line)
        yield row["id"], row["schema"]


@pytest.mark.skipif(not DATA, reason="ENGINE_TEST_DATA names no folder")
def test_printed_grammars_of_real_schemas_alone_reject_each_violation(capsys: pytest.CaptureFixture[str]) -> None:
    coverage, passed_over, left = Coverage(), [], []
    with LlamaOracle() as oracle:
        for name, document in real_schemas(40):
            try:
                found = list(cases(read_schema(document), "spaced"))
                wrong = wrongly_judged(found, "spaced", oracle)
            except (EngineError, OracleDied) as error:
                passed_over.append(f"{name}: {type(error).__name__}: {error}"[:200])
                continue
            counted(found, coverage)
            left += [f"{name}: {case.entry}: {case.left}"[:200] for case in found if case.left]
            assert not wrong, name
    with capsys.disabled():
        print(f"\n[certificate of real schemas: {coverage}; {len(passed_over)} schemas passed over]")
        print("\n".join([*passed_over, *left]))
    assert coverage.violations > 400
    assert coverage.left * 20 < coverage.entries
    assert len(passed_over) < 8


# -- what the certificate says


def of(model: Any, **options: Any) -> tuple[CertificateEntry, ...]:
    return certify(model, **options).entries


def by(found: Certificate | tuple[CertificateEntry, ...], keyword: str) -> set[str]:
    entries = found.entries if isinstance(found, Certificate) else found
    return {entry.by for entry in entries if entry.keyword == keyword}


def lint(model: Any) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for one in certify(model).lints:
        said.setdefault(one.path, []).append(one.text)
    return said


def test_what_no_grammar_can_say_is_a_guard() -> None:
    found = of(
        {
            "type": "object",
            "properties": {
                "look": {"type": "string", "pattern": "^(?!no)"},
                "host": {"type": "string", "format": "hostname"},
                "parts": {"type": "number", "multipleOf": 0.3},
                "set": {"type": "array", "uniqueItems": True, "contains": {"const": 1}, "maxContains": 2},
            },
        }
    )
    for keyword in ("pattern", "format", "multipleOf", "uniqueItems", "contains", "maxContains"):
        assert by(found, keyword) == {"guard"}, keyword
    assert by(found, "unique keys") == {"grammar", "guard"}  # declared ones, additional ones


def test_bounds_hold_in_every_spelling_by_the_grammar_and_multiples_with_an_exponent_by_a_guard() -> None:
    schema = {"type": "integer", "minimum": 3}
    assert by(of(schema), "minimum") == by(of(schema, style="any"), "minimum") == {"grammar"}
    assert by(of({"enum": [1, 2]}, style="any"), "enum") == {"grammar"}
    assert by(of({"type": "integer", "multipleOf": 3}), "multipleOf") == {"grammar"}
    assert by(of({"type": "integer", "multipleOf": 3}, style="any"), "multipleOf") == {"guard"}
    assert by(of({"type": "number", "multipleOf": 0.25, "minimum": 0, "maximum": 99}), "multipleOf") == {"grammar"}
    assert by(of({"type": "number", "multipleOf": 0.25}), "multipleOf") == {"guard"}  # doubles keep 15 digits


def test_validator_is_a_guard_at_its_field() -> None:
    found = certify(Checked)
    assert ("/properties/even", "guard") in {(e.path, e.by) for e in found.entries if "is_even" in e.keyword}
    assert [e for e in found.entries if "low_first" in e.keyword and e.by == "guard"]


def test_certificate_says_what_the_plain_schema_of_a_type_loses() -> None:
    lost = {(entry.path, entry.keyword) for entry in certify(Checked).lost}
    assert {("/properties/low", "ge"), ("/properties/ids", "propertyNames")} <= lost
    assert not [one for one in lost if one[0] == "/properties/high"]  # the plain schema has exclusiveMinimum
    assert ("/properties/begin", "spelling") in {(e.path, e.keyword) for e in certify(Meeting).lost}  # the time zone
    assert ("/properties/issued", "spelling") not in {(e.path, e.keyword) for e in certify(Invoice).lost}
    assert ("/properties/ok", "type") not in {(e.path, e.keyword) for e in certify(Strict).lost}
    assert certify(SCHEMAS["closed"]).lost == ()


def test_annotations_and_allowed_exceptions_are_listed() -> None:
    schema = {"type": "string", "format": "phone", "x-note": 1, "contentMediaType": "text/html"}
    assert by(of(schema), "format") == by(of(schema), "contentMediaType") == {"annotation"}
    remote = {"type": "object", "properties": {"a": {"$ref": "https://example.org/other.json"}}}
    with pytest.raises(UnsupportedSchema):
        certify(remote)
    allowed = certify(remote, allow_unenforced=["/properties/a/$ref"])
    assert CertificateEntry("/properties/a", "$ref", "nothing", "by allow_unenforced") in allowed.entries


def test_free_value_is_listed_at_each_place() -> None:
    found = of({"type": "object", "properties": {"a": True, "b/c": {}, "d": {"type": "array"}}})
    assert {e.path for e in found if e.detail == "any JSON value"} == {
        "/properties/a",
        "/properties/b~1c",
        "/properties/d/items",
    }


def test_certificate_is_plain_json() -> None:
    text = json.dumps(certify(Invoice).as_json())
    assert json.loads(text)["entries"][0]["by"] == "grammar"
    assert set(json.loads(text)) == {"entries", "fields", "costs", "lints", "lost"}


def test_lints_speak_of_strings_without_anchors_and_bounds() -> None:
    assert "not anchored: '☃ab☃'" in lint({"type": "string", "pattern": "ab", "maxLength": 9})[""][0]
    assert "matches every string" in lint({"type": "string", "pattern": ".*", "maxLength": 9})[""][0]
    assert lint({"type": "string", "pattern": "^a{2,9}$"}) == {}
    assert "unbounded string" in lint({"type": "string", "pattern": "^a+$"})[""][0]
    assert lint({"type": "string", "format": "ipv4"}) == {}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "maxLength": 2001},
        {"type": "string", "pattern": "^a{2001}$"},
        {"type": "array", "maxItems": 2001, "items": {"const": 0}},
    ],
)
def test_lints_speak_of_huge_repeats(schema: Json) -> None:
    assert "2,001" in lint(schema)[""][0]
    assert "2,000" not in str(lint(json.loads(json.dumps(schema).replace("2001", "2000"))))


def test_lints_speak_of_union_members_that_nothing_tells_apart() -> None:
    one = {"type": "object", "properties": {"t": {"const": 1}, "a": {"const": 2}}, "required": ["t"]}
    two = {"type": "object", "properties": {"t": {"const": 1}, "b": {"const": 2}}, "required": ["t"]}
    other = two | {"properties": {"t": {"const": 2}}}
    assert "overlapping" in str(lint({"anyOf": [one, two]}))
    assert "overlapping" not in str(lint({"anyOf": [one, other]}))
    assert "overlapping" in str(
        lint({"anyOf": [{"type": "string", "maxLength": 5}, {"type": "string", "minLength": 5}]})
    )
    assert "overlapping" not in str(lint({"anyOf": [{"pattern": "^a$"}, {"pattern": "^b$"}], "type": "string"}))
    assert "overlapping" in str(lint({"anyOf": [{"minimum": 1}, {"maximum": 1}], "type": "integer"}))
    assert "overlapping" not in str(lint(Owner))


def test_lints_speak_of_open_ends_recursion_and_guards_in_items() -> None:
    assert "open object" in lint({"type": "object"})[""][0]
    assert "maxItems" in lint({"type": "array", "items": {"const": 1}})[""][0]
    assert "recursive" in str(lint(Tree))
    checked = {"type": "array", "maxItems": 9, "items": {"type": "string", "pattern": "^(?=a)", "maxLength": 3}}
    assert "guard inside array items" in lint(checked)["/items"][0]
    assert "guard inside array items" not in str(lint(checked["items"]))


def test_lints_speak_of_what_cannot_be_printed() -> None:
    endless = {"type": "object", "properties": {f"k{n}": True for n in range(40)}, "additionalProperties": False}
    with pytest.raises(NotPrintable):
        printed(read_schema(endless), "any")
    assert "cannot be printed" in str(certify(endless, style="any").lints)
    assert "cannot be printed" not in str(certify(endless).lints)


def test_certificate_names_the_keys_of_a_field_that_has_several() -> None:
    said = {style: [e.detail for e in of(Chosen, style=style) if e.keyword == "aliases"] for style in ("spaced", "any")}
    assert said == {
        "spaced": ["one, never two or first", "2, never second"],
        "any": ["one or two or first", "2 or second"],
    }
