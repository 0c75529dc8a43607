"""Whether an intersection has any text: found where Python's `re` confirms it, refused by name where it takes too long."""

from __future__ import annotations

import re

import pytest

from engine.errors import GrammarTooComplex
from engine.regular.expression import (
    EMPTY_SET,
    SEARCH_STATE_LIMIT,
    Expression,
    bounded,
    complement,
    finite_set,
    intersection,
    text,
)
from engine.regular.pattern import parse_pattern


def language(*patterns: str) -> Expression:
    return intersection(*(parse_pattern(pattern, "ecma") for pattern in patterns))


@pytest.mark.parametrize("form", ["{0}{0}", "{0}.*{0}", "{0}.{{3}}{0}"])
@pytest.mark.parametrize("start", ["", "a", "zzb"])
def test_text_that_contains_many_things_is_found(form: str, start: str) -> None:
    patterns = [form.format(letter) for letter in "abcdefghijklmnop"]
    rest = language(*patterns)
    for character in start:
        rest = rest.step(ord(character))
    found = start + rest.shortest
    assert rest.least == len(rest.shortest)
    assert all(re.search(pattern, found) for pattern in patterns)
    assert language(*patterns).matches(found)


def test_intersection_without_a_text_is_dead_though_each_part_has_one() -> None:
    assert not language("^(a{3})+$", "^(a{7})+a$", "^.{0,14}$").alive
    assert not language("^a+$", "b").alive


def test_searches_inside_a_bound_share_it() -> None:
    parts = [language(f"^(a{{{n}}})+$", f"^(a{{{n + 1}}})+$") for n in range(20, 40)]
    assert parts[0].alive
    with bounded(400), pytest.raises(GrammarTooComplex, match="needs more than"):
        _ = [part.alive for part in parts]
    assert all(part.alive for part in parts)


def test_search_of_too_many_states_is_refused() -> None:
    with pytest.raises(GrammarTooComplex) as caught:
        _ = language("^(ab?)*$", "^.{100000}$").alive
    assert caught.value.limit == SEARCH_STATE_LIMIT
    assert caught.value.path is None
    assert caught.value.at("/a").path == "/a"
    assert str(caught.value.at("/a").at("/b")).startswith("schema at /a: an intersection")


def test_long_text_is_one_node_at_any_place() -> None:
    long = "ab" * 1_000_000
    node = text(long)
    assert node.least == len(long)
    for character in long[:1000]:
        node = node.step(ord(character))
    assert node.least == len(long) - 1000
    assert node.step(ord("b")) is EMPTY_SET
    assert finite_set([long[:20_000]]).matches(long[:20_000])
    assert not text(long[:20_000]).matches(long[:19_999])


@pytest.mark.parametrize("length", [1, 63, 64, 65, 66, 200])
def test_text_means_the_same_at_any_length(length: int) -> None:
    value = "é" * (length - 1) + "x"
    assert text(value).shortest == value
    assert not intersection(text(value), complement(finite_set([value, "y"]))).alive
    assert intersection(text(value + "z"), complement(finite_set([value, "y"]))).shortest == value + "z"
