"""Node: one interned expression and what follows from its derivatives.

A node's derivative by a character c is the expression of the remainders of its strings that begin with c (Brzozowski 1964).
Characters that no expression tells apart are handled as one class (Owens, Reppy and Turon 2009). Nodes are interned, so equal
ones are the same object and a lazily built automaton's states are the nodes themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from engine.regular import charset
from engine.regular.charset import CharSet
from engine.regular.expression.shortest_string import is_alive, shortest

LENGTH_LIMIT = 1 << 20
_INTERN_LIMIT = 1 << 17
_KEPT_LENGTH = 4096  # characters; longer texts are written anew each time

_serial = count()
_interned: dict[tuple[object, ...], Expression] = {}
_lasting: dict[tuple[object, ...], Expression] = {}

Transitions = tuple[tuple[CharSet, "Expression"], ...]


class Expression:
    """One interned expression. `nullable`: the empty string is in. `plain`: no intersection or complement inside, so
    that it is alive unless it is EMPTY_SET. `weight`: how many nodes a derivative looks at.
    """

    __slots__ = (
        "_alive",
        "_classes",
        "_derived",
        "_least",
        "_needed",
        "_shortest",
        "_transitions",
        "nullable",
        "plain",
        "serial",
        "weight",
    )

    nullable: bool
    plain: bool

    @property
    def home(self) -> dict[tuple[object, ...], Expression] | None:
        """Where what is made of it is interned, if it belongs to one document and nothing else may keep it."""
        return None

    @property
    def local(self) -> bool:
        """Whether it belongs to one document."""
        return self.home is not None

    def __init__(self, nullable: bool, plain: bool, weight: int = 1) -> None:
        self.nullable, self.plain, self.weight = nullable, plain, weight
        self.serial = next(_serial)
        self._alive: bool | None = None
        self._classes: tuple[CharSet, ...] | None = None
        self._transitions: Transitions | None = None
        self._derived: dict[int, Expression] = {}
        self._shortest: str | None = None
        self._least: int | None = None
        self._needed: int | None = None

    def _partition(self) -> tuple[CharSet, ...]:
        """Disjoint sets that cover all characters, each with one derivative."""
        raise NotImplementedError

    def _derivative(self, code_point: int) -> Expression:
        raise NotImplementedError

    def derive(self, code_point: int) -> Expression:
        """The expression of what may follow `code_point`; may be dead without being EMPTY_SET."""
        found = self._derived.get(code_point)
        if found is None:
            found = self._derived[code_point] = self._derivative(code_point)
        return found

    @property
    def classes(self) -> tuple[CharSet, ...]:
        if self._classes is None:
            self._classes = self._partition()
        return self._classes

    @property
    def transitions(self) -> Transitions:
        """The live successors, one entry each, with the characters that lead there, in the order of these."""
        if self._transitions is None:
            found: dict[Expression, CharSet] = {}
            for members in self.classes:
                target = self.derive(members[0][0])
                if target is not EMPTY_SET and target.alive:
                    found[target] = charset.unite(found.get(target, charset.NONE), members)
            self._transitions = tuple(sorted(((m, target) for target, m in found.items()), key=_characters))
        return self._transitions

    @property
    def alive(self) -> bool:
        """Whether any string is in the language."""
        if self._alive is None:
            self._alive = self is not EMPTY_SET if self.plain else is_alive(self)
        return self._alive

    @property
    def is_dead(self) -> bool:
        """Whether it is known that no string is in the language."""
        return self is EMPTY_SET or self._alive is False

    @property
    def known_alive(self) -> bool:
        """Whether it is known that there is a string."""
        return self._alive is True or self.direct

    def note_alive(self, alive: bool) -> None:
        """Note whether there is a string."""
        self._alive = alive

    # -- short strings of the language, which depend on nothing that happened before

    def _short(self) -> str:
        return shortest(self)

    def _measure(self) -> int:
        return len(self.shortest)

    @property
    def least(self) -> int:
        """The length of `shortest`, which need not be written out for it."""
        if self._least is None:
            self._least = 0 if self.nullable else self._measure()
        return self._least

    @property
    def shortest(self) -> str:
        """A short string of the language (it must be alive), written with plain letters where there is a choice."""
        if self.nullable:
            return ""
        if self._shortest is not None:
            return self._shortest
        text = self._short()
        if len(text) <= _KEPT_LENGTH:
            self._shortest = text
        return text

    @property
    def direct(self) -> bool:
        """Whether a short string is found without a search."""
        return self.nullable or (self.plain and self is not EMPTY_SET)

    @property
    def needed(self) -> int:
        """How many characters must still come, at least, as far as that is seen without a search."""
        if self._needed is None:
            self._needed = self.least if self.direct else max(1, self._estimate())
        return self._needed

    def _estimate(self) -> int:
        return 1

    @property
    def seen_dead(self) -> bool:
        """Whether it is seen without a search that there is no string."""
        return False

    @property
    def guess(self) -> str:
        """A text that might be in the language."""
        return ""

    def step(self, code_point: int) -> Expression:
        """The live successor by one character, or EMPTY_SET."""
        for members, target in self.transitions:
            if charset.contains(members, code_point):
                return target
        return EMPTY_SET

    def matches(self, text: str) -> bool:
        """Whether the whole `text` is in the language."""
        state = self
        for character in text:
            state = state.derive(ord(character))
            if state is EMPTY_SET:
                return False
        return state.nullable


class EmptySet(Expression):
    """No string at all."""

    __slots__ = ()

    @property
    def seen_dead(self) -> bool:
        return True

    def _partition(self) -> tuple[CharSet, ...]:
        return (charset.ANY,)

    def _derivative(self, code_point: int) -> Expression:
        return self


EMPTY_SET: Expression = EmptySet(False, True)


def intern(
    key: tuple[object, ...],
    make: Callable[[], Expression],
    home: dict[tuple[object, ...], Expression] | None = None,
) -> Expression:
    """The node of this key, made on first use; in `home` where it belongs to one document."""
    if home is not None:
        if key not in home:
            home[key] = make()
        return home[key]
    found = _interned.get(key)
    if found is None:
        if len(_interned) > _INTERN_LIMIT:
            _interned.clear()  # only sharing is lost: expressions in use live on
            _interned.update(_lasting)
        found = _interned[key] = make()
    return found


def lasting(key: tuple[object, ...], make: Callable[[], Expression]) -> Expression:
    """The same; one that is compared with by identity, and therefore never made anew."""
    return _lasting.setdefault(key, intern(key, make))


def serial_of(node: Expression) -> int:
    """The node's number in order of making, by which sets of nodes are sorted."""
    return node.serial


def _characters(transition: tuple[CharSet, Expression]) -> CharSet:
    return transition[0]
