"""Algebra: the regular operations, with intersection and complement, as nodes and as the functions that build them.

The functions keep the invariants: no EMPTY_SET inside another expression, unions and intersections flat and sorted, repeats of
non-nullable bodies only. Nothing is built that no input visits: intersection, complement and counted repeats need no
construction of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TypeGuard

from engine.errors import GrammarTooComplex
from engine.regular import charset
from engine.regular.charset import CharSet
from engine.regular.expression.node import EMPTY_SET, LENGTH_LIMIT, Expression, intern, lasting, serial_of
from engine.regular.partition import refine

_GUESSED = 1000  # characters


class CharClass(Expression):
    """One character of a set."""

    __slots__ = ("members",)

    def __init__(self, members: CharSet) -> None:
        super().__init__(False, True)
        self.members = members

    def _partition(self) -> tuple[CharSet, ...]:
        rest = charset.invert(self.members)
        return (self.members, rest) if rest else (self.members,)

    def _derivative(self, code_point: int) -> Expression:
        return EMPTY_STRING if charset.contains(self.members, code_point) else EMPTY_SET

    def _short(self) -> str:
        return chr(charset.example(self.members))

    def _measure(self) -> int:
        return 1


class EmptyString(Expression):
    """The empty string only."""

    __slots__ = ()

    def _partition(self) -> tuple[CharSet, ...]:
        return (charset.ANY,)

    def _derivative(self, code_point: int) -> Expression:
        return EMPTY_SET


class Concat(Expression):
    """`head` then `tail`; `head` is not a Concat itself."""

    __slots__ = ("head", "tail")

    def __init__(self, head: Expression, tail: Expression) -> None:
        weight = head.weight + (tail.weight if head.nullable else 0)
        super().__init__(head.nullable and tail.nullable, head.plain and tail.plain, weight)
        self.head, self.tail = head, tail

    def _partition(self) -> tuple[CharSet, ...]:
        if self.head.nullable:
            return refine(self.head.classes, self.tail.classes)
        return self.head.classes

    def _derivative(self, code_point: int) -> Expression:
        after = concat(self.head.derive(code_point), self.tail)
        return union(after, self.tail.derive(code_point)) if self.head.nullable else after

    def _short(self) -> str:
        _refuse_long(self.least)
        node: Expression = self
        pieces = []
        while isinstance(node, Concat):
            pieces.append(node.head.shortest)
            node = node.tail
        return "".join(pieces) + node.shortest

    def _estimate(self) -> int:
        node: Expression = self
        length = 0
        while isinstance(node, Concat):
            length += node.head.needed
            node = node.tail
        return length + node.needed

    def _measure(self) -> int:
        node: Expression = self
        length = 0
        while isinstance(node, Concat):
            length += node.head.least
            node = node.tail
        return length + node.least


class Repetition(Expression):
    """`body` from `low` to `high` times (None: without end); `body` is not nullable."""

    __slots__ = ("body", "high", "low")

    def __init__(self, body: Expression, low: int, high: int | None) -> None:
        super().__init__(low == 0, body.plain, body.weight)
        self.body, self.low, self.high = body, low, high

    def _partition(self) -> tuple[CharSet, ...]:
        return self.body.classes

    def _derivative(self, code_point: int) -> Expression:
        after = self.body.derive(code_point)
        if after is EMPTY_SET:
            return EMPTY_SET
        return concat(after, repeat(self.body, max(0, self.low - 1), None if self.high is None else self.high - 1))

    def _short(self) -> str:
        _refuse_long(self.least)
        return self.body.shortest * self.low

    def _estimate(self) -> int:
        return self.body.needed * self.low

    def _measure(self) -> int:
        return self.body.least * self.low


class Union(Expression):
    """At least one of `options`."""

    __slots__ = ("options",)

    def __init__(self, options: tuple[Expression, ...]) -> None:
        weight = sum(o.weight for o in options)
        super().__init__(any(o.nullable for o in options), all(o.plain for o in options), weight)
        self.options = options

    def _partition(self) -> tuple[CharSet, ...]:
        return _refine_all(self.options)

    def _derivative(self, code_point: int) -> Expression:
        return union(*(o.derive(code_point) for o in self.options))

    def _short(self) -> str:
        return min(option.shortest for option in self.options if option.alive and option.least == self.least)

    def _estimate(self) -> int:
        return min(option.needed for option in self.options)

    def _measure(self) -> int:
        return min(option.least for option in self.options if option.alive)


class Intersection(Expression):
    """All of `parts` at once."""

    __slots__ = ("_cap", "parts")

    def __init__(self, parts: tuple[Expression, ...]) -> None:
        super().__init__(all(p.nullable for p in parts), False, sum(p.weight for p in parts))
        self.parts = parts
        # The part that says no more than a greatest length.
        self._cap = next((part for part in parts if _is_cap(part)), None)

    @property
    def home(self) -> dict[tuple[object, ...], Expression] | None:
        return next((part.home for part in self.parts if part.home is not None), None)

    def _partition(self) -> tuple[CharSet, ...]:
        return _refine_all(self.parts)

    def _derivative(self, code_point: int) -> Expression:
        return intersection(*(p.derive(code_point) for p in self.parts))

    def _short(self) -> str:
        uncapped = self._uncapped
        return super()._short() if uncapped is None else uncapped.shortest

    def _measure(self) -> int:
        uncapped = self._uncapped
        return super()._measure() if uncapped is None else uncapped.least

    def _estimate(self) -> int:
        return max(part.needed for part in self.parts)

    @property
    def _uncapped(self) -> Expression | None:
        """The other parts, where their short string is within what one part says of the length."""
        if self._cap is None:
            return None
        rest = intersection(*(part for part in self.parts if part is not self._cap))
        return rest if self._cap.high is not None and rest.least <= self._cap.high else None

    @property
    def _is_one_capped(self) -> bool:
        """Whether this is a plain part and a greatest length."""
        return self._cap is not None and len(self.parts) == 2 and all(part.plain for part in self.parts)

    @property
    def direct(self) -> bool:
        return self.nullable or (self._is_one_capped and not self.seen_dead)

    @property
    def seen_dead(self) -> bool:
        return self._is_one_capped and self._uncapped is None

    @property
    def guess(self) -> str:
        """What each part needs, one after the other: several texts that must be contained often may be so."""
        plain = [part for part in self.parts if part.plain and part.least]
        if sum(part.least for part in plain) > _GUESSED:
            return ""
        return "".join(sorted((part.shortest for part in plain), key=_by_length))  # what has begun comes first


class Complement(Expression):
    """Every string that is not in `body`."""

    __slots__ = ("body",)

    def __init__(self, body: Expression) -> None:
        super().__init__(not body.nullable, False, body.weight)
        self.body = body

    def _partition(self) -> tuple[CharSet, ...]:
        return self.body.classes

    def _derivative(self, code_point: int) -> Expression:
        return complement(self.body.derive(code_point))


def _is_cap(part: Expression) -> TypeGuard[Repetition]:
    return isinstance(part, Repetition) and part.body is _ANY_CHARACTER and not part.low and part.high is not None


def _refuse_long(length: int) -> None:
    if length > LENGTH_LIMIT:
        raise GrammarTooComplex("the shortest text of a counted repeat", LENGTH_LIMIT, "characters")


def _by_length(text: str) -> tuple[int, str]:
    return len(text), text


def _refine_all(parts: Iterable[Expression]) -> tuple[CharSet, ...]:
    classes: tuple[CharSet, ...] = (charset.ANY,)
    for part in parts:
        classes = refine(classes, part.classes)
    return classes


EMPTY_STRING: Expression = EmptyString(True, True)


def char_class(members: CharSet) -> Expression:
    """One character of the set."""
    return intern((CharClass, members), lambda: CharClass(members)) if members else EMPTY_SET


def concat(*parts: Expression) -> Expression:
    """A string of each part, one after another."""
    result = EMPTY_STRING
    for part in reversed(parts):
        result = _concat(part, result)
    return result


def _concat(head: Expression, tail: Expression) -> Expression:
    if head is EMPTY_SET or tail is EMPTY_SET:
        return EMPTY_SET
    if head is EMPTY_STRING:
        return tail
    if tail is EMPTY_STRING:
        return head
    heads: list[Expression] = []
    while isinstance(head, Concat):
        heads.append(head.head)
        head = head.tail
    result = intern((Concat, head, tail), lambda: Concat(head, tail))
    for front in reversed(heads):
        result = intern((Concat, front, result), partial(Concat, front, result))
    return result


def union(*parts: Expression) -> Expression:
    """The strings of any part."""
    flat: set[Expression] = set()
    single = charset.NONE
    for part in parts:
        for option in part.options if isinstance(part, Union) else (part,):
            if option is ALL_STRINGS:
                return ALL_STRINGS
            if isinstance(option, CharClass):
                single = charset.unite(single, option.members)
            elif option is not EMPTY_SET:
                flat.add(option)
    if single:
        flat.add(char_class(single))
    if EMPTY_STRING in flat and any(o.nullable for o in flat if o is not EMPTY_STRING):
        flat.discard(EMPTY_STRING)
    if len(flat) < 2:
        return flat.pop() if flat else EMPTY_SET
    options = tuple(sorted(flat, key=serial_of))
    return intern((Union, options), lambda: Union(options))


def intersection(*parts: Expression) -> Expression:
    """The strings that are in every part."""
    flat: set[Expression] = set()
    for part in parts:
        flat.update(part.parts if isinstance(part, Intersection) else (part,))
    flat.discard(ALL_STRINGS)
    if EMPTY_SET in flat:
        return EMPTY_SET
    if EMPTY_STRING in flat:
        return EMPTY_STRING if all(p.nullable for p in flat) else EMPTY_SET
    if len(flat) > 1:
        flat = _merge_repeats(flat)
    if len(flat) < 2:
        return flat.pop() if flat else ALL_STRINGS
    if EMPTY_SET in flat:
        return EMPTY_SET
    members = tuple(sorted(flat, key=serial_of))
    home = next((part.home for part in members if part.home is not None), None)
    return intern((Intersection, members), lambda: Intersection(members), home)


def _merge_repeats(parts: set[Expression]) -> set[Expression]:
    """Counted repeats of single characters intersect into one: `[a-z]{2,} ∧ .{0,9}` is `[a-z]{2,9}`."""
    counted = [p for p in parts if _as_counted(p) is not None]
    if len(counted) < 2:
        return parts
    members, low, high = charset.ANY, 0, None
    for part in counted:
        counts = _as_counted(part)
        assert counts is not None
        members = charset.intersect(members, counts[0])
        low = max(low, counts[1])
        high = counts[2] if high is None else high if counts[2] is None else min(high, counts[2])
    return (parts - set(counted)) | {repeat(char_class(members), low, high)}


def _as_counted(node: Expression) -> tuple[CharSet, int, int | None] | None:
    if isinstance(node, Repetition) and isinstance(node.body, CharClass):
        return node.body.members, node.low, node.high
    return (node.members, 1, 1) if isinstance(node, CharClass) else None


def complement(body: Expression) -> Expression:
    """All other strings."""
    if body is EMPTY_SET:
        return ALL_STRINGS
    if body is ALL_STRINGS:
        return EMPTY_SET
    if isinstance(body, Complement):
        return body.body
    return intern((Complement, body), lambda: Complement(body))


def repeat(body: Expression, low: int, high: int | None) -> Expression:
    """`body` from `low` to `high` times; `high < low` is EMPTY_SET."""
    if high is not None and high < low:
        return EMPTY_SET
    if high == 0 or body is EMPTY_STRING:
        return EMPTY_STRING
    if body is EMPTY_SET:
        return EMPTY_STRING if low == 0 else EMPTY_SET
    if (low, high) == (1, 1):
        return body
    if body.nullable:
        low, body = 0, nonempty(body)
        if body is EMPTY_SET:
            return EMPTY_STRING
        if high == 1:
            return union(EMPTY_STRING, body)
    if isinstance(body, Repetition) and body.high is None and body.low <= 1 and high is None:
        return repeat(body.body, 0 if low == 0 else body.low * low, None)
    return intern((Repetition, body, low, high), lambda: Repetition(body, low, high))


def optional(body: Expression) -> Expression:
    """The strings of `body` and the empty one."""
    return union(EMPTY_STRING, body)


def nonempty(node: Expression) -> Expression:
    """The language without the empty string."""
    if not node.nullable:
        return node
    if isinstance(node, Union):
        return union(*(nonempty(o) for o in node.options))
    if isinstance(node, Concat):
        return union(concat(nonempty(node.head), node.tail), nonempty(node.tail))
    if isinstance(node, Repetition):
        return repeat(node.body, 1, node.high)
    if node is EMPTY_STRING:
        return EMPTY_SET
    return intersection(node, repeat(char_class(charset.ANY), 1, None))


_ANY_CHARACTER = lasting((CharClass, charset.ANY), lambda: CharClass(charset.ANY))
ALL_STRINGS: Expression = lasting((Repetition, _ANY_CHARACTER, 0, None), lambda: Repetition(_ANY_CHARACTER, 0, None))
