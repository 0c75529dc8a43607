"""The comparison with peers, on peers that need no model."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from engine.bench.chart import draw
from engine.bench.peers.work import Prompt, Work
from engine.bench.seat import PeerFailed, PeerKind, Seat
from engine.bench.versus import (
    OWN_WEIGHTS,
    Contender,
    ContenderRow,
    TimeRatio,
    Turn,
    as_record,
    batch_contenders,
    contenders,
    ratios,
    versus,
)
from engine.cli.bench_peers import uneven

WORK = Work("model.gguf", 1, {})
TURNS = (
    Turn("cold", Prompt("0", "0"), (Prompt("a", "a"),), 7),
    Turn("warm", None, (Prompt("b", "b"), Prompt("c", "c")), 5),
)


@pytest.fixture(autouse=True)
def _children_find_fake_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def kind(cls: str, name: str = "echo", *, needs: tuple[str, ...] = ()) -> PeerKind:
    return PeerKind(name, "fake_peers", cls, needs)


def test_a_seat_answers_with_the_output_and_the_time_of_its_child(capfd: pytest.CaptureFixture[str]) -> None:
    with Seat(kind("Echo"), WORK) as seat:
        first = seat.run([Prompt("x", "x")], 3)
        second = seat.run([Prompt("y", "y"), Prompt("z", "z")], 4)
    assert first.outputs == (":x:3 after ",)
    assert second.outputs == (":y:4 after x", ":z:4 after y")
    assert first.seconds >= 0
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("cls", "reason"), [("Refusing", "ValueError: cannot load this file"), ("Absent", "AttributeError")]
)
def test_a_peer_that_does_not_load_says_why(cls: str, reason: str) -> None:
    with pytest.raises(PeerFailed, match=reason):
        Seat(kind(cls), WORK)


def test_a_peer_that_dies_is_named_with_its_exit_code() -> None:
    with Seat(kind("Dying"), WORK) as seat, pytest.raises(PeerFailed, match="ended with 9"):
        seat.run([Prompt("x", "x")], 1)


def test_every_contender_has_its_turn_in_every_round_and_the_first_is_not_counted() -> None:
    told: list[str] = []
    field = [
        Contender(kind("Echo", "engine"), "one", {"name": "1"}),
        Contender(kind("Echo"), "two", {"name": "2"}),
    ]
    rows = versus(field, WORK, TURNS, rounds=2, count=len, tell=told.append)
    assert [len(row.seconds[name]) for row in rows for name in ("cold", "warm")] == [2, 2, 2, 2]
    assert [row.output for row in rows] == ["1:b:5 after a", "2:b:5 after a"]
    assert rows[0].tokens == len("1:b:5 after a") + len("1:c:5 after b")
    assert [text for text in told if text.startswith("round 1")] == [
        "round 1 of 2, cold: one",
        "round 1 of 2, cold: two",
        "round 1 of 2, warm: one",
        "round 1 of 2, warm: two",
    ]


def test_an_interrupt_keeps_the_rounds_that_are_over() -> None:
    def tell(text: str) -> None:
        if text.startswith("round 2"):
            raise KeyboardInterrupt

    rows = versus([Contender(kind("Echo"), "one")], WORK, TURNS, rounds=3, count=len, tell=tell)
    assert [len(rows[0].seconds[name]) for name in ("cold", "warm")] == [1, 1]


def test_what_fails_or_is_missing_is_skipped_with_its_reason_and_the_others_go_on() -> None:
    field = [
        Contender(kind("Echo"), "fine"),
        Contender(kind("Echo", needs=("no_such_module",)), "absent"),
        Contender(kind("Refusing"), "refusing"),
        Contender(kind("Raising"), "raising"),
        Contender(kind("Dying"), "dying"),
    ]
    rows = versus(field, WORK, TURNS, rounds=1, count=len)
    assert not rows[0].skipped
    assert rows[0].seconds.keys() == {"cold", "warm"}
    assert [row.skipped for row in rows[1:]] == [
        "not installed: no_such_module; pip install 'engine[bench]'",
        "ValueError: cannot load this file",
        "RuntimeError: no such grammar",
        "its process ended with 9",
    ]
    assert not any(row.seconds for row in rows[1:])


def rows_of(*seconds: tuple[str, bool, float]) -> list[ContenderRow]:
    return [
        ContenderRow(label, ours, seconds={"cold": [value, value + 9, value - 1]}) for label, ours, value in seconds
    ]


def test_the_ratio_is_our_best_to_the_best_of_the_others() -> None:
    rows = rows_of(("engine", True, 3.0), ("engine, 4", True, 2.0), ("a", False, 5.0), ("b", False, 4.0))
    assert ratios(rows, "cold") == [TimeRatio("engine, 4", "b", 0.5, 1 / 3)]
    assert ratios(rows, "warm") == []
    assert ratios(rows[:2], "cold") == []
    assert ratios(rows[2:], "cold") == []


def test_our_own_choice_of_weights_has_a_ratio_of_its_own() -> None:
    rows = rows_of(("engine", True, 3.0), (OWN_WEIGHTS, True, 1.0), ("a", False, 4.0))
    assert ratios(rows, "cold") == [TimeRatio("engine", "a", 0.75, 2 / 3), TimeRatio(OWN_WEIGHTS, "a", 0.25, 0.0)]
    field = [Contender(kind("Echo"), "one"), Contender(kind("Model"), "other", model="other.gguf")]
    assert [row.output for row in versus(field, WORK, TURNS, rounds=1, count=len)][1] == "other.gguf"
    assert [one.model for one in contenders("mine.gguf") if one.ours] == [None, "mine.gguf"]


def test_outputs_of_different_lengths_are_noticed() -> None:
    rows = rows_of(("engine", True, 3.0), ("a", False, 5.0))
    rows[0].tokens, rows[1].tokens = 150, 155
    assert not uneven(rows)
    rows[1].tokens = 180
    assert uneven(rows)
    rows[1].seconds = {}
    assert not uneven(rows)


def test_the_record_has_every_second_and_the_reasons() -> None:
    rows = [*rows_of(("engine", True, 3.0)), ContenderRow("gone", False, skipped="not installed")]
    written = json.loads(json.dumps(as_record(rows, threads=2)))
    assert written["threads"] == 2
    assert written["rows"][0]["seconds"] == {"cold": [3.0, 12.0, 2.0]}
    assert written["rows"][0]["median"] == {"cold": 3.0}
    assert written["rows"][1]["skipped"] == "not installed"


def test_the_chart_is_a_png(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw(rows_of(("engine", True, 3.0), ("a", False, 5.0)), tmp_path / "chart.png", title="one document")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


def test_each_peer_appears_with_each_of_its_settings_under_a_name_of_its_own() -> None:
    for field in (contenders(), batch_contenders((1, 4))):
        labels = [contender.label for contender in field]
        assert len(set(labels)) == len(labels)
        assert sum(contender.ours for contender in field) in (1, 2)
    assert {contender.kind.name for contender in contenders()} == {
        "engine",
        "guidance",
        "llama-server",
        "outlines",
        "llama-cpp-python",
    }
