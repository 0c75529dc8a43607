"""A vocabulary drawn by hand, a little language over it, and runs of it on scripted models."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from finite_matcher import FiniteLanguage, FiniteMatcher

from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.generation import Jump
from engine.decoding.language_model import Row, TokenMatcher
from engine.decoding.output_state import Finish
from engine.decoding.pass_times import PassTimes
from engine.decoding.sampler import GREEDY, Sampling
from engine.decoding.scheduler import Request, Run, Workspace
from engine.decoding.scripted import Script, ScriptedModel, ScriptedSequences
from engine.decoding.statistics import Statistics
from engine.errors import EngineError
from engine.grounding.decision import Decisions
from engine.masks.vocabulary import Vocabulary

# Tokens that end inside of a value, span the border between key and value, repeat, are empty, split a character or have
# more than 32 bytes.
PIECES: tuple[bytes, ...] = (
    b"<end>",
    b"<begin>",
    *(bytes([byte]) for byte in b'[]{}": ,0123456789JohnMaryBbagemz_'),
    b'{"',
    b"name",
    b'":',
    b'": "',
    b'": "J',
    b"name",
    b"",
    b' "',
    b'", "',
    b"age",
    b'": ',
    b'": 2',
    b"20",
    b"0}",
    b"}]",
    b"]",
    b"John",
    b"Jo",
    b"Mary",
    b"\xc3",
    b"\xbc",
    "ü".encode(),
    b"_" * 40,
    b'"}, {"name": "',
)
VOCABULARY = Vocabulary.from_pieces(PIECES, signals=[1], end_tokens=[0])
NAMES = ("John", "Jon", "Mary", "Bob", "hü", "_" * 43)
OUTPUTS = tuple(f'[{{"name": "{name}", "age": {age}}}]'.encode() for name in NAMES for age in (2, 20, 21, 205)) + tuple(
    f'[{{"name": "{name}", "age": 1}}, {{"name": "Bob", "age": 2}}]'.encode() for name in NAMES
)
PROMPT = tuple(range(2, 12))


LANGUAGE = FiniteLanguage(OUTPUTS, VOCABULARY)


def matcher() -> FiniteMatcher:
    return FiniteMatcher(LANGUAGE)


def prompt(document: int) -> tuple[int, ...]:
    return (*PROMPT, 2 + document % 20, 3, 4)


def run(
    script: Script,
    documents: int = 3,
    *,
    jump: Jump = "spelled",
    count: int = 1,
    n_batch: int = 64,
    n_ctx: int = 4096,
    max_tokens: int = 60,
    sampling: Sampling = GREEDY,
    make: Callable[[], TokenMatcher] = matcher,
    statistics: Statistics | None = None,
    prefix: Iterable[int] = PROMPT,
    ask: Callable[[int], tuple[int, ...]] = prompt,
    times: PassTimes | None = None,
    decisions: Decisions | None = None,
) -> dict[int, tuple[bytes, Finish | EngineError]]:
    """Decode some documents; by document, the output and how it ended."""
    sequences = ScriptedSequences(VOCABULARY, script, count=count, n_batch=n_batch, n_ctx=n_ctx)
    space = Workspace(VOCABULARY, ForcedTokenizer(ScriptedModel(VOCABULARY)), sequences)
    outputs: dict[int, bytes] = {}
    ends: dict[int, Finish | EngineError] = {}
    driver = Run(
        range(documents),
        lambda index, _: Request(ask(index), make(), max_tokens, sampling, decisions=decisions),
        prefix=tuple(prefix),
        jump=jump,
        statistics=statistics,
        times=times,
    )
    for event in driver.events(space):
        assert event.document not in ends, "an event after the last one"
        outputs[event.document] = outputs.get(event.document, b"") + event.data
        end = event.error or event.finish
        if end is not None:
            ends[event.document] = end
    assert set(ends) == set(range(documents))
    return {document: (outputs[document], ends[document]) for document in ends}


def text_of(tokens: tuple[int, ...]) -> bytes:
    return b"".join(PIECES[token] for token in tokens)


def spelled_script(script: Script, strength: float = 50.0) -> Script:
    """A model that writes the longest token that it may: it spells forced text as `ScriptedModel.tokenize` does."""
    bonus = np.array([strength * len(piece) for piece in PIECES], dtype=np.float32)

    def spelled(tokens: tuple[int, ...]) -> Row:
        return script(tokens) + bonus

    return spelled
