"""Regular expressions with intersection and complement, run by their derivatives.

An `Expression` denotes a set of Unicode strings. Build them with the functions here, one module a concept: `node` (an
interned expression), `algebra` (the operations), `finite_set` (finite sets), `divisibility` (multiples), `json_text`
and `base64_text` (texts inside of texts), `shortest_string` (is there any string).
"""

from engine.regular.expression.algebra import (
    ALL_STRINGS,
    EMPTY_STRING,
    CharClass,
    Complement,
    Concat,
    EmptyString,
    Intersection,
    Repetition,
    Union,
    char_class,
    complement,
    concat,
    intersection,
    nonempty,
    optional,
    repeat,
    union,
)
from engine.regular.expression.base64_text import STANDARD, URL_SAFE, base64_text
from engine.regular.expression.divisibility import Multiple, multiple
from engine.regular.expression.finite_set import FiniteSet, finite_set, text
from engine.regular.expression.json_text import json_text
from engine.regular.expression.node import EMPTY_SET, LENGTH_LIMIT, EmptySet, Expression, Transitions
from engine.regular.expression.shortest_string import SEARCH_STATE_LIMIT, WORK_LIMIT, bounded

__all__ = [
    "ALL_STRINGS",
    "EMPTY_SET",
    "EMPTY_STRING",
    "LENGTH_LIMIT",
    "SEARCH_STATE_LIMIT",
    "STANDARD",
    "URL_SAFE",
    "WORK_LIMIT",
    "CharClass",
    "Complement",
    "Concat",
    "EmptySet",
    "EmptyString",
    "Expression",
    "FiniteSet",
    "Intersection",
    "Multiple",
    "Repetition",
    "Transitions",
    "Union",
    "base64_text",
    "bounded",
    "char_class",
    "complement",
    "concat",
    "finite_set",
    "intersection",
    "json_text",
    "multiple",
    "nonempty",
    "optional",
    "repeat",
    "text",
    "union",
]
