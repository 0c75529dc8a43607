"""Prefixes: what the members of a language may begin with, where that is simpler than the language; and its short members."""

from __future__ import annotations

from engine.regular import charset
from engine.regular.expression import (
    ALL_STRINGS,
    SEARCH_STATE_LIMIT,
    CharClass,
    Complement,
    Concat,
    EmptyString,
    Expression,
    FiniteSet,
    Intersection,
    Repetition,
    Union,
    intersection,
    repeat,
)


def widened(node: Expression) -> tuple[Expression, int | None] | None:
    """A language `wide` and a number `most` that say what members of `node` may begin with, None if that is not seen at once.

    A text begins a member of `node` if and only if it begins a member of `wide` and the shortest such member has at most
    `most` characters (None: any number). Many languages share one `wide`: those that differ by a length or by a few words.
    """
    match node:
        case Complement(body=body) if _is_finite(body):
            return ALL_STRINGS, None
        case Repetition(body=CharClass(), low=low, high=high) if low or high is not None:
            return repeat(node.body, 0, None), high
        case Intersection(parts=parts):
            if all(isinstance(part, Complement) and _is_finite(part.body) for part in parts):
                return ALL_STRINGS, None
            for part in parts:
                if (
                    isinstance(part, Repetition)
                    and isinstance(part.body, CharClass)
                    and part.body.members == charset.ANY
                    and not part.low
                ):
                    return intersection(*(p for p in parts if p is not part)), part.high
    return None


def _is_finite(node: Expression) -> bool:
    match node:
        case FiniteSet() | CharClass() | EmptyString():
            return True
        case Concat():
            while isinstance(node, Concat):
                if not _is_finite(node.head):
                    return False
                node = node.tail
            return _is_finite(node)
        case Union(options=options):
            return all(_is_finite(option) for option in options)
        case Repetition(body=body, high=high):
            return high is not None and _is_finite(body)
    return False


def shortest_texts(node: Expression, number: int) -> list[str]:
    """The `number` shortest strings of the language (fewer if it has fewer), with one example a character class."""
    found: list[str] = []
    queue: list[tuple[str, Expression]] = [("", node)]
    for text_so_far, state in queue:
        if len(found) >= number:
            break
        if state.nullable:
            found.append(text_so_far)
        for members, target in state.transitions:
            low, high = next((r for r in members if r[1] > 32), members[0])
            examples = {charset.example(members), *range(max(low, 97), min(high, 122) + 1)}
            queue += ((text_so_far + chr(c), target) for c in sorted(examples))
        if len(queue) > SEARCH_STATE_LIMIT:
            break
    return found[:number]
