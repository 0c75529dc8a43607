"""Grammar → GBNF text that llama.cpp reads as the same language.

The passes bring the grammar into a form that GBNF can say; printing is then one walk. Refused with NotPrintable:
guards (unless allowed, then listed in comments at the top), objects with many keys in any order, automata with too
many states. A printed grammar cannot keep the additional keys of an object from repeating; a comment says so.
`parse_gbnf` of the text gives the same language, and printing that gives the same rules again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from engine.errors import NotPrintable
from engine.grammar.grammar import (
    Choice,
    Grammar,
    Guard,
    Guarded,
    Literal,
    Members,
    Node,
    RegularTerminal,
    Repeat,
    RuleRef,
    Sequence,
)
from engine.grammar.passes import drop_guards, run_passes
from engine.grammar.traversal import fold, walk
from engine.regular import charset
from engine.regular.charset import CharSet
from engine.regular.expression import CharClass

_NOTHING = r"[^\x00-\U0010FFFF]"
_ASCII: CharSet = ((0, 0x7F),)
_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\"}
_IN_LITERAL = {**_ESCAPES, '"': r"\""}
_IN_CLASS = {**_ESCAPES, "[": r"\[", "]": r"\]", "-": r"\-", "^": r"\x5E"}

_ALTERNATIVES, _SEQUENCE, _ITEM = range(3)


def print_gbnf(grammar: Grammar, *, allow_unenforced: bool = False) -> str:
    """The grammar as GBNF text, which llama.cpp reads as the same language: one rule a line, root first, a newline last.

    Raises `NotPrintable` where a guard enforces what GBNF cannot say, unless `allow_unenforced`, which lists it in comments.
    """
    unenforced = list(dict.fromkeys(_guards(grammar)))
    if unenforced and not allow_unenforced:
        raise NotPrintable(tuple(unenforced))
    notes = [f"not enforced by this grammar: {_one_line(reason)}" for reason in unenforced]
    notes += [f"additional keys may repeat: rule {_one_line(name)}" for name in _open_objects(grammar)]
    rules = run_passes(drop_guards(grammar)).rules
    lines = [f"# {note}" for note in notes]
    lines += [f"{name} ::= {_body(node)}" for name, node in rules.items()]
    return "\n".join(lines) + "\n"


def _guards(grammar: Grammar) -> Iterator[str]:
    for node in grammar.rules.values():
        for part in walk(node):
            guards: tuple[Guard, ...] = (part.guard,) if isinstance(part, Guarded) else ()
            if isinstance(part, Members):
                guards = tuple(guard for other in part.others for guard in other.guards)
            for guard in guards:
                yield f"{guard.name} at {guard.path or '/'}"


def _open_objects(grammar: Grammar) -> Iterator[str]:
    for name, node in grammar.rules.items():
        if any(isinstance(part, Members) and part.others and part.high != 1 for part in walk(node)):
            yield name


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _body(node: Node) -> str:
    return fold(node, _written)[0]


def _written(node: Node, inside: tuple[tuple[str, int], ...]) -> tuple[str, int]:
    """The text of `node` and how tightly it binds."""
    match node:
        case Literal(text):
            return _literal(text), _ITEM
        case RegularTerminal(language=CharClass(members=members)):
            return _class(members), _ITEM
        case RuleRef(rule):
            return rule, _ITEM
        case Repeat(_, low, high):
            return _grouped(inside[0], _ITEM) + _bounds(low, high), _SEQUENCE
        case Sequence():
            return " ".join(_grouped(part, _SEQUENCE) for part in inside) or '""', _SEQUENCE
        case Choice():
            return (" | ".join(text for text, _ in inside), _ALTERNATIVES) if inside else (_NOTHING, _ITEM)
        case _:
            raise TypeError(f"{type(node).__name__} is left by the passes")


def _grouped(part: tuple[str, int], tightness: int) -> str:
    text, binds = part
    return text if binds >= tightness else f"({text})"


def _bounds(low: int, high: int | None) -> str:
    match low, high:
        case 0, None:
            return "*"
        case 1, None:
            return "+"
        case 0, 1:
            return "?"
        case _, None:
            return f"{{{low},}}"
    return f"{{{low}}}" if low == high else f"{{{low},{high}}}"


def _literal(text: str) -> str:
    return '"' + "".join(_character(c, _IN_LITERAL) for c in text) + '"'


def _class(members: CharSet) -> str:
    """Negated where that leaves out a few ASCII characters: of a character that came in two tokens llama.cpp would refuse
    the first half, if a negated class left out any character that begins like it."""
    if members == charset.ANY:
        return "."
    left_out = charset.invert(members)
    if charset.intersect(left_out, _ASCII) == left_out and len(left_out) < len(members):
        return f"[^{_ranges(left_out)}]"
    return f"[{_ranges(members)}]"


def _ranges(members: CharSet) -> str:
    pieces = []
    for low, high in members:
        first, last = _character(chr(low), _IN_CLASS), _character(chr(high), _IN_CLASS)
        pieces.append(first if low == high else first + last if high == low + 1 else f"{first}-{last}")
    return "".join(pieces)


def _character(character: str, escapes: dict[str, str]) -> str:
    if character in escapes:
        return escapes[character]
    if character.isprintable() and not unicodedata.combining(character):
        return character
    code_point = ord(character)
    if code_point <= 0xFF:
        return f"\\x{code_point:02X}"
    return f"\\u{code_point:04X}" if code_point <= 0xFFFF else f"\\U{code_point:08X}"
