"""Bench of masks: every instance of a MaskBench file walked token by token through the matcher.

Takes JSON lines of `{"id", "schema", "tests": [{"valid", "data"}]}` (gzip or plain) and a vocabulary. Each instance is
written by `json.dumps(x, ensure_ascii=False)` in style "any": a valid one must be accepted with the end allowed after
its last token, an invalid one must not. Gives one table, and one line a schema with the first thing that went wrong. All
schemas run in one process, as they would in a server; the memory of one is the peak above what was held before it.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.automaton.automaton import Automaton
from engine.bench.peak import Peak
from engine.errors import EngineError, SchemaError
from engine.extraction.compilation import compile_schema
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher

Tokenize = Callable[[bytes], tuple[int, ...]]


@dataclass(slots=True)
class CaseResult:
    """What one schema came to. `verdict` is "pass", "refused", "wrong accept", "wrong reject" or "error"."""

    id: str
    verdict: str = "pass"
    detail: str = ""
    compile_ms: float = 0.0
    tokens: int = 0
    max_mask_us: float = 0.0
    seconds: float = 0.0
    memory: int | None = None  # the most bytes above those held before
    process_memory: int | None = None  # the most bytes of the process
    mask_us: list[float] = field(default_factory=list, repr=False)


def read_cases(path: Path, limit: int | None) -> Iterator[dict[str, Any]]:
    """The first `limit` cases of a file of JSON lines, packed or not; all where it is None."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if limit is not None and number >= limit:
                return
            yield json.loads(line)


def run_case(case: dict[str, Any], walks: Walks, tokenize: Tokenize) -> CaseResult:
    """Compile one schema and walk all its instances, with the mask computed at every token."""
    outcome, peak = CaseResult(case["id"]), Peak()
    started = time.perf_counter()
    try:
        grammar = compile_schema(case["schema"], style="any")
        masks = Masks(Automaton(grammar), walks)
        outcome.compile_ms = (time.perf_counter() - started) * 1e3
        for test in case["tests"]:
            text = json.dumps(test["data"], ensure_ascii=False).encode("utf-8", errors="surrogatepass")
            accepted, detail = _walk(Matcher(masks), tokenize(text), outcome)
            if accepted != test["valid"]:
                outcome.verdict = "wrong accept" if accepted else "wrong reject"
                outcome.detail = detail or text.decode(errors="replace")[:300]
                break
    except SchemaError as error:
        outcome.verdict, outcome.detail = "refused", str(error)[:300]
    except (EngineError, RecursionError) as error:
        outcome.verdict, outcome.detail = "error", f"{type(error).__name__}: {error}"[:300]
    outcome.seconds = time.perf_counter() - started
    if (most := peak.read()) is not None:
        outcome.memory, outcome.process_memory = most
    outcome.max_mask_us = max(outcome.mask_us, default=0.0)
    outcome.tokens = len(outcome.mask_us)
    return outcome


def _walk(matcher: Matcher, tokens: tuple[int, ...], outcome: CaseResult) -> tuple[bool, str]:
    """Whether the mask allows each token and the end after the last; where it stopped."""
    for token in tokens:
        started = time.perf_counter()
        mask = matcher.mask()
        outcome.mask_us.append((time.perf_counter() - started) * 1e6)
        if not mask[token]:
            return False, f"after {matcher.output[-200:].decode(errors='replace')!r} token {token} is not allowed"
        matcher.accept(token)
    if not matcher.may_end:
        return False, f"may not end after {matcher.output[-200:].decode(errors='replace')!r}"
    return True, ""


def summarise(outcomes: list[CaseResult]) -> list[tuple[str, str]]:
    """The table's rows."""
    verdicts = [o.verdict for o in outcomes]
    mask = np.concatenate([np.array(o.mask_us) for o in outcomes] or [np.zeros(0)])
    compile_ms = np.array([o.compile_ms for o in outcomes if o.compile_ms])
    rows = [("schemas", str(len(outcomes))), ("passing", _share(verdicts.count("pass"), len(outcomes)))]
    for name in ("refused", "wrong accept", "wrong reject", "error"):
        rows.append((name, _share(verdicts.count(name), len(outcomes))))
    rows.append(("masks", str(len(mask))))
    if len(mask):
        marks = np.percentile(mask, [50, 95, 99, 100])
        rows.append(("mask µs mean/p50/p95/p99/max", " / ".join(f"{v:.0f}" for v in (mask.mean(), *marks))))
    if len(compile_ms):
        marks = np.percentile(compile_ms, [50, 95, 99, 100])
        rows.append(("compile ms p50/p95/p99/max", " / ".join(f"{v:.1f}" for v in marks)))
    slowest = max((o.seconds for o in outcomes), default=0.0)
    rows.append(("slowest schema; over 10 s", f"{slowest:.2f} s; {sum(o.seconds > 10 for o in outcomes)}"))
    return [*rows, *_memory(outcomes)]


def _memory(outcomes: list[CaseResult]) -> list[tuple[str, str]]:
    grown = np.array([o.memory for o in outcomes if o.memory is not None])
    most = max((o.process_memory for o in outcomes if o.process_memory is not None), default=0)
    if not len(grown):
        return []
    marks = " / ".join(f"{v / 2**20:.1f}" for v in np.percentile(grown, [50, 95, 99, 100]))
    over = sum((grown > 2**30).tolist())
    return [
        ("memory MiB p50/p95/p99/max; over 1 GiB", f"{marks}; {over}"),
        ("process at most", f"{most / 2**20:.0f} MiB"),
    ]


def _share(count: int, total: int) -> str:
    return f"{count} ({100 * count / max(total, 1):.2f} %)"


def as_line(outcome: CaseResult) -> str:
    """One JSON line for the results file."""
    row = asdict(outcome)
    del row["mask_us"]
    return json.dumps(row, ensure_ascii=False)
