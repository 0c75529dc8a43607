"""How right one value is: 0 to 1.

Texts are equal after NFKC, without regard to case, white space and punctuation. Numbers are equal within 0.5 % (a third is
0.333). A list counts as the F1 of its items. Null is right where null is wanted.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.evaluation.fields import FieldKind

TOLERANCE = Decimal("0.005")


def folded(value: Any) -> str:
    """The letters and digits of a value, small."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict | list) else str(value)
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def rightness(wanted: Any, got: Any, kind: FieldKind) -> float:
    """How right `got` is, where `wanted` is: 1, 0, or for a list what lies between them."""
    if wanted is None or got is None:
        return float(wanted is None and got is None)
    if kind == "list" and isinstance(wanted, list) and isinstance(got, list):
        return _f1([folded(x) for x in wanted], [folded(x) for x in got])
    if kind == "number" and (number := _number(wanted)) is not None:
        other = _number(got)
        return float(other is not None and abs(number - other) <= abs(number) * TOLERANCE)
    return float(folded(wanted) == folded(got))


def strings(value: Any) -> Iterator[str]:
    """The texts inside a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


def _f1(wanted: list[str], got: list[str]) -> float:
    if not wanted and not got:
        return 1.0
    return 2 * (Counter(wanted) & Counter(got)).total() / (len(wanted) + len(got))


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
