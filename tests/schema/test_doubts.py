"""What is legal in a schema and hardly meant so."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import SchemaWarning
from engine.extraction.compilation import compile_schema
from engine.schema.doubts import doubts

TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "path", "said"),
    [
        ({"type": "object", "requierd": ["a"]}, "/requierd", "did you mean 'required'?"),
        ({"type": "object", "propertes": {"a": TEXT}}, "/propertes", "did you mean 'properties'?"),
        ({"min_length": 3}, "/min_length", "did you mean 'minLength'?"),
        ({"additional_properties": False}, "/additional_properties", "did you mean 'additionalProperties'?"),
        ({"Type": "string"}, "/Type", "did you mean 'type'?"),
        ({"properties": {"a": {"maxlenght": 3}}}, "/properties/a/maxlenght", "did you mean 'maxLength'?"),
        ({"anyOf": [{"patern": "a"}]}, "/anyOf/0/patern", "did you mean 'pattern'?"),
        ({"$defs": {"a": {"enums": [1]}}}, "/$defs/a/enums", "did you mean 'enum'?"),
        ({"type": "object", "properties": {}, "age": {"type": "integer"}}, "/age", "in properties, at /properties/age"),
        ({"type": "object", "name": {"$ref": "#/$defs/n"}, "$defs": {"n": TEXT}}, "/name", "at /properties/name"),
        ({"type": "string", "nullable": True}, "/nullable", 'write "null" into type'),
        ({"choices": ["a"]}, "/choices", "the keyword is enum"),
    ],
)
def test_a_keyword_that_is_none(schema: Any, path: str, said: str) -> None:
    (doubt,) = doubts(schema)
    assert doubt.path == path
    assert said in doubt.text
    with pytest.warns(SchemaWarning, match=path.replace("$", "\\$")):
        compile_schema(schema)


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:a", "title": "t", "type": "string"},
        {"x-requierd": 1, "example": 1, "discriminator": {"propertyName": "kind"}, "note": "n", "source": "s"},
        {"type": "object", "properties": {"requierd": TEXT, "age": TEXT, "Type": TEXT}},
        {"enum": [{"requierd": 1}], "const": {"requierd": 1}, "default": {"requierd": 1}},
        {"pattern": r"^[\w.-]+\s\d{1,3}\\A\\z(?:a|b)\b[A-Z]$"},
    ],
)
def test_what_is_meant_is_no_doubt(schema: Any) -> None:
    assert doubts(schema) == ()


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"\Aabc", "'\\A' is the letter A; write ^"),
        (r"abc\Z", "'\\Z' is the letter Z; write $"),
        (r"abc\z", "'\\z' is the letter z; write $"),
        (r"\h+", "write [0-9a-fA-F]"),
        (r"a\Rb", "write (?:\\r\\n|\\n|\\r)"),
        (r"\x{e9}", "write \\u00e9"),
        ("[[:alpha:]]+", "write the ranges"),
        ("[a-z&&[^aeiou]]", "not combined"),
        ("a{,3}", "write {0,3}"),
    ],
)
def test_what_ecmascript_reads_otherwise(pattern: str, said: str) -> None:
    found = doubts({"properties": {"a": {"pattern": pattern}}})
    assert [doubt.path for doubt in found] == ["/properties/a/pattern"]
    assert said in found[0].text
    assert len(doubts({"patternProperties": {pattern: TEXT}})) == 1
