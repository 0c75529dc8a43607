"""Estimate: what a job would be, before it is one: documents, tokens, what does not fit, time and memory.

All prompts are counted exactly. Time comes from a few documents, spread over the input, that are decoded as the job would
decode them, and from the tokens of the others in proportion; memory from the model file and the context.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from engine.decoding.memory import RESERVE, available_memory
from engine.extraction.chunks import split_text
from engine.extraction.document import Document
from engine.extraction.extraction import Stats
from engine.extraction.extractor import Extractor
from engine.jobs.input_digest import digest_input
from engine.jobs.job_spec import JobSpec
from engine.jobs.source import Source
from engine.models.parts import model_size

_SAMPLE = 4  # documents at least
_LISTED = 10


@dataclass(frozen=True, slots=True)
class Estimate:
    """`tokens` are those of all prompts; `fits` is how many one may have. `too_long` are the first of `unfit` documents, with
    their tokens; `no_text` counts those that are empty or no text. Times are in seconds, memory in bytes."""

    documents: int
    tokens: int
    longest: int
    fits: int
    unfit: int
    too_long: tuple[tuple[str, int], ...]
    no_text: int
    chunks: int
    sample: int
    sample_seconds: float
    seconds: float
    weights: int
    context: int
    available: int | None


def estimate(spec: JobSpec, source: Source, *, workers: int) -> Estimate:
    """Count everything and decode a sample; loads the model in this process."""
    extractor = spec.extractor()
    total = digest_input(source).documents
    wanted = max(_SAMPLE, spec.settings.most_sequences)
    sample_indices = {place * total // wanted for place in range(wanted)}
    tally = _Tally(spec, extractor)
    sample: list[Document] = []
    for number, entry in enumerate(source.read()):
        if entry.error is not None or entry.document.trouble is not None:
            tally.no_text += 1
        elif tally.add(entry.document) and number in sample_indices:
            sample.append(entry.document)
    sample_tokens, seconds = _measure(spec, extractor, sample)
    bytes_per_token = extractor.model.native.cache_shape.bytes_per_token(spec.settings.kv_type)
    return Estimate(
        total,
        tally.tokens,
        tally.longest,
        tally.fits,
        tally.unfit,
        tuple(tally.too_long),
        tally.no_text,
        tally.chunks,
        len(sample),
        seconds,
        seconds * tally.decoded / sample_tokens / workers if sample_tokens else 0.0,
        model_size(extractor.model.path),
        workers * (spec.settings.n_ctx * bytes_per_token + RESERVE),
        available_memory(),
    )


class _Tally:
    """Counts of the prompts so far; `decoded` are the tokens of those that fit."""

    def __init__(self, spec: JobSpec, extractor: Extractor) -> None:
        self.tokens = self.longest = self.unfit = self.no_text = self.chunks = self.decoded = 0
        self.too_long: list[tuple[str, int]] = []
        self.fits = extractor.longest_prompt(spec.max_tokens)
        self._extractor = extractor
        self._limit = extractor.chunk_limit(spec.chunk, spec.max_tokens)

    def add(self, document: Document) -> bool:
        """Count a document; whether it fits."""
        texts = [document.text]
        if self._limit is not None:
            model = self._extractor.model
            texts = [
                one.text for one in split_text(document.text, self._limit, model.tokenize, model.vocabulary.pieces)
            ]
        counts = [self._extractor.prompt_tokens(text) for text in texts]
        self.tokens += sum(counts)
        self.chunks += len(counts)
        self.longest = max(self.longest, *counts)
        if max(counts) <= self.fits:
            self.decoded += sum(counts)
            return True
        self.unfit += 1
        if len(self.too_long) < _LISTED:
            self.too_long.append((str(document.id), max(counts)))
        return False


def _measure(spec: JobSpec, extractor: Extractor, sample: list[Document]) -> tuple[int, float]:
    """Tokens of the prompts of the sample, and the seconds that it takes."""
    if not sample:
        return 0, 0.0
    # The first run makes masks that all later ones find.
    for _ in spec.batch(extractor, iter(sample[:1]), Stats()).as_done():
        pass
    started = time.perf_counter()
    tokens = sum(result.prompt_tokens for _, result in spec.batch(extractor, iter(sample), Stats()).as_done())
    return tokens, time.perf_counter() - started
