"""The main theorem on generated schemas: what can be walked is what jsonschema accepts, for texts, masks and models.

Numbers are compared as doubles or as decimals, in the schema and in the text.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from decimal import Decimal, localcontext
from itertools import permutations, product
from pathlib import Path
from typing import Any

import pytest
from byte_walks import accepts
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schema_strategies import documents, values
from vocabularies import FULL, PIECES

from engine import Extractor, ModelSettings
from engine.automaton.automaton import Automaton
from engine.decoding.sampler import Sampling
from engine.errors import DeadEnd, TextsEmptied, TokenRejected, UnsatisfiableSchema
from engine.extraction.compilation import compile_schema
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher

WALKS = Walks(FULL)
STEPS = 60  # tokens; then the walk is closed
EXAMPLES = 1000 if settings().max_examples > 1000 else None  # the thorough profile's


def exactly(text: str) -> Any:
    """A number as it was written; an integer wherever its value is one."""
    value = Decimal(text)
    return int(value) if value == value.to_integral_value() else value


def as_double(text: str) -> Any:
    """A number as most readers have it."""
    value = float(text)
    return int(Decimal(repr(value))) if value.is_integer() else value


def valid(schema: Any, text: str) -> bool:
    """Whether jsonschema accepts a text; a number that no double holds may be read either way."""
    with localcontext(prec=2000):
        exact = json.loads(json.dumps(schema), parse_float=exactly)
        return Draft202012Validator(schema).is_valid(json.loads(text, parse_float=as_double)) or (
            Draft202012Validator(exact).is_valid(json.loads(text, parse_float=exactly))
        )


def orders(value: Any) -> Iterator[Any]:
    """The value with the keys of its objects in every order, and whole numbers with and without a point."""
    if isinstance(value, list):
        yield from map(list, product(*map(list, map(orders, value))))
    elif isinstance(value, dict):
        for keys in permutations(value):
            for members in product(*(list(orders(value[key])) for key in keys)):
                yield dict(zip(keys, members, strict=True))
    elif isinstance(value, int | float) and not isinstance(value, bool) and value == int(value):
        yield from (int(value), float(value))  # a constant is written as the schema has it
    else:
        yield value


def automaton_of(schema: Any, style: Any) -> Automaton | None:
    """None where no value is valid."""
    try:
        return Automaton(compile_schema(schema, style=style))
    except UnsatisfiableSchema:
        return None


@settings(max_examples=EXAMPLES or 40, suppress_health_check=list(HealthCheck))
@given(schema=documents(), instances=st.lists(values(), min_size=8, max_size=16))
def test_just_the_valid_instances_can_be_walked(schema: Any, instances: list[Any]) -> None:
    free, canonical = automaton_of(schema, "any"), automaton_of(schema, "spaced")
    for instance in instances:
        text = json.dumps(instance, ensure_ascii=False)
        expected = valid(schema, text)
        assert (free is not None and accepts(free, text)) == expected, text
        spellings = (json.dumps(one, ensure_ascii=False) for one in orders(instance))
        assert (canonical is not None and any(accepts(canonical, one) for one in spellings)) == expected, text


@settings(max_examples=EXAMPLES or 40, suppress_health_check=list(HealthCheck))
@given(schema=documents(), style=st.sampled_from(["any", "spaced"]), seed=st.integers(0, 1 << 30))
def test_whatever_walk_ends_under_the_masks_ends_in_a_valid_value(schema: Any, style: Any, seed: int) -> None:
    automaton = automaton_of(schema, style)
    assume(automaton is not None)
    assert automaton is not None
    masks = Masks(automaton, WALKS)
    ended = 0
    for turn in range(3):
        matcher = Matcher(masks)
        ended += walk(matcher, random.Random(seed + turn))
        note(f"{matcher.output!r} after {style}")
        if matcher.may_end:
            assert valid(schema, matcher.output.decode()), matcher.output
    TALLY[0] += ended
    TALLY[1] += 3


TALLY = [0, 0]  # walks that ended, walks in all


def test_most_walks_end() -> None:
    if not TALLY[1]:
        pytest.skip("counts what the walks before it came to")
    assert TALLY[0] >= 0.8 * TALLY[1]


def walk(matcher: Matcher, choices: random.Random) -> bool:
    """Choose among the allowed tokens, those that structure a text more often, then close; whether the text is whole."""
    for _ in range(STEPS):
        if matcher.finished:
            return True
        allowed = matcher.mask().nonzero()[0].tolist()
        if not allowed:
            return False  # what is left is for the search, which goes back
        short = [token for token in allowed if token < len(PIECES)]
        matcher.accept(choices.choice(short if short and choices.random() < 0.8 else allowed))
    try:
        for token in matcher.closing() or ():
            matcher.accept(token)
    except TokenRejected:  # a guard refuses the shortest way
        return False
    return matcher.may_end


# For a model of random weights: guards that it cannot but run into, and shapes that it loses itself in.
SCHEMAS: dict[str, Any] = {
    "bounded": {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": -3, "maximum": 12}},
        "required": ["n"],
    },
    "unique": {"type": "array", "items": {"enum": ["a", "b", 1, 2, None]}, "uniqueItems": True, "maxItems": 4},
    "unique or integers": {
        "type": "array",
        "maxItems": 4,
        "anyOf": [{"uniqueItems": True}, {"items": {"type": "integer"}}],
        "items": {"type": ["integer", "string"], "maxLength": 3, "minimum": 0, "maximum": 9},
    },
    "one of": {
        "type": "object",
        "properties": {"a": {"enum": [1, 2]}, "b": {"enum": [1, 2]}},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        "additionalProperties": False,
    },
    "condition": {
        "type": "object",
        "properties": {"kind": {"enum": ["x", "y"]}, "v": {"type": ["integer", "null"], "minimum": 0, "maximum": 99}},
        "required": ["kind", "v"],
        "if": {"properties": {"kind": {"const": "x"}}},
        "then": {"properties": {"v": {"type": "integer", "multipleOf": 7}}},
        "additionalProperties": False,
    },
    "patterns": {"type": "string", "pattern": "^[a-z]{2,4}-[0-9]+$", "maxLength": 9, "not": {"pattern": "0"}},
    "keys": {
        "type": "object",
        "propertyNames": {"pattern": "^[ab]+$", "maxLength": 2},
        "additionalProperties": {"type": "boolean"},
        "minProperties": 1,
        "maxProperties": 3,
    },
    "recursive": {
        "type": "object",
        "properties": {
            "v": {"type": "boolean"},
            "c": {"type": "array", "items": {"$ref": "#"}, "maxItems": 2, "uniqueItems": True},
        },
        "required": ["v"],
        "additionalProperties": False,
    },
    "contains": {
        "type": "array",
        "items": {"enum": [1, 2, 3]},
        "contains": {"const": 2},
        "maxContains": 2,
        "maxItems": 5,
    },
    "formats": {"type": "object", "properties": {"d": {"type": "string", "format": "date"}}, "required": ["d"]},
    "numbers": {"type": "number", "exclusiveMinimum": -1, "maximum": 4},
    "unevaluated": {
        "type": "object",
        "properties": {"a": {"type": "boolean"}},
        "anyOf": [{"properties": {"b": {"const": 1}}, "required": ["b"]}, {"required": ["a"]}],
        "unevaluatedProperties": False,
    },
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_whatever_a_hot_random_model_writes_is_accepted_by_jsonschema(name: str, bpe_path: Path) -> None:
    extractor = Extractor(SCHEMAS[name], model=bpe_path, mode="one", settings=ModelSettings(n_ctx=2048, threads=1))
    sampling = Sampling(temperature=1.5, seed=3)
    run = extractor.extract(["a text"] * 8, max_tokens=120, sampling=sampling, errors="collect")
    found = list(run.detailed())
    for result in found:
        assert valid(SCHEMAS[name], result.text), result.text
    assert all(isinstance(error, DeadEnd | TextsEmptied) for error in run.errors.values()), run.errors
    assert len(found) + len(run.errors) == 8
    assert found, "not one text was completed"
