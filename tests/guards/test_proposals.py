"""What of a text a guard takes."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from engine.guards.proposals import Proposals


class _Knows:
    """A guard that looks values up, and counts how often it is asked."""

    name, path, scope = "look-up", "/", "value"

    def __init__(self, known: Iterable[object]) -> None:
        self.known, self.asked = list(known), 0

    def holds(self, value: bytes) -> bool:
        self.asked += 1
        return json.loads(value) in self.known

    def reason(self, value: bytes) -> str:
        return "unknown"


@pytest.mark.parametrize(
    ("text", "known", "refused", "found"),
    [
        ("Mary met (John), then Mary", ["John", "Mary"], '"J"', ["Mary", "John"]),
        ("in New York City.", ["New York"], '"x"', ["New York"]),
        ("code: AB-12/3;", ["AB-12/3"], '""', ["AB-12/3"]),
        ("PARIS, LYON", ["Paris"], '"x"', ["Paris"]),
        ("naïve Zoë’s 東京 \u00e9", ["東京", "Zoë"], '"x"', ["Zoë", "東京"]),
        ("12,345.50 or 7 or -3 or 007", [12345.5, 7, -3], "1", [12345.5, 7, -3]),
        ("nothing of it", ["else"], '"x"', []),
        ("", ["else"], '"x"', []),
        ("true null", [True], "false", []),
    ],
)
def test_pieces_that_a_look_up_takes(text: str, known: list[object], refused: str, found: list[object]) -> None:
    guard = _Knows(known)
    proposals = Proposals(lambda: text)
    taken = proposals.taken_by(guard, refused.encode())  # type: ignore[arg-type]
    assert sorted(map(json.loads, taken), key=repr) == sorted(found, key=repr)
    asked = guard.asked
    assert proposals.taken_by(guard, refused.encode()) == taken  # type: ignore[arg-type]
    assert guard.asked == asked
