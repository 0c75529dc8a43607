"""Regular expressions with intersection and complement, run by their derivatives.

An `Expression` denotes a set of Unicode strings. Build them with the functions here, one module a concept: `node` (an interned
expression), `algebra` (the operations), `dictionary` (finite sets), `residue` (multiples), `json_text` and `base64_text` (texts
inside of texts), `search` (is there any string).
"""

from engine.regular.expression.algebra import (
    ANYTHING,
    EMPTY,
    Both,
    Chars,
    Complement,
    Concat,
    Empty,
    Repeat,
    Union,
    both,
    chars,
    complement,
    concat,
    nonempty,
    optional,
    repeat,
    union,
)
from engine.regular.expression.base64_text import STANDARD, URL_SAFE, base64_text
from engine.regular.expression.dictionary import Words, text, words
from engine.regular.expression.json_text import json_text
from engine.regular.expression.node import LENGTH_LIMIT, NOTHING, Expression, Nothing, Transitions
from engine.regular.expression.residue import Multiple, multiple
from engine.regular.expression.search import STATE_LIMIT, WORK_LIMIT, bounded

__all__ = [
    "ANYTHING",
    "EMPTY",
    "LENGTH_LIMIT",
    "NOTHING",
    "STANDARD",
    "STATE_LIMIT",
    "URL_SAFE",
    "WORK_LIMIT",
    "Both",
    "Chars",
    "Complement",
    "Concat",
    "Empty",
    "Expression",
    "Multiple",
    "Nothing",
    "Repeat",
    "Transitions",
    "Union",
    "Words",
    "base64_text",
    "both",
    "bounded",
    "chars",
    "complement",
    "concat",
    "json_text",
    "multiple",
    "nonempty",
    "optional",
    "repeat",
    "text",
    "union",
    "words",
]
