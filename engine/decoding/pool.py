"""The pool of a model's contexts: each has one owner at a time, the others wait in the pool or are made anew.

A lease prefers the context that holds most of the wanted prefix, so the second run with a prompt does not evaluate it
again. A context that failed does not come back.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from engine.decoding import forking
from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.llama import LlamaContext, LlamaModel, offloads_to_gpu
from engine.decoding.memory import available_memory, require_memory
from engine.decoding.scheduler import Workspace, common_length
from engine.decoding.settings import ModelSettings
from engine.masks.vocabulary import Vocabulary

# Contexts that nobody owns and that are kept for the next run.
IDLE_CONTEXTS = 2


@dataclass(frozen=True, slots=True)
class NativeLanguage:
    """The `LanguageModel` that generations see; it does not hold the pool, which would close a cycle."""

    native: LlamaModel
    vocabulary: Vocabulary

    def tokenize(self, text: bytes, /) -> tuple[int, ...]:
        return self.native.tokenize(text)


class Pool:
    """The contexts of one model in one process, as far as nobody owns them."""

    def __init__(self, language: NativeLanguage, settings: ModelSettings) -> None:
        self.generation = forking.generation()
        self.native = language.native
        self._vocabulary = language.vocabulary
        self._spelling = ForcedTokenizer(language)
        self._settings = settings
        self._lock = threading.Lock()
        # Appending needs no lock: a run may be given up by the collector, in whatever thread that happens to be.
        self._idle: deque[Workspace[LlamaContext]] = deque()
        # Held, or the collector would free a context together with the forgotten run that is about to give it back.
        self._leased: dict[int, Workspace[LlamaContext]] = {}

    def lease(self, prefix: Sequence[int]) -> Workspace[LlamaContext]:
        """The idle context that holds most of `prefix`, or a new one."""
        with self._lock:
            idle = [self._idle.popleft() for _ in range(len(self._idle))]
            best = max(idle, key=lambda workspace: common_length(workspace.prefix, prefix), default=None)
            self._idle.extend(workspace for workspace in idle if workspace is not best)
            leased = best or self._create()
            self._leased[id(leased)] = leased
            return leased

    def give_back(self, workspace: Workspace[LlamaContext]) -> None:
        self._leased.pop(id(workspace), None)
        if workspace.sequences.usable and len(self._idle) < IDLE_CONTEXTS:
            self._idle.append(workspace)

    def _create(self) -> Workspace[LlamaContext]:
        settings = self._settings
        if not on_gpu(settings):
            bytes_per_token = self.native.cache_shape.bytes_per_token(settings.kv_type)
            require_memory(settings.n_ctx * bytes_per_token, available_memory())
        return Workspace(self._vocabulary, self._spelling, LlamaContext(self.native, settings))


def on_gpu(settings: ModelSettings) -> bool:
    """Whether llama.cpp puts a part of the model where the estimate of main memory says nothing."""
    return bool(settings.gpu_layers) and offloads_to_gpu()
