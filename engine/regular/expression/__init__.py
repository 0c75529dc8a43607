"""Regular expressions with intersection and complement, run by their derivatives.

An `Expression` denotes a set of Unicode strings. Build them with the functions here, one module a concept: `node` (an interned
expression), `algebra` (the operations), `dictionary` (finite sets), `residue` (multiples), `search` (is there any string).
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
from engine.regular.expression.dictionary import Words, text, words
from engine.regular.expression.node import LENGTH_LIMIT, NOTHING, Expression, Nothing, Transitions
from engine.regular.expression.residue import Multiple, multiple
from engine.regular.expression.search import STATE_LIMIT, WORK_LIMIT, bounded

__all__ = [
    "ANYTHING",
    "EMPTY",
    "LENGTH_LIMIT",
    "NOTHING",
    "STATE_LIMIT",
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
    "both",
    "bounded",
    "chars",
    "complement",
    "concat",
    "multiple",
    "nonempty",
    "optional",
    "repeat",
    "text",
    "union",
    "words",
]
