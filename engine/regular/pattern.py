"""From a pattern of a dialect to the language of the strings in which it is found.

Anchors are exact wherever they stand. The syntax tree is translated for a context: what precedes a node (the start of
the string, or a character of some class) and what follows it (the end, or a character of some class). A sequence is
split by whether its parts are empty and by the characters at the seams; what contains no anchor needs no splitting.
The classes are those that the pattern's anchors tell apart: usually just one, two with word boundaries.

Refused as `UnsupportedPattern`: look-around, back-references, atomic and conditional groups, repeats whose turns look
at each other through anchors, and what would nest deeper than derivatives can follow. `InvalidPattern` is malformed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from engine.regular import charset
from engine.regular.charset import CharSet
from engine.regular.expression import (
    ALL_STRINGS,
    EMPTY_SET,
    EMPTY_STRING,
    CharClass,
    Concat,
    Expression,
    Repetition,
    Union,
    char_class,
    concat,
    intersection,
    nonempty,
    repeat,
    text,
    union,
)
from engine.regular.pattern_ecma import Ecma
from engine.regular.pattern_python import Python
from engine.regular.pattern_reader import PatternDialect, PatternReader
from engine.regular.pattern_rust import Rust
from engine.regular.pattern_syntax import (
    Alternation,
    Assertion,
    InvalidPattern,
    PatternNode,
    PatternSequence,
    Quantified,
    SingleCharacter,
    UnsupportedPattern,
    quantified,
    sequence,
)

__all__ = ["DIALECTS", "InvalidPattern", "UnsupportedPattern", "parse_pattern"]

DIALECTS: dict[str, PatternDialect] = {"ecma": Ecma(), "rust": Rust(), "python": Python()}

_HEIGHT_LIMIT = 400
_SEAM_LIMIT = 400

_EDGE = -1
"""The context beyond the first or the last character."""
_FINAL = -2
"""The context before one newline that ends the string."""


@lru_cache(maxsize=1 << 12)
def parse_pattern(source: str, dialect: str) -> Expression:
    """The language of the whole strings in which `source` is found; `dialect` is a key of DIALECTS."""
    for position, character in enumerate(source):
        if "\ud800" <= character <= "\udfff":
            raise InvalidPattern(source, position, "a lone surrogate")
    tree = PatternReader(source, DIALECTS[dialect]).read()
    around = quantified(SingleCharacter(charset.ANY), 0, None)
    if not tree.asserts:
        found = _LanguageBuilder((charset.ANY,), False, source).free(tree)
        return ALL_STRINGS if found.nullable else concat(ALL_STRINGS, found, ALL_STRINGS)
    items = tree.items if isinstance(tree, PatternSequence) else (tree,)
    classes, final = _told_apart(tree)
    whole = sequence((around, *items, around))
    return _LanguageBuilder(classes, final, source).language(whole, _EDGE, _EDGE)


def _told_apart(tree: PatternNode) -> tuple[tuple[CharSet, ...], bool]:
    """The classes of characters that the assertions of the tree tell apart, and whether a final newline matters."""
    classes: tuple[CharSet, ...] = (charset.ANY,)
    final = False
    for assertion in _assertions(tree):
        final |= assertion.kind == "end or final newline"
        if assertion.members:
            sides = (assertion.members, charset.invert(assertion.members))
            parts = (charset.intersect(a, b) for a in classes for b in sides)
            classes = tuple(part for part in parts if part)
    return classes, final


def _assertions(node: PatternNode) -> Iterator[Assertion]:
    if isinstance(node, Assertion):
        yield node
    elif isinstance(node, PatternSequence | Alternation | Quantified) and node.asserts:
        parts = (node.body,) if isinstance(node, Quantified) else _parts(node)
        for part in parts:
            yield from _assertions(part)


def _parts(node: PatternSequence | Alternation) -> tuple[PatternNode, ...]:
    return node.items if isinstance(node, PatternSequence) else node.options


class _LanguageBuilder:
    """One pattern's translation; languages are remembered by node and context."""

    def __init__(self, classes: tuple[CharSet, ...], final: bool, source: str) -> None:
        self._classes = classes
        self._final = final
        self._source = source
        self._inner = tuple(range(len(classes)))
        self._found: dict[tuple[PatternNode, int, int], Expression] = {}
        self._heights: dict[Expression, tuple[int, int]] = {}

    def _refuse(self, reason: str) -> UnsupportedPattern:
        return UnsupportedPattern(self._source, 0, reason)

    def free(self, node: PatternNode) -> Expression:
        """The language of a node that asserts nothing."""
        if isinstance(node, SingleCharacter):
            return char_class(node.members)
        if isinstance(node, PatternSequence):
            return self._bounded(concat(*map(self.free, node.items)))
        if isinstance(node, Alternation):
            return self._bounded(union(*map(self.free, node.options)))
        assert isinstance(node, Quantified)
        return self._bounded(repeat(self.free(node.body), node.low, node.high))

    def language(self, node: PatternNode, left: int, right: int) -> Expression:
        """The strings that the node matches between these contexts."""
        if not node.asserts:
            left = right = 0
        key = (node, left, right)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._bounded(self._translated(node, left, right))
        return found

    def _translated(self, node: PatternNode, left: int, right: int) -> Expression:
        if not node.asserts:
            return self.free(node)
        if isinstance(node, Assertion):
            return EMPTY_STRING if self._holds(node, left, right) else EMPTY_SET
        if isinstance(node, PatternSequence):
            return self._sequence(node.items, left, right)
        if isinstance(node, Alternation):
            return union(*(self.language(option, left, right) for option in node.options))
        assert isinstance(node, Quantified)
        return self._repeated(node, left, right)

    def _holds(self, node: Assertion, left: int, right: int) -> bool:
        before = left >= 0 and charset.intersect(self._classes[left], node.members) != charset.NONE
        after = right >= 0 and charset.intersect(self._classes[right], node.members) != charset.NONE
        if right == _FINAL:
            after = charset.contains(node.members, 10)
        return {
            "start": left == _EDGE,
            "end": right == _EDGE,
            "end or final newline": right in (_EDGE, _FINAL),
            "line start": left == _EDGE or before,
            "line end": right == _EDGE or after,
            "boundary": before != after,
            "no boundary": before == after,
            "no boundary in text": before == after and (left, right) != (_EDGE, _EDGE),
            "word start": after and not before,
            "word end": before and not after,
            "word start half": not before,
            "word end half": not after,
        }[node.kind]

    def _sequence(self, items: tuple[PatternNode, ...], left: int, right: int) -> Expression:
        """From the last part to the first: what the rest matches, after each context that may precede it."""
        parts = list(_merged(items))
        if len(parts) > _SEAM_LIMIT:
            raise self._refuse(f"more than {_SEAM_LIMIT} anchors in a row")
        contexts = (_EDGE, *self._inner)
        after = dict.fromkeys(contexts, EMPTY_STRING)
        for part in reversed(parts[1:]):
            after = {context: self._bounded(self._joined(part, after, context, right)) for context in contexts}
        return self._joined(parts[0], after, left, right)

    def _joined(self, part: PatternNode, after: dict[int, Expression], left: int, right: int) -> Expression:
        """`part`, then the rest: split by which of the two is empty and by the classes on both sides of the seam."""
        found: list[Expression] = []
        if not part.asserts:
            alone = self.language(part, left, right)
            if len(set(after.values())) == 1:
                return concat(alone, after[left])
            if alone.nullable:
                found.append(after[left])
            found.extend(concat(self._ending(alone, c), after[c]) for c in self._inner)
            return union(*found)
        for seam in (_EDGE, *self._seams(right)):
            rests = {context: self._beginning(rest, seam, right) for context, rest in after.items()}
            alone = self.language(part, left, right if seam == _EDGE else seam)
            if alone.nullable:
                found.append(rests[left])
            found.extend(concat(self._ending(alone, c), rests[c]) for c in self._inner if rests[c] is not EMPTY_SET)
        return union(*found)

    def _beginning(self, rest: Expression, seam: int, right: int) -> Expression:
        """The strings of `rest` that make `seam` the context of what stands before them."""
        if seam == _EDGE:
            return EMPTY_STRING if rest.nullable else EMPTY_SET
        newline = self._final and right == _EDGE and rest.matches("\n")
        if seam == _FINAL:
            return text("\n") if newline else EMPTY_SET
        members = self._classes[seam]
        if not newline or not charset.contains(members, 10):
            return self._first(rest, members)
        others = charset.intersect(members, charset.invert(charset.of("\n")))
        return union(self._first(rest, others), concat(text("\n"), nonempty(self._bounded(rest.derive(10)))))

    def _first(self, language: Expression, members: CharSet) -> Expression:
        """The strings that begin with one of `members`."""
        if not members or language is EMPTY_STRING:
            return EMPTY_SET
        if members == charset.ANY:
            return nonempty(language)
        if isinstance(language, CharClass):
            return char_class(charset.intersect(language.members, members))
        if isinstance(language, Union):
            return union(*(self._first(option, members) for option in language.options))
        if isinstance(language, Repetition):
            return concat(self._first(language.body, members), _one_less(language))
        found = []
        while isinstance(language, Concat):
            found.append(concat(self._first(language.head, members), language.tail))
            if not language.head.nullable:
                return union(*found)
            language = language.tail
        if found:
            return union(*found, self._first(language, members))
        return intersection(language, concat(char_class(members), ALL_STRINGS))

    def _ending(self, language: Expression, context: int) -> Expression:
        """The strings whose last character is of the class."""
        return self._last(language, self._classes[context])

    def _last(self, language: Expression, members: CharSet) -> Expression:
        if language is EMPTY_STRING or language is EMPTY_SET:
            return EMPTY_SET
        if members == charset.ANY:
            return nonempty(language)
        if isinstance(language, CharClass):
            return char_class(charset.intersect(language.members, members))
        if isinstance(language, Union):
            return union(*(self._last(option, members) for option in language.options))
        if isinstance(language, Repetition):
            return concat(_one_less(language), self._last(language.body, members))
        if not isinstance(language, Concat):
            return intersection(language, concat(ALL_STRINGS, char_class(members)))
        parts: list[Expression] = []
        while isinstance(language, Concat):
            parts.append(language.head)
            language = language.tail
        found = [concat(*parts, self._last(language, members))]
        while language.nullable and parts:
            language = parts.pop()
            found.append(concat(*parts, self._last(language, members)))
        return union(*found)

    def _repeated(self, node: Quantified, left: int, right: int) -> Expression:
        """Turns that match nothing may stand among the others, so they only help to reach the lower count: then it
        is enough that one could stand at the start, at the end, or between two turns."""
        # `(?:a|\b){2}` after `^` and before `$` means {a, aa}: `aa` by two turns, and `a` by one turn `a` and one turn
        # `\b`, which holds before the `a`. Nothing at all is not in it: between two edges there is no `\b`.
        body, low, high = node.body, node.low, node.high
        if high == 0:
            return EMPTY_STRING
        once = self.language(body, left, right)
        alone = nonempty(once)
        many = EMPTY_SET if high == 1 else self._two_or_more(node, left, right, low)
        found = [many, EMPTY_STRING if low == 0 or once.nullable else EMPTY_SET]
        if low <= 1:
            return union(*found, alone)
        if high != 1 and low > 2:
            many = self._two_or_more(node, left, right, 2)
            if self._nullable_between(body):
                found.append(many)
        # Fewer turns than `low` match something; one that matches nothing, taken as often as is missing, stands at the
        # start, which what begins with `seam` allows, or at the end, behind a last character of class `context`.
        filled = union(alone, many)
        for seam in self._seams(right):
            if self.language(body, left, seam).nullable:
                found.append(self._beginning(filled, seam, right))
        for context in self._inner:
            if self.language(body, context, right).nullable:
                found.append(self._ending(filled, context))
        return union(*found)

    def _two_or_more(self, node: Quantified, left: int, right: int, low: int) -> Expression:
        """At least two turns that match something, and at least `low`."""
        last = {nonempty(self.language(node.body, c, right)) for c in self._inner}
        seams = self._seams(right) if any(language.matches("\n") for language in last) else self._inner
        first = {nonempty(self.language(node.body, left, seam)) for seam in seams}
        middle = {nonempty(self.language(node.body, c, seam)) for c in self._inner for seam in seams}
        if max(map(len, (first, middle, last))) > 1:
            raise self._refuse("a repeat whose turns look at each other through anchors")
        inside = repeat(middle.pop(), max(low - 2, 0), None if node.high is None else node.high - 2)
        return concat(first.pop(), inside, last.pop())

    def _nullable_between(self, body: PatternNode) -> bool:
        facts = {self.language(body, c, seam).nullable for c in self._inner for seam in self._inner}
        if len(facts) > 1:
            raise self._refuse("a counted repeat that may be empty in some places only")
        return facts.pop()

    def _seams(self, right: int) -> tuple[int, ...]:
        """What may stand between a part and the rest, if the rest is not empty."""
        return (*self._inner, *((_FINAL,) if self._final and right == _EDGE else ()))

    def _bounded(self, language: Expression) -> Expression:
        if self._height(language)[1] > _HEIGHT_LIMIT:
            raise self._refuse("too many optional parts in a row, or too deeply nested")
        return language

    def _height(self, language: Expression) -> tuple[int, int]:
        """How deep a derivative of this recurses, and the most that any part of it does when its turn comes."""
        found = self._heights.get(language)
        if found is None:
            found = self._heights[language] = self._measured(language)
        return found

    def _measured(self, language: Expression) -> tuple[int, int]:
        if isinstance(language, Concat):
            heads: list[Expression] = []
            while isinstance(language, Concat):
                heads.append(language.head)
                language = language.tail
            height, most = self._height(language)
            for head in reversed(heads):
                own, inner = self._height(head)
                height = 2 + max(own, height if head.nullable else 0)
                most = max(most, inner, height)
            return height, most
        parts = language.options if isinstance(language, Union) else ()
        if isinstance(language, Repetition):
            parts = (language.body,)
        measured = [self._height(part) for part in parts]
        height = 3 + max((own for own, _ in measured), default=0)
        return height, max([height, *(inner for _, inner in measured)])


def _one_less(language: Repetition) -> Expression:
    return repeat(language.body, max(language.low - 1, 0), None if language.high is None else language.high - 1)


def _merged(items: tuple[PatternNode, ...]) -> Iterator[PatternNode]:
    """Neighbours that assert nothing are one part."""
    free: list[PatternNode] = []
    for item in items:
        if item.asserts:
            if free:
                yield sequence(free)
                free = []
            yield item
        else:
            free.append(item)
    if free:
        yield sequence(free)
