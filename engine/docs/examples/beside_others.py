"""Beside others: which wrong texts the grammars of other tools let through, for ten small schemas.

llama-cpp-python's grammar is read from what it makes of a schema, that of Outlines (if outlines-core is installed) from its
regular expression. A text that is wrong and let through could be decoded; one that is right and refused could not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

from engine import compile_schema, parse_gbnf
from engine.grammar.grammar import Grammar
from engine.masks.matcher import Matcher
from engine.masks.vocabulary import Vocabulary

INTEGERS: Any = {"type": "array", "items": {"type": "integer"}}
# What the schema says, the schema, a right value, a wrong one.
CASES: list[tuple[str, Any, Any, Any]] = [
    ("integer, at least 5", {"type": "integer", "minimum": 5}, 7, 3),
    ("number, at most 1.5", {"type": "number", "maximum": 1.5}, 1.25, 9.75),
    ("multiple of 7", {"type": "integer", "multipleOf": 7}, 21, 20),
    ("pattern and maxLength", {"type": "string", "pattern": "^a+$", "maxLength": 3}, "aaa", "aaaaa"),
    ("a date that exists", {"type": "string", "format": "date"}, "2024-02-29", "2023-02-30"),
    ("e-mail", {"type": "string", "format": "email"}, "a@example.org", "nobody"),
    ("items without repetition", {**INTEGERS, "uniqueItems": True}, [1, 2], [1, 1]),
    ("contains 1", {**INTEGERS, "contains": {"const": 1}}, [1, 2], [2, 3]),
    ("not a word", {"type": "string", "not": {"enum": ["no"]}}, "yes", "no"),
    ("allOf of two bounds", {"allOf": [{"type": "integer", "minimum": 2}, {"maximum": 4}]}, 3, 9),
]
Accepts = Callable[[str], bool]


def accepts(grammar: Grammar) -> Accepts:
    vocabulary = Vocabulary.from_pieces([bytes([byte]) for byte in range(256)])

    def whole(text: str) -> bool:
        matcher = Matcher(grammar, vocabulary)
        for byte in text.encode():
            if not matcher.allows(byte):
                return False
            matcher.accept(byte)
        return matcher.may_end

    return whole


def llama_cpp_python(schema: Any) -> Accepts:
    to_gbnf = import_module("llama_cpp.llama_grammar").json_schema_to_gbnf
    return accepts(parse_gbnf(to_gbnf(json.dumps(schema))))


def outlines(schema: Any) -> Accepts:
    pattern = re.compile(import_module("outlines_core.json_schema").build_regex_from_schema(json.dumps(schema)))
    return lambda text: pattern.fullmatch(text) is not None


def verdict(make: Callable[[Any], Accepts], schema: Any, right: Any, wrong: Any) -> str:
    try:
        is_in = make(schema)
        if is_in(json.dumps(wrong)):
            return "lets it through"
        return "exact" if is_in(json.dumps(right)) else "refuses the right one"
    except ImportError:
        return "not installed"
    except Exception as error:  # each tool has errors of its own
        return f"refused: {type(error).__name__}"


def main() -> None:
    tools: list[Callable[[Any], Accepts]] = [lambda schema: accepts(compile_schema(schema)), llama_cpp_python, outlines]
    print(f"{'':26}{'engine':24}{'llama-cpp-python':24}outlines-core")
    for name, schema, right, wrong in CASES:
        print(f"{name:26}" + "".join(f"{verdict(tool, schema, right, wrong):24}" for tool in tools).rstrip())


if __name__ == "__main__":
    main()
