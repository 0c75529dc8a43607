"""Grammar: what texts are allowed, as data.

Rules map names to nodes. A `RegularTerminal` is regular: an expression over the text itself. A `StringTerminal` is a JSON string
whose decoded content is regular; its spelling is canonical (each character written in one way, as `json.dumps` with
`ensure_ascii=False` does) or any. The other nodes combine them. `Members` is the inside of a JSON object, from after `{` to
before `}`: it knows which keys exist and which are used, so that it can be run in any order, where plain rules would need
one for each set of used keys.

A `Guarded` node carries a predicate on the closed value, which plain grammars cannot say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal as OneOf
from typing import Protocol

from engine.regular.expression import Expression

Spelling = OneOf["canonical", "any"]
Scope = OneOf["value", "items"]


class Guard(Protocol):
    """A predicate on the closed value of a node; `name` says what it enforces, `path` where.

    Its `scope` is what it is asked about: the value, or, on an item of an array, the array up to there, as if it ended.
    """

    @property
    def scope(self) -> Scope: ...

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> str: ...

    def holds(self, value: bytes) -> bool: ...

    def reason(self, value: bytes) -> str:
        """Why it does not hold, for people."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Exactly this text."""

    text: str


@dataclass(frozen=True, slots=True)
class RegularTerminal:
    """Any text of a regular language."""

    language: Expression


@dataclass(frozen=True, slots=True)
class StringTerminal:
    """A JSON string, quotes included, whose decoded content is in `language`."""

    language: Expression
    spelling: Spelling = "canonical"


@dataclass(frozen=True, slots=True)
class Sequence:
    """The items one after another; none is the empty text."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """At least one of `options`; none means that nothing matches."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`item` from `low` to `high` times; None is without end."""

    item: Node
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class RuleRef:
    """Whatever the rule of that name is."""

    rule: str


@dataclass(frozen=True, slots=True)
class Guarded:
    """A value of `item` that also satisfies `guard`."""

    item: Node
    guard: Guard


@dataclass(frozen=True, slots=True)
class Member:
    """One declared member of an object: its decoded name and its value. It may be written under an alias instead."""

    name: str
    value: Node
    required: bool
    aliases: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The names, one of which it is written under."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True)
class AdditionalMembers:
    """Members beside the declared ones: `keys` is the language of their decoded names, without any declared name. `guards`
    watch the key as it closes."""

    keys: Expression
    value: Node
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a JSON object, from after `{` to before `}`.

    Declared ones come in their order, then `others`; if not `ordered`, all come in any order. None comes twice: for the
    declared ones that is part of the grammar, for the others the automaton compares closed keys, which a printed grammar
    cannot. `colon` stands between a key and its value, `comma` between two members. The number of members is from `low` to
    `high`.
    """

    declared: tuple[Member, ...]
    others: tuple[AdditionalMembers, ...] = ()
    ordered: bool = True
    spelling: Spelling = "canonical"
    colon: Node = Literal(": ")
    comma: Node = Literal(", ")
    low: int = 0
    high: int | None = None


Node = Literal | RegularTerminal | StringTerminal | Sequence | Choice | Repeat | RuleRef | Guarded | Members

EMPTY = Sequence(())


@dataclass(frozen=True, slots=True)
class Grammar:
    """Rules by name. `root` is where a text starts. `depth`, where its texts are JSON, is how deep they nest at most.
    `schema_paths` has, for rules made of a schema, the JSON pointer into it."""

    rules: Mapping[str, Node]
    root: str = "root"
    depth: int | None = None
    schema_paths: Mapping[str, str] = field(default_factory=dict, compare=False)
