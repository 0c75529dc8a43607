"""Intersection: what two constraints of one kind allow together."""

from __future__ import annotations

from decimal import Decimal

from engine.schema.schema import Number, Text


def intersect_texts(a: Text, b: Text) -> Text:
    """The strings that both allow."""
    lengths = [n for n in (a.max_length, b.max_length) if n is not None]
    return Text(
        min_length=max(a.min_length, b.min_length),
        max_length=min(lengths) if lengths else None,
        patterns=tuple(dict.fromkeys(a.patterns + b.patterns)),
        formats=tuple(dict.fromkeys(a.formats + b.formats)),
    )


def intersect_numbers(a: Number, b: Number) -> Number:
    """The numbers that both allow."""
    low = max(_bounds(a.minimum, a.exclusive_minimum, b.minimum, b.exclusive_minimum), default=(None, False))
    high = min(
        (
            (bound, not exclusive)
            for bound, exclusive in _bounds(a.maximum, a.exclusive_maximum, b.maximum, b.exclusive_maximum)
        ),
        default=(None, True),
    )
    return Number(
        integer=a.integer or b.integer,
        digits_only=a.digits_only or b.digits_only,
        minimum=low[0],
        maximum=high[0],
        exclusive_minimum=low[1],
        exclusive_maximum=not high[1],
        multiples_of=tuple(dict.fromkeys(a.multiples_of + b.multiples_of)),
    )


def _bounds(a: Decimal | None, a_exclusive: bool, b: Decimal | None, b_exclusive: bool) -> list[tuple[Decimal, bool]]:
    return [(bound, exclusive) for bound, exclusive in ((a, a_exclusive), (b, b_exclusive)) if bound is not None]
