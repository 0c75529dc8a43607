"""Growth: what the size of an output, the number of documents and the size of a schema cost, without a model.

Masks and forced bytes are computed as decoding would, over tokens that are known, so nothing but the engine is measured.
Times are those of the processor in this thread: what else the machine does is not in them.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.automaton.automaton import Automaton
from engine.bench.peak import Peak
from engine.extraction.compilation import compile_schema
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher

TokenizeText = Callable[[bytes], tuple[int, ...]]

_COMPILATIONS = 5
_PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Growth:
    """`first` and `last` are the figure of the small size and of the large one."""

    name: str
    unit: str
    first: float
    last: float

    @property
    def factor(self) -> float:
        return self.last / self.first if self.first else 0.0


def items(walks: Walks, tokenize: TokenizeText, count: int) -> Growth:
    """Microseconds a token over the second and the last tenth of an array of `count` items."""
    text = json.dumps([{"name": f"Person {number}", "age": number % 100} for number in range(count)])
    return _output(f"{count} array items", {"type": "array", "items": _PERSON}, text, walks, tokenize)


def guarded_items(walks: Walks, tokenize: TokenizeText, size: int) -> Growth:
    """The same of an array of so many bytes, each of whose items a guard reads."""
    one = json.dumps({"name": "Person", "age": 30})
    text = "[" + ", ".join([one] * (size // (len(one) + 2))) + "]"
    guarded = {**_PERSON, "not": {"properties": {"age": {"const": 7}}}}
    return _output(f"array of {size} bytes, guarded", {"type": "array", "items": guarded}, text, walks, tokenize)


def long_string(walks: Walks, tokenize: TokenizeText, size: int) -> Growth:
    """The same of one string of so many bytes."""
    words = "The quick brown fox jumps over the lazy dog. "
    text = json.dumps({"text": (words * (size // len(words) + 1))[:size]})
    wanted = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    return _output(f"string of {size} bytes", {**wanted, "additionalProperties": False}, text, walks, tokenize)


def _output(name: str, wanted: dict[str, Any], text: str, walks: Walks, tokenize: TokenizeText) -> Growth:
    tokens = tokenize(text.encode())
    matcher = Matcher(Masks(Automaton(compile_schema(wanted, style="spaced")), walks))
    tenth = max(1, len(tokens) // 10)
    marks = []
    started = time.thread_time()
    for place, token in enumerate(tokens):
        if place % tenth == 0:
            marks.append(time.thread_time() - started)
        _step(matcher, token)
    marks.append(time.thread_time() - started)
    last = -2 if len(tokens) % tenth else -1
    return Growth(
        name,
        "µs a token, second and last tenth",
        (marks[2] - marks[1]) / tenth * 1e6,
        (marks[last] - marks[last - 1]) / tenth * 1e6,
    )


def documents_growth(walks: Walks, tokenize: TokenizeText, count: int) -> tuple[Growth, Growth]:
    """MiB of the process, and microseconds a token, over the first and the last tenth of `count` documents of one schema."""
    masks = Masks(Automaton(compile_schema(_PERSON, style="spaced")), walks)
    tenth = max(1, count // 10)
    memory, rate = [], []
    for part in range(10):
        peak, tokens, started = Peak(), 0, time.thread_time()
        for number in range(part * tenth, (part + 1) * tenth):
            matcher = Matcher(masks)
            for token in tokenize(json.dumps({"name": f"Person {number}", "age": number}).encode()):
                _step(matcher, token)
                tokens += 1
        rate.append((time.thread_time() - started) / tokens * 1e6)
        most = peak.read()
        memory.append(most[1] / 2**20 if most is not None else 0.0)
    return (
        Growth(f"{count} documents", "MiB, first and last tenth", memory[0], memory[-1]),
        Growth(f"{count} documents", "µs a token, first and last tenth", rate[0], rate[-1]),
    )


def schema(size: int) -> Growth:
    """Milliseconds to compile a schema of `size` objects, and one of ten times as many; medians, in turn."""
    small, large = zip(*((_compile(size), _compile(10 * size)) for _ in range(_COMPILATIONS)), strict=True)
    medians = statistics.median(small), statistics.median(large)
    return Growth(f"schema of {size} and {10 * size} objects", "ms to compile, median", *medians)


def _compile(size: int) -> float:
    definitions: dict[str, Any] = {
        f"Part{number}": {
            "type": "object",
            "properties": {f"field_{number}_{place}": {"type": "string", "maxLength": 20} for place in range(5)},
            "additionalProperties": False,
        }
        for number in range(size)
    }
    properties = {name.lower(): {"$ref": f"#/$defs/{name}"} for name in definitions}
    started = time.thread_time()
    Automaton(
        compile_schema(
            {"type": "object", "properties": properties, "required": list(properties), "$defs": definitions}
            | {"additionalProperties": False}
        )
    )
    return (time.thread_time() - started) * 1e3


def _step(matcher: Matcher, token: int) -> None:
    matcher.mask()
    matcher.forced()
    matcher.accept(token)
    if matcher.guarded:
        matcher.output_between(matcher.items_end, matcher.items_end)
