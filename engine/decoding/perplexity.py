"""Perplexity: how well a model foresees a text, the usual measure of what other weights of the same model have lost.

exp of the mean of -log P(token | the tokens before it in its chunk), without any template around the text. Only figures over the
same text and the same chunks can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.decoding.language_model import Feed, Row
from engine.decoding.llama import LlamaContext
from engine.decoding.loaded_model import LoadedModel, load_model
from engine.decoding.settings import ModelSettings
from engine.errors import UsageError
from engine.models.progress import SILENT, Progress, stage

_CHUNK = 512  # tokens
_UNCOUNTED = 32  # at the beginning of a chunk, where little is known of the text


def perplexity(path: Path, text: str, *, tokens: int, settings: ModelSettings, progress: Progress = SILENT) -> float:
    """The perplexity of a model over the first `tokens` tokens of a text. `UsageError` where the text is too short."""
    model = load_model(path, settings)
    found = model.tokenize(text.encode("utf-8"))[:tokens]
    if len(found) <= 2 * _UNCOUNTED:
        raise UsageError(f"a text of {len(found)} tokens is too short for a perplexity; take one of some hundred")
    context = LlamaContext(model.native, model.settings)
    losses: list[float] = []
    try:
        for start in range(0, len(found), _CHUNK):
            chunk = found[start : start + _CHUNK]
            context.truncate(1, 0)
            with stage(progress, f"perplexity of {path.name}, tokens {start} to {start + len(chunk)}", None):
                rows = _rows(model, context, chunk)
                losses += [_loss(row, chunk[index]) for index, row in rows if index >= _UNCOUNTED]
    finally:
        context.close()
    return math.exp(math.fsum(losses) / len(losses))


def _rows(model: LoadedModel, context: LlamaContext, chunk: tuple[int, ...]) -> Iterator[tuple[int, Row]]:
    """For each token of a chunk but the first, its place and the logits before it."""
    first = () if model.native.bos is None or not model.native.adds_bos else (model.native.bos,)
    whole = (*first, *chunk)
    for start in range(0, len(whole) - 1, context.max_rows):
        fed = whole[start : min(start + context.max_rows, len(whole) - 1)]
        (rows,) = context.decode([Feed(1, start, fed, len(fed))])
        yield from enumerate(rows, start=start + 1 - len(first))


def _loss(row: Row, token: int) -> float:
    logits = row.astype(np.float64)
    most = logits.max()
    return float(most + math.log(np.exp(logits - most).sum()) - logits[token])
