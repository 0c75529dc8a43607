"""Constraint grammar: the grammar of what a request allows."""

from __future__ import annotations

import json
from typing import Any

from engine.errors import UsageError
from engine.extraction.compilation import compile_schema
from engine.grammar import grammar as g
from engine.grammar.gbnf_parser import parse_gbnf
from engine.grammar.grammar import Grammar
from engine.server.messages import (
    AnswerConstraint,
    AnyJsonObject,
    FreeText,
    GbnfConstraint,
    SchemaConstraint,
    ToolConstraint,
)

_ANY_TEXT = r"root ::= [^\x00]*"
_NO_OBJECT = r"free-text ::= ([^{\x00] [^\x00]*)?"


def grammar_of(constraint: AnswerConstraint) -> Grammar:
    """The grammar of a constraint; the errors of compilation where there is none."""
    match constraint:
        case FreeText():
            return parse_gbnf(_ANY_TEXT)
        case AnyJsonObject():
            return compile_schema({"type": "object"})
        case SchemaConstraint(schema):
            return compile_schema(json_schema(schema))
        case GbnfConstraint(gbnf):
            return parse_gbnf(gbnf)
        case ToolConstraint(tools, optional):
            return _tool_grammar(tools, optional)


def json_schema(text: str) -> Any:
    """A JSON Schema from its text."""
    schema = json.loads(text)
    if not isinstance(schema, dict | bool):
        raise UsageError("a JSON Schema is an object")
    return schema


def tool_schema(tools: tuple[tuple[str, str], ...]) -> Any:
    """The JSON Schema of a call of one of the tools."""
    calls: list[dict[str, Any]] = []
    for index, (name, arguments) in enumerate(tools):
        place = f"#/anyOf/{index}/properties/arguments"
        properties = {"name": {"const": name}, "arguments": _moved(json_schema(arguments), place)}
        calls.append({"type": "object", "properties": properties, "required": list(properties)})
        calls[-1]["additionalProperties"] = False
    return {"anyOf": calls}


def _moved(node: Any, place: str) -> Any:
    """A schema whose references to its own root lead to where it stands now."""
    if isinstance(node, list):
        return [_moved(one, place) for one in node]
    if not isinstance(node, dict):
        return node
    moved = {key: _moved(value, place) for key, value in node.items() if key != "$schema"}
    reference = node.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        moved["$ref"] = place + reference[1:]
    return moved


def _tool_grammar(tools: tuple[tuple[str, str], ...], optional: bool) -> Grammar:
    calls = compile_schema(tool_schema(tools))
    if not optional:
        return calls
    text = parse_gbnf(f"root ::= free-text\n{_NO_OBJECT}")
    either = g.Choice((g.RuleRef(calls.root), text.rules["free-text"]))
    return Grammar({**calls.rules, "call-or-text": either}, "call-or-text", calls.depth, calls.schema_paths)
