"""Regular expressions with intersection and complement, run by their derivatives.

An `Expression` denotes a set of Unicode strings. Its derivative by a character c is the expression of the remainders of
its strings that begin with c (Brzozowski 1964). Expressions are interned, so equal ones are the same object and states of
a lazily built automaton are the expressions themselves: nothing is built that no input visits, and intersection,
complement and counted repeats need no construction of their own. Characters that no expression tells apart are handled
as one class (Owens, Reppy and Turon 2009).

Build expressions with the functions at the end; they keep the invariants: no NOTHING inside another expression, unions and
intersections flat and sorted, repeats of non-nullable bodies only.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import ClassVar

from engine.errors import GrammarTooComplex
from engine.regular import charset
from engine.regular.charset import CharSet
from engine.regular.partition import refine

STATE_LIMIT = 20_000
LENGTH_LIMIT = 1 << 20
_INTERN_LIMIT = 1 << 20

_serial = count()
_interned: dict[tuple[object, ...], Expression] = {}

Transitions = tuple[tuple[CharSet, "Expression"], ...]


class Expression:
    """One interned expression. `nullable`: the empty string is in. `plain`: no intersection or complement inside."""

    __slots__ = ("_alive", "_classes", "_derived", "_least", "_shortest", "_transitions", "nullable", "plain", "serial")

    nullable: bool
    plain: bool

    def __init__(self, nullable: bool, plain: bool) -> None:
        self.nullable, self.plain = nullable, plain
        self.serial = next(_serial)
        self._alive: bool | None = None
        self._classes: tuple[CharSet, ...] | None = None
        self._transitions: Transitions | None = None
        self._derived: dict[int, Expression] = {}
        self._shortest: str | None = None
        self._least: int | None = None

    def _partition(self) -> tuple[CharSet, ...]:
        """Disjoint sets that cover all characters, each with one derivative."""
        raise NotImplementedError

    def _derivative(self, code_point: int) -> Expression:
        raise NotImplementedError

    def derive(self, code_point: int) -> Expression:
        """The expression of what may follow `code_point`; may be dead without being NOTHING."""
        found = self._derived.get(code_point)
        if found is None:
            found = self._derived[code_point] = self._derivative(code_point)
        return found

    def _shortest_plain(self) -> str:
        raise NotImplementedError

    def _measure(self) -> int:
        return len(self.shortest)

    @property
    def least(self) -> int:
        """The length of `shortest`, which need not be written out for it."""
        if self._least is None:
            self._least = 0 if self.nullable else self._measure()
        return self._least

    @property
    def classes(self) -> tuple[CharSet, ...]:
        if self._classes is None:
            self._classes = self._partition()
        return self._classes

    @property
    def transitions(self) -> Transitions:
        """The live successors, one entry each, with the characters that lead there."""
        if self._transitions is None:
            found: dict[Expression, CharSet] = {}
            for members in self.classes:
                target = self.derive(members[0][0])
                if target is not NOTHING and target.alive:
                    found[target] = charset.union(found.get(target, charset.NONE), members)
            self._transitions = tuple((members, target) for target, members in found.items())
        return self._transitions

    @property
    def alive(self) -> bool:
        """Whether any string is in the language."""
        if self._alive is None:
            self._alive = self is not NOTHING if self.plain else _search(self)
        return self._alive

    @property
    def shortest(self) -> str:
        """A short string of the language (it must be alive), written with plain letters where there is a choice."""
        if self._shortest is None:
            if self.nullable:
                self._shortest = ""
            elif self.plain:
                self._shortest = self._shortest_plain()
            else:
                _search(self)
        assert self._shortest is not None
        return self._shortest

    def step(self, code_point: int) -> Expression:
        """The live successor by one character, or NOTHING."""
        for members, target in self.transitions:
            if charset.contains(members, code_point):
                return target
        return NOTHING

    def matches(self, text: str) -> bool:
        """Whether the whole `text` is in the language."""
        state = self
        for character in text:
            state = state.derive(ord(character))
            if state is NOTHING:
                return False
        return state.nullable


class Chars(Expression):
    """One character of a set."""

    __slots__ = ("members",)

    def __init__(self, members: CharSet) -> None:
        super().__init__(False, True)
        self.members = members

    def _partition(self) -> tuple[CharSet, ...]:
        rest = charset.complement(self.members)
        return (self.members, rest) if rest else (self.members,)

    def _derivative(self, code_point: int) -> Expression:
        return EMPTY if charset.contains(self.members, code_point) else NOTHING

    def _shortest_plain(self) -> str:
        return chr(charset.example(self.members))


class Empty(Expression):
    """The empty string only."""

    __slots__ = ()

    def _partition(self) -> tuple[CharSet, ...]:
        return (charset.ANY,)

    def _derivative(self, code_point: int) -> Expression:
        return NOTHING


class Nothing(Empty):
    """No string at all."""

    __slots__ = ()


class Concat(Expression):
    """`head` then `tail`; `head` is not a Concat itself."""

    __slots__ = ("head", "tail")

    def __init__(self, head: Expression, tail: Expression) -> None:
        super().__init__(head.nullable and tail.nullable, head.plain and tail.plain)
        self.head, self.tail = head, tail

    def _partition(self) -> tuple[CharSet, ...]:
        if self.head.nullable:
            return refine(self.head.classes, self.tail.classes)
        return self.head.classes

    def _derivative(self, code_point: int) -> Expression:
        after = concat(self.head.derive(code_point), self.tail)
        return union(after, self.tail.derive(code_point)) if self.head.nullable else after

    def _shortest_plain(self) -> str:
        node: Expression = self
        pieces = []
        while isinstance(node, Concat):
            pieces.append(node.head.shortest)
            node = node.tail
        return "".join(pieces) + node.shortest

    def _measure(self) -> int:
        node: Expression = self
        length = 0
        while isinstance(node, Concat):
            length += node.head.least
            node = node.tail
        return length + node.least


class Repeat(Expression):
    """`body` from `low` to `high` times (None: without end); `body` is not nullable."""

    __slots__ = ("body", "high", "low")

    def __init__(self, body: Expression, low: int, high: int | None) -> None:
        super().__init__(low == 0, body.plain)
        self.body, self.low, self.high = body, low, high

    def _partition(self) -> tuple[CharSet, ...]:
        return self.body.classes

    def _derivative(self, code_point: int) -> Expression:
        after = self.body.derive(code_point)
        if after is NOTHING:
            return NOTHING
        return concat(after, repeat(self.body, max(0, self.low - 1), None if self.high is None else self.high - 1))

    def _shortest_plain(self) -> str:
        if self.least > LENGTH_LIMIT:
            raise GrammarTooComplex("the shortest text of a counted repeat", LENGTH_LIMIT, "characters")
        return self.body.shortest * self.low

    def _measure(self) -> int:
        return self.body.least * self.low


class Union(Expression):
    """At least one of `options`."""

    __slots__ = ("options",)

    def __init__(self, options: tuple[Expression, ...]) -> None:
        super().__init__(any(o.nullable for o in options), all(o.plain for o in options))
        self.options = options

    def _partition(self) -> tuple[CharSet, ...]:
        return _refine_all(self.options)

    def _derivative(self, code_point: int) -> Expression:
        return union(*(o.derive(code_point) for o in self.options))

    def _shortest_plain(self) -> str:
        return min(self.options, key=lambda option: option.least).shortest

    def _measure(self) -> int:
        if not self.plain:
            return len(self.shortest)  # an option may be dead
        return min(option.least for option in self.options)


class Both(Expression):
    """All of `parts` at once."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Expression, ...]) -> None:
        super().__init__(all(p.nullable for p in parts), False)
        self.parts = parts

    def _partition(self) -> tuple[CharSet, ...]:
        return _refine_all(self.parts)

    def _derivative(self, code_point: int) -> Expression:
        return both(*(p.derive(code_point) for p in self.parts))

    @property
    def capped(self) -> tuple[Expression, int] | None:
        """The plain part and the greatest length, where the only other part says no more than that length."""
        if len(self.parts) == 2:
            for cap, other in (self.parts, self.parts[::-1]):
                if isinstance(cap, Repeat) and cap.body is _ANY_CHARACTER and not cap.low and other.plain:
                    return None if cap.high is None else (other, cap.high)
        return None


class Complement(Expression):
    """Every string that is not in `body`."""

    __slots__ = ("body",)

    def __init__(self, body: Expression) -> None:
        super().__init__(not body.nullable, False)
        self.body = body

    def _partition(self) -> tuple[CharSet, ...]:
        return self.body.classes

    def _derivative(self, code_point: int) -> Expression:
        return complement(self.body.derive(code_point))


class Words(Expression):
    """The remainders, from `offset` on, of `table[low:high]`: sorted distinct strings that share their first `offset`
    characters, but for those whose indices are in `gone`. A dictionary of any size is one node; a step is a bisection.
    Where the word that was read must be known in the end (`labelled`), a single word stays such a node too."""

    __slots__ = ("gone", "high", "labelled", "low", "offset", "table")

    def __init__(
        self, table: tuple[str, ...], low: int, high: int, offset: int, gone: tuple[int, ...], labelled: bool
    ) -> None:
        super().__init__(len(table[low]) == offset and low not in gone, True)
        self.table, self.low, self.high, self.offset = table, low, high, offset
        self.gone, self.labelled = gone, labelled

    @property
    def word(self) -> str:
        """The word that ends here; only where `nullable`."""
        return self.table[self.low]

    @property
    def _first(self) -> int:
        """The first word that goes on."""
        return self.low + (len(self.table[self.low]) == self.offset)

    def _end(self, low: int, code_point: int) -> int:
        """The first index from `low` on whose character is beyond `code_point`."""
        return bisect_right(self.table, code_point, low, self.high, key=lambda word: ord(word[self.offset]))

    def _partition(self) -> tuple[CharSet, ...]:
        firsts = []
        low = self._first
        while low < self.high:
            firsts.append(ord(self.table[low][self.offset]))
            low = self._end(low, firsts[-1])
        rest = charset.complement(charset.normalise((c, c) for c in firsts))
        return (*(((c, c),) for c in firsts), *((rest,) if rest else ()))

    def _derivative(self, code_point: int) -> Expression:
        begin = self._end(self._first, code_point - 1)
        end = self._end(begin, code_point)
        return _words(self.table, begin, end, self.offset + 1, self.gone, self.labelled)

    def without(self, words: Iterable[str]) -> Expression:
        """The same dictionary without some of its words; what it has in common with others is shared."""
        lost = {bisect_left(self.table, word, self.low, self.high) for word in words}
        return _words(self.table, self.low, self.high, self.offset, tuple(sorted(lost | set(self.gone))), self.labelled)

    def _shortest_plain(self) -> str:
        left = [i for i in range(self.low, self.high) if i not in self.gone]
        return min((self.table[i] for i in left), key=len)[self.offset :]


class Multiple(Expression):
    """Decimal digits whose value, appended to a number with remainder `remainder`, is a multiple of `modulus`."""

    __slots__ = ("modulus", "remainder", "started")

    DIGITS: ClassVar[tuple[CharSet, ...]] = tuple(((48 + d, 48 + d),) for d in range(10))

    def __init__(self, modulus: int, remainder: int, started: bool) -> None:
        super().__init__(started and remainder == 0, False)
        self.modulus, self.remainder, self.started = modulus, remainder, started

    def _partition(self) -> tuple[CharSet, ...]:
        return (*self.DIGITS, charset.complement(((48, 57),)))

    def _derivative(self, code_point: int) -> Expression:
        if not 48 <= code_point <= 57:
            return NOTHING
        return multiple(self.modulus, (self.remainder * 10 + code_point - 48) % self.modulus, started=True)


def _refine_all(parts: Iterable[Expression]) -> tuple[CharSet, ...]:
    classes: tuple[CharSet, ...] = (charset.ANY,)
    for part in parts:
        classes = refine(classes, part.classes)
    return classes


def _search(start: Expression) -> bool:
    """The nearest expression with a known or empty shortest string, best first (A*, by what each part alone still needs).

    On success every expression on the way learns that it is alive and a short string of its own; without success all that were
    visited are dead.
    """
    before: dict[Expression, tuple[Expression, int] | None] = {start: None}
    queue = [(_needed(start), 0, start.serial, start)]  # needed in all, characters so far (negative: the deepest first)
    while queue:
        _, depth, _, node = heappop(queue)
        if isinstance(node, Both) and (capped := node.capped) is not None:
            if capped[0].least > capped[1]:
                continue
            node._shortest = capped[0].shortest
        if node.nullable or node._shortest is not None or (node.plain and node is not NOTHING):
            _record_path(node, before)
            return True
        for members in node.classes:
            target = node.derive(members[0][0])
            if target not in before and target is not NOTHING and target._alive is not False:
                before[target] = (node, charset.example(members))
                heappush(queue, (1 - depth + _needed(target), depth - 1, target.serial, target))
        if len(before) > STATE_LIMIT:
            raise GrammarTooComplex("an intersection of string constraints", STATE_LIMIT)
    for node in before:
        node._alive = False
    return False


def _needed(node: Expression) -> int:
    """How many characters must still come, at least."""
    if node._shortest is not None or (node.plain and node is not NOTHING):
        return node.least
    if isinstance(node, Both):
        return max(_needed(part) for part in node.parts)
    return 0 if node.nullable else 1


def _record_path(end: Expression, before: dict[Expression, tuple[Expression, int] | None]) -> None:
    node, text = end, end.shortest
    end._alive = True
    while (step := before[node]) is not None:
        node, code_point = step
        text = chr(code_point) + text
        node._shortest, node._alive = text, True


def _intern(key: tuple[object, ...], make: Callable[[], Expression]) -> Expression:
    found = _interned.get(key)
    if found is None:
        if len(_interned) > _INTERN_LIMIT:
            _interned.clear()  # only sharing is lost: expressions in use live on
        found = _interned[key] = make()
    return found


NOTHING: Expression = Nothing(False, True)
EMPTY: Expression = Empty(True, True)


def chars(members: CharSet) -> Expression:
    return _intern((Chars, members), lambda: Chars(members)) if members else NOTHING


def text(value: str) -> Expression:
    """Exactly this string."""
    return concat(*(chars(((ord(c), ord(c)),)) for c in value))


def concat(*parts: Expression) -> Expression:
    result = EMPTY
    for part in reversed(parts):
        result = _concat(part, result)
    return result


def _concat(head: Expression, tail: Expression) -> Expression:
    if head is NOTHING or tail is NOTHING:
        return NOTHING
    if head is EMPTY:
        return tail
    if tail is EMPTY:
        return head
    heads: list[Expression] = []
    while isinstance(head, Concat):
        heads.append(head.head)
        head = head.tail
    result = _intern((Concat, head, tail), lambda: Concat(head, tail))
    for front in reversed(heads):
        result = _intern((Concat, front, result), partial(Concat, front, result))
    return result


def union(*parts: Expression) -> Expression:
    flat: set[Expression] = set()
    single = charset.NONE
    for part in parts:
        for option in part.options if isinstance(part, Union) else (part,):
            if option is ANYTHING:
                return ANYTHING
            if isinstance(option, Chars):
                single = charset.union(single, option.members)
            elif option is not NOTHING:
                flat.add(option)
    if single:
        flat.add(chars(single))
    if EMPTY in flat and any(o.nullable for o in flat if o is not EMPTY):
        flat.discard(EMPTY)
    if len(flat) < 2:
        return flat.pop() if flat else NOTHING
    options = tuple(sorted(flat, key=_serial_of))
    return _intern((Union, options), lambda: Union(options))


def both(*parts: Expression) -> Expression:
    flat: set[Expression] = set()
    for part in parts:
        flat.update(part.parts if isinstance(part, Both) else (part,))
    flat.discard(ANYTHING)
    if NOTHING in flat:
        return NOTHING
    if EMPTY in flat:
        return EMPTY if all(p.nullable for p in flat) else NOTHING
    if len(flat) > 1:
        flat = _merge_repeats(flat)
    if len(flat) < 2:
        return flat.pop() if flat else ANYTHING
    if NOTHING in flat:
        return NOTHING
    members = tuple(sorted(flat, key=_serial_of))
    return _intern((Both, members), lambda: Both(members))


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
    return (parts - set(counted)) | {repeat(chars(members), low, high)}


def _as_counted(node: Expression) -> tuple[CharSet, int, int | None] | None:
    if isinstance(node, Repeat) and isinstance(node.body, Chars):
        return node.body.members, node.low, node.high
    return (node.members, 1, 1) if isinstance(node, Chars) else None


def complement(body: Expression) -> Expression:
    if body is NOTHING:
        return ANYTHING
    if body is ANYTHING:
        return NOTHING
    if isinstance(body, Complement):
        return body.body
    return _intern((Complement, body), lambda: Complement(body))


def repeat(body: Expression, low: int, high: int | None) -> Expression:
    """`body` from `low` to `high` times; `high < low` is NOTHING."""
    if high is not None and high < low:
        return NOTHING
    if high == 0 or body is EMPTY:
        return EMPTY
    if body is NOTHING:
        return EMPTY if low == 0 else NOTHING
    if (low, high) == (1, 1):
        return body
    if body.nullable:
        low, body = 0, nonempty(body)
        if body is NOTHING:
            return EMPTY
        if high == 1:
            return union(EMPTY, body)
    if isinstance(body, Repeat) and body.high is None and body.low <= 1 and high is None:
        return repeat(body.body, 0 if low == 0 else body.low * low, None)
    return _intern((Repeat, body, low, high), lambda: Repeat(body, low, high))


def optional(body: Expression) -> Expression:
    return union(EMPTY, body)


def nonempty(node: Expression) -> Expression:
    """The language without the empty string."""
    if not node.nullable:
        return node
    if isinstance(node, Union):
        return union(*(nonempty(o) for o in node.options))
    if isinstance(node, Concat):
        return union(concat(nonempty(node.head), node.tail), nonempty(node.tail))
    if isinstance(node, Repeat):
        return repeat(node.body, 1, node.high)
    if node is EMPTY:
        return NOTHING
    return both(node, repeat(chars(charset.ANY), 1, None))


def words(values: Iterable[str], *, labelled: bool = False) -> Expression:
    """Exactly these strings."""
    table = tuple(sorted(set(values)))
    return _words(table, 0, len(table), 0, (), labelled)


def _words(
    table: tuple[str, ...], low: int, high: int, offset: int, gone: tuple[int, ...], labelled: bool
) -> Expression:
    gone = gone[bisect_left(gone, low) : bisect_left(gone, high)]
    if len(gone) == high - low:
        return NOTHING
    if high - low == 1 and not labelled:
        return text(table[low][offset:])
    key = (Words, id(table), low, high, offset, gone, labelled)
    return _intern(key, lambda: Words(table, low, high, offset, gone, labelled))


def multiple(modulus: int, remainder: int = 0, *, started: bool = False) -> Expression:
    """Non-empty runs of digits whose value is a multiple of `modulus`; state count is `modulus` + 1."""
    return _intern((Multiple, modulus, remainder, started), lambda: Multiple(modulus, remainder, started))


def _serial_of(node: Expression) -> int:
    return node.serial


_ANY_CHARACTER = chars(charset.ANY)
ANYTHING: Expression = Repeat(_ANY_CHARACTER, 0, None)
_interned[Repeat, _ANY_CHARACTER, 0, None] = ANYTHING
