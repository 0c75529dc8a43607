"""Strategies: small JSON Schemas that combine many keywords, and values that are likely to touch them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = ("a", "b", "c", "ab")
SCALARS: tuple[Any, ...] = (None, True, False, 0, 1, 2, 3, -1, 1.5, 2.0, 6, "", "a", "b", "ab", "abc", "é")
PATTERNS = ("^a", "b$", "^[ab]+$", "c", "^.?$")


def values() -> st.SearchStrategy[Any]:
    """JSON values of few names and scalars."""
    return st.recursive(
        st.sampled_from(SCALARS),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
        max_leaves=6,
    )


def schemas(*, references: bool = True) -> st.SearchStrategy[Any]:
    """Schemas of draft 2020-12; references go to two definitions that every root has."""
    leaves: list[st.SearchStrategy[Any]] = [st.booleans(), _keywords(st.just(True), simple=True)]
    if references:
        leaves.append(st.sampled_from([{"$ref": "#/$defs/x"}, {"$ref": "#/$defs/y"}]))
    return st.recursive(st.one_of(leaves), lambda inner: _keywords(inner, simple=False), max_leaves=8)


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """A root with definitions `x` and `y`, which do not refer to each other in place."""
    root = draw(schemas())
    if isinstance(root, bool):
        root = {"not": not root}
    return root | {"$defs": {"x": draw(schemas(references=False)), "y": draw(schemas(references=False))}}


def _keywords(inner: st.SearchStrategy[Any], *, simple: bool) -> st.SearchStrategy[Any]:
    small = st.integers(0, 3)
    kinds = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
    scalars = st.lists(st.sampled_from(SCALARS), min_size=1, max_size=4)
    names = st.lists(st.sampled_from(NAMES), max_size=2, unique=True)
    plain: dict[str, st.SearchStrategy[Any]] = {
        "type": kinds | st.lists(kinds, min_size=1, max_size=3, unique=True),
        "enum": scalars,
        "const": st.sampled_from(SCALARS),
        "minLength": small,
        "maxLength": small,
        "pattern": st.sampled_from(PATTERNS),
        "minimum": st.sampled_from([-1, 0, 1.5, 2]),
        "maximum": st.sampled_from([0, 1, 2.5]),
        "exclusiveMinimum": st.sampled_from([0, 1]),
        "exclusiveMaximum": st.sampled_from([2, 3]),
        "multipleOf": st.sampled_from([1, 2, 0.5, 3]),
        "minItems": small,
        "maxItems": small,
        "uniqueItems": st.booleans(),
        "required": names,
        "minProperties": small,
        "maxProperties": small,
        "dependentRequired": st.dictionaries(st.sampled_from(NAMES), names, max_size=2),
    }
    subs = st.lists(inner, min_size=1, max_size=3)
    applying: dict[str, st.SearchStrategy[Any]] = {
        "properties": st.dictionaries(st.sampled_from(NAMES), inner, max_size=2),
        "patternProperties": st.dictionaries(st.sampled_from(PATTERNS), inner, max_size=2),
        "additionalProperties": inner,
        "propertyNames": inner,
        "items": inner,
        "prefixItems": subs,
        "contains": inner,
        "minContains": small,
        "maxContains": small,
        "allOf": subs,
        "anyOf": subs,
        "oneOf": subs,
        "not": inner,
        "if": inner,
        "then": inner,
        "else": inner,
        "dependentSchemas": st.dictionaries(st.sampled_from(NAMES), inner, max_size=2),
        "unevaluatedProperties": inner,
        "unevaluatedItems": inner,
    }
    pool = plain if simple else plain | applying
    chosen = st.lists(st.sampled_from(sorted(pool)), min_size=1, max_size=4, unique=True)
    return chosen.flatmap(lambda keys: st.fixed_dictionaries({key: pool[key] for key in keys}))
