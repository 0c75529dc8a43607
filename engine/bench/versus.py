"""Versus: this engine beside its peers, in interleaved rounds.

Each contender is one peer with one choice of settings, so that each peer also appears at its own best; ratios are to the
best of the others. In each round every contender has its turn, so that what disturbs the machine disturbs all of them;
medians count. Before each timed run an untimed one puts another prompt into the contender's cache: one that begins
differently (cold), or one of another document after the same instructions (warm).
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.bench.peers.work import Answer, Prompt, Work
from engine.bench.seat import PeerFailed, PeerKind, Seat

OURS = PeerKind("engine", "engine.bench.peers.ours", "Ours")
_GUIDANCE = PeerKind("guidance", "engine.bench.peers.guidance", "Guidance", ("guidance", "llama_cpp"))
_SERVER = PeerKind("llama-server", "engine.bench.peers.server", "Server", ("xllamacpp",))
_OUTLINES = PeerKind("outlines", "engine.bench.peers.outlines", "Outlines", ("outlines", "numba", "llama_cpp"))
OWN_WEIGHTS = "engine, its own choice of weights"
_PLAIN = PeerKind("llama-cpp-python", "engine.bench.peers.llama_cpp_python", "LlamaCppPython", ("llama_cpp",))


@dataclass(frozen=True, slots=True)
class Contender:
    """One peer with one choice of settings; `options` go into its `Work`, as does `model` where it is another file."""

    kind: PeerKind
    label: str
    options: dict[str, Any] = field(default_factory=dict)
    model: str | None = None

    @property
    def ours(self) -> bool:
        return self.kind.name == OURS.name


def contenders(own_weights: str | None = None) -> tuple[Contender, ...]:
    """All of them, ours first, each peer with and without flash attention. `own_weights` is the file that we would choose."""
    found = [Contender(OURS, "engine"), *_own(own_weights)]
    for kind, label, options in (
        (_GUIDANCE, "guidance", {}),
        (_SERVER, "llama-server", {}),
        (_OUTLINES, "outlines", {}),
        (_PLAIN, "llama-cpp-python, grammar", {}),
        (_PLAIN, "llama-cpp-python, free", {"free": True}),
    ):
        for flash in (False, True):
            suffix = ", flash attention" if flash else ""
            found.append(Contender(kind, label + suffix, {**options, "flash_attention": flash}))
    return tuple(found)


def _own(weights: str | None) -> list[Contender]:
    return [] if weights is None else [Contender(OURS, OWN_WEIGHTS, {"sequences": None}, weights)]


def batch_contenders(sequences: Sequence[int], own_weights: str | None = None) -> tuple[Contender, ...]:
    """Ours and the server with each number of sequences, what decodes one at a time, and ours as it is without any choice."""
    ours = [Contender(OURS, f"engine, {count} sequences", {"sequences": count}) for count in sequences]
    slots = [Contender(_SERVER, f"llama-server, {count} slots", {"slots": count}) for count in sequences]
    alone = [Contender(_GUIDANCE, "guidance"), Contender(_PLAIN, "llama-cpp-python, grammar")]
    return (*ours, *_own(own_weights), *slots, *alone)


@dataclass(slots=True)
class ContenderRow:
    """One contender: the seconds of each round by condition, or why there are none."""

    label: str
    ours: bool
    version: str = ""
    seconds: dict[str, list[float]] = field(default_factory=dict)
    tokens: int = 0
    output: str = ""
    skipped: str = ""

    def median(self, condition: str) -> float | None:
        found = self.seconds.get(condition)
        return statistics.median(found) if found else None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one round asks of each contender: a condition's name, what is put before it, and what is timed."""

    condition: str
    before: Prompt | None
    prompts: tuple[Prompt, ...]
    max_tokens: int


def versus(
    field_: Iterable[Contender],
    work: Work,
    turns: Sequence[Turn],
    *,
    rounds: int,
    count: Callable[[str], int],
    tell: Callable[[str], None] = lambda _: None,
) -> list[ContenderRow]:
    """Play all rounds, or as many as are over at an interrupt.

    `count` says how many tokens of the model a text is; one that fails keeps its reason as `skipped`.
    """
    rows: list[ContenderRow] = []
    with ExitStack() as stack:
        seats: dict[str, Seat] = {}
        for contender in field_:
            row = ContenderRow(contender.label, contender.ours)
            rows.append(row)
            if contender.kind.missing:
                row.skipped = f"not installed: {', '.join(contender.kind.missing)}; pip install 'engine[bench]'"
                continue
            tell(f"{contender.label}: loading")
            try:
                seat = stack.enter_context(Seat(contender.kind, _work_of(contender, work)))
            except PeerFailed as error:
                row.skipped = error.reason
                continue
            seats[row.label], row.version = seat, seat.version
        with suppress(KeyboardInterrupt):  # what was measured until then counts
            for number in range(rounds + 1):  # the first fills caches and is not counted
                for turn in turns:
                    for row, seat in _playing(rows, seats):
                        tell(f"round {number} of {rounds}, {turn.condition}: {row.label}")
                        _play(row, seat, turn, counted=number > 0, count=count)
    return rows


def _work_of(contender: Contender, work: Work) -> Work:
    return replace(work, options=contender.options, model=contender.model or work.model)


def _playing(rows: Sequence[ContenderRow], seats: dict[str, Seat]) -> Iterator[tuple[ContenderRow, Seat]]:
    return ((row, seats[row.label]) for row in rows if not row.skipped)


def _play(row: ContenderRow, seat: Seat, turn: Turn, *, counted: bool, count: Callable[[str], int]) -> None:
    try:
        if turn.before is not None:
            seat.run([turn.before], 1)
        answer: Answer = seat.run(turn.prompts, turn.max_tokens)
    except PeerFailed as error:
        row.skipped, row.seconds = error.reason, {}
        return
    if counted:
        row.seconds.setdefault(turn.condition, []).append(answer.seconds)
    row.tokens = sum(map(count, answer.outputs))
    row.output = answer.outputs[0]


@dataclass(frozen=True, slots=True)
class TimeRatio:
    """Our time by the best peer's; below 1 we are faster. `least` compares the least times, which others disturb least."""

    ours: str
    peer: str
    median: float
    least: float


def ratios(rows: Sequence[ContenderRow], condition: str) -> list[TimeRatio]:
    """For the same weights and for our own choice of them: the best of our rows beside the best of the peers'."""
    ran = [row for row in rows if row.seconds.get(condition)]
    theirs = [row for row in ran if not row.ours]
    found = []
    for own in (False, True):
        ours = [row for row in ran if row.ours and (row.label == OWN_WEIGHTS) == own]
        if ours and theirs:
            (one, label), (best, peer) = (
                _best(ours, condition, statistics.median),
                _best(theirs, condition, statistics.median),
            )
            least = _best(ours, condition, min)[0] / _best(theirs, condition, min)[0]
            found.append(TimeRatio(label, peer, one / best, least))
    return found


def _best(rows: Sequence[ContenderRow], condition: str, of: Callable[[list[float]], float]) -> tuple[float, str]:
    return min((of(row.seconds[condition]), row.label) for row in rows)


def machine() -> str:
    """The processor, in words."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    found = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{found}, {os.cpu_count()} logical processors, {platform.system()}"


def as_record(rows: Sequence[ContenderRow], **facts: Any) -> dict[str, Any]:
    """What goes into the JSON file: the facts of the run, and every second of every round."""
    return {
        "machine": machine(),
        **facts,
        "rows": [
            {
                "contender": row.label,
                "version": row.version,
                "seconds": row.seconds,
                "median": {name: statistics.median(found) for name, found in row.seconds.items() if found},
                "tokens": row.tokens,
                "output": row.output,
                "skipped": row.skipped,
            }
            for row in rows
        ],
    }
