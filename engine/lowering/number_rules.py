"""Number rules: a Number of the schema as a node, in digits or in every spelling of JSON.

Bounds are in the grammar in every spelling. Multiples of a whole number are too, for integers in digits; otherwise a guard
judges them where a double may have too few digits, or where an exponent stands behind them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import cache

from engine.errors import GrammarTooComplex
from engine.grammar import grammar as g
from engine.regular import expression as ex
from engine.regular import numbers
from engine.regular.expression import Expression
from engine.schema import schema as s

_DIGITS = 15  # a decimal of so many digits is the shortest one of its double


def number_node(
    number: s.Number, path: str, make_guard: Callable[[s.Check, g.Scope], g.Guard], *, every_spelling: bool
) -> g.Node:
    """The node of a number; `make_guard` makes the guard of a check."""
    if number.multiples_of and not number.integer:
        guard = make_guard(s.Check(path, ("multipleOf",), "json-schema", _as_schema(number)), "value")
        return _multiples(number, guard, every_spelling)
    try:
        plain = _plain(number, every_spelling)
    except GrammarTooComplex:
        if not number.multiples_of:
            raise
        guard = make_guard(s.Check(path, ("multipleOf",), "json-schema", _as_schema(number)), "value")
        bounded = number_node(replace(number, multiples_of=()), path, make_guard, every_spelling=every_spelling)
        return g.Guarded(bounded, guard)
    if not every_spelling or number.digits_only:
        return g.RegularTerminal(plain)
    if not number.multiples_of:
        return g.RegularTerminal(ex.union(plain, _with_exponent(number)))
    guard = make_guard(s.Check(path, ("number",), "json-schema", _as_schema(number)), "value")
    whole = all(step == step.to_integral_value() for step in number.multiples_of)  # as types of Python have it
    exponents = g.RegularTerminal(_with_exponent(number)) if whole else _any_exponent()
    return g.Choice((g.RegularTerminal(plain), g.Guarded(exponents, guard)))


def literal_node(values: Sequence[int | float], path: str, make_guard: Callable[[s.Check, g.Scope], g.Guard]) -> g.Node:
    """Just these numbers below 2**53 in every spelling; a guard judges those with an exponent, so that many are one node."""
    rule: s.Json = {"type": "number", "enum": list(values)}
    guard = make_guard(s.Check(path, ("number",), "json-schema", rule), "value")
    plain = numbers.exactly(Decimal(repr(value)) for value in values)
    return g.Choice((g.RegularTerminal(plain), g.Guarded(_any_exponent(), guard)))


@cache
def _any_exponent() -> g.Node:
    return g.RegularTerminal(numbers.exponents())


def _plain(number: s.Number, every_spelling: bool) -> Expression:
    """The numbers without an exponent, and those of any spelling where there are no bounds."""
    if number.integer:
        zeros = every_spelling and not number.digits_only
        steps = [Fraction(step).numerator for step in number.multiples_of]  # what they have in common with integers
        multiple = math.lcm(*steps) if steps else None
        whole = numbers.integers(*_whole_bounds(number), multiple_of=multiple, fraction_zeros=zeros)
        minus_zero = every_spelling and number.digits_only and whole.matches("0")
        return ex.union(whole, ex.text("-0")) if minus_zero else whole
    if number.minimum is None and number.maximum is None:
        return numbers.numbers()
    return _decimals(number, None)


def _multiples(number: s.Number, guard: g.Guard, every_spelling: bool) -> g.Node:
    """Multiples as decimals, under the guard where a double may have too few digits for them, or in another spelling."""
    try:
        plain = ex.intersection(*(_decimals(number, step) for step in number.multiples_of))
    except GrammarTooComplex:
        return g.Guarded(g.RegularTerminal(numbers.numbers()), guard)
    node: g.Node = g.RegularTerminal(plain)
    if not _few_digits(number):
        node = g.Guarded(node, guard)
    return g.Choice((node, g.Guarded(g.RegularTerminal(_with_exponent(number)), guard))) if every_spelling else node


def _decimals(number: s.Number, step: Decimal | None) -> Expression:
    return numbers.decimals(
        number.minimum,
        number.maximum,
        exclusive_minimum=number.exclusive_minimum,
        exclusive_maximum=number.exclusive_maximum,
        multiple_of=step,
    )


def _with_exponent(number: s.Number) -> Expression:
    if number.integer:
        return numbers.scientific_integers(*_whole_bounds(number))
    if number.minimum is None and number.maximum is None:
        return numbers.exponents()
    return numbers.scientific(
        number.minimum,
        number.maximum,
        exclusive_minimum=number.exclusive_minimum,
        exclusive_maximum=number.exclusive_maximum,
    )


def _whole_bounds(number: s.Number) -> tuple[int | None, int | None]:
    low = high = None
    if number.minimum is not None:
        low = math.ceil(number.minimum)
        low += number.exclusive_minimum and low == number.minimum
    if number.maximum is not None:
        high = math.floor(number.maximum)
        high -= number.exclusive_maximum and high == number.maximum
    return low, high


def _few_digits(number: s.Number) -> bool:
    """Whether every multiple within the bounds has so few digits that a double keeps all of them."""
    if number.minimum is None or number.maximum is None:
        return False
    largest = max(abs(number.minimum), abs(number.maximum)).adjusted() + 1
    exponents = (step.normalize().as_tuple().exponent for step in number.multiples_of)
    return max(largest, 1) + max(-one for one in exponents if isinstance(one, int)) <= _DIGITS


def _as_schema(number: s.Number) -> s.Json:
    """The keywords that say the same, for values that only a guard can judge."""
    out: dict[str, s.Json] = {"type": "integer"} if number.integer else {"type": "number"}
    if number.minimum is not None:
        out["exclusiveMinimum" if number.exclusive_minimum else "minimum"] = _as_json(number.minimum)
    if number.maximum is not None:
        out["exclusiveMaximum" if number.exclusive_maximum else "maximum"] = _as_json(number.maximum)
    if number.multiples_of:
        out["allOf"] = [{"multipleOf": _as_json(m)} for m in number.multiples_of]
    return out


def _as_json(number: Decimal) -> int | float:
    return int(number) if number == int(number) else float(number)
