"""Ownership: loaded models are shared, contexts have one owner at a time.

`load_model` gives the same `LoadedModel` for the same file and settings. A run leases a context from the model's pool for as
long as it is going on: nested runs, threads, and a consumer that pauses for an hour have contexts of their own; a run
that is closed, exhausted or forgotten gives its back. After a fork the child starts anew: what the parent loaded is
neither used nor freed there, and a model is loaded again when it is first used.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from engine.decoding import forking
from engine.decoding.generation import Jump
from engine.decoding.gpu import layers_on_gpu
from engine.decoding.llama import LlamaModel, describe_backend, offloads_to_gpu
from engine.decoding.memory import available_memory, require_memory
from engine.decoding.pass_times import PassTimes, Workload
from engine.decoding.plan_choice import PlanChoice, kept_plan, plan_for
from engine.decoding.pool import NativeLanguage, Pool, on_gpu
from engine.decoding.prompt_encoder import TextTraits
from engine.decoding.scheduler import Event, Later, Request, Run
from engine.decoding.settings import ModelSettings
from engine.decoding.special_tokens import SpecialTokens
from engine.decoding.statistics import Statistics
from engine.decoding.token_table import TokenTable, read_tokens
from engine.decoding.weights_gain import kept_gain, known_gain
from engine.errors import ModelFileInvalid, ModelNotFound
from engine.masks.vocabulary import Vocabulary
from engine.models.parts import read_parts

T = TypeVar("T")

# Models that nobody uses and that are kept for the next call.
_RECENT_MODELS = 2

# A file, the layers on a GPU and the layouts of weights that a loaded model was made with.
_Weights = tuple["_Identity", "int | None", "bool | None"]

# Path, size, time of the last change, inode: another file under the same name is another model.
_Identity = tuple[Path, int, int, int]


class LoadedModel:
    """A model file with its tokens and its pool of contexts; `load_model` makes them."""

    def __init__(self, path: Path, settings: ModelSettings) -> None:
        self.path = path
        self.name = path.name
        self.settings = settings
        self.plan = ""  # how it is run on this machine, in one line
        self.times: PassTimes | None = None  # where they were measured
        self._tokens: TokenTable = read_tokens(path)
        self._pool = self._open()

    # -- what prompts and grammars need to know

    @property
    def vocabulary(self) -> Vocabulary:
        return self._tokens.vocabulary

    @property
    def specials(self) -> SpecialTokens:
        return self._tokens.specials

    @property
    def markers(self) -> frozenset[int]:
        return self._tokens.markers

    @property
    def chat_template(self) -> str | None:
        """The Jinja text inside the file."""
        return self.native.metadata("tokenizer.chat_template")

    @property
    def traits(self) -> TextTraits:
        native = self.native
        prefix = native.metadata("tokenizer.ggml.add_space_prefix")
        return TextTraits(
            bos=native.bos,
            bos_text=_text(native, native.bos),
            eos_text=_text(native, native.eos),
            adds_bos=native.adds_bos,
            space_prefix=native.is_sentencepiece and prefix != "false",
        )

    def tokenize(self, text: bytes, /) -> tuple[int, ...]:
        return self.native.tokenize(text)

    # -- what runs need

    @property
    def native(self) -> LlamaModel:
        """The model inside llama.cpp."""
        return self._own_pool().native

    def decode(
        self,
        documents: Iterable[T | Later],
        prepare: Callable[[int, T], Request],
        *,
        prefix: Sequence[int] = (),
        jump: Jump = "spelled",
        statistics: Statistics | None = None,
    ) -> Generator[Event, None, None]:
        """Decode documents; see `Run`. A context is leased with the first event and given back after the last."""
        run = Run(documents, prepare, prefix=prefix, jump=jump, statistics=statistics, times=self.times)
        run.statistics.plan = self.plan
        with run.statistics.stage("load"):
            pool = self._own_pool()
            workspace = pool.lease(run.prefix)
        try:
            yield from run.events(workspace)
        finally:
            # In a forked child the pool of the parent takes it, and frees nothing.
            pool.give_back(workspace)

    def _own_pool(self) -> Pool:
        """The pool of this process; after a fork the child makes its own."""
        if self._pool.generation != forking.generation():
            with _registry.lock:
                if self._pool.generation != forking.generation():
                    self._pool = self._open()
        return self._pool

    def _open(self) -> Pool:
        return Pool(NativeLanguage(_registry.weights(self.path, self.settings), self.vocabulary), self.settings)


class _Registry:
    """What is loaded in this process."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._weights: weakref.WeakValueDictionary[_Weights, LlamaModel] = weakref.WeakValueDictionary()
        self._models: weakref.WeakValueDictionary[tuple[_Identity, ModelSettings], LoadedModel] = (
            weakref.WeakValueDictionary()
        )
        # Held, so that a call finds the model of the call before.
        self._recent: OrderedDict[tuple[_Identity, ModelSettings], LoadedModel] = OrderedDict()

    def model(self, path: Path, settings: ModelSettings) -> LoadedModel:
        with self.lock:
            key = (_identity(path), settings)
            model = self._models.get(key)
            if model is None:
                model = self._models[key] = LoadedModel(path, settings)
            self._recent[key] = model
            self._recent.move_to_end(key)
            while len(self._recent) > _RECENT_MODELS:
                self._recent.popitem(last=False)
            return model

    def weights(self, path: Path, settings: ModelSettings) -> LlamaModel:
        """The file inside llama.cpp, once for all settings of contexts."""
        with self.lock:
            identity = _identity(path)
            kind = (identity, settings.gpu_layers, settings.extra_buffers)
            native = self._weights.get(kind)
            if native is None:
                parts = read_parts(path)  # llama.cpp can abort on a damaged file; this says what is wrong with it
                if not on_gpu(settings):
                    require_memory(parts.size, available_memory())
                native = self._weights[kind] = LlamaModel(path, settings)
            return native

    def forget(self) -> None:
        """In a forked child: the lock may be held by a thread that is not there, the weights are the parent's."""
        self.lock = threading.RLock()
        self._weights = weakref.WeakValueDictionary()

    def unload(self) -> None:
        with self.lock:
            self._recent.clear()


_registry = _Registry()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_registry.forget)


def load_model(
    path: str | Path,
    settings: ModelSettings | None = None,
    *,
    tell: Callable[[str], None] = lambda _: None,
    work: Workload | None = None,
) -> LoadedModel:
    """The model in a GGUF file, loaded once for the same file and settings.

    The first time that this machine uses it, it is tried in a child process (see `plan_choice`); `tell` hears of it. What is
    fastest is chosen for `work`, by default documents of some hundred tokens with short answers.
    `ModelNotFound`, `ModelFileInvalid`, `NotEnoughMemory` and `ModelKillsProcess` say what is wrong and what to do.
    """
    path, settings = Path(path), (settings or ModelSettings()).loading
    choice = plan_of(path, settings, tell, work)
    model = _registry.model(path, choice.plan.applied(settings))
    gain = known_gain(path, settings)
    model.plan = "; ".join(filter(None, (str(choice), gain.advice(path) if gain else "")))
    model.times = choice.times
    return model


def plan_of(
    path: Path, settings: ModelSettings, tell: Callable[[str], None] = lambda _: None, work: Workload | None = None
) -> PlanChoice:
    """How a model is run on this machine."""
    _identity(path)
    if settings.gpu_layers and not offloads_to_gpu():
        tell(
            f"gpu_layers is {settings.gpu_layers}, but llama.cpp was built without a GPU: {path.name} runs on the processor"
        )
    settings = replace(settings, gpu_layers=layers_on_gpu(path, settings) if offloads_to_gpu() else 0)

    def check() -> None:
        parts = read_parts(path)  # llama.cpp can abort on a damaged file; this says what is wrong with it
        if not on_gpu(settings):
            require_memory(parts.size, available_memory())

    choice = plan_for(path, settings, describe_backend, tell, check, work)
    return replace(choice, plan=replace(choice.plan, gpu_layers=settings.gpu_layers or 0))


def forget_plan(path: Path, settings: ModelSettings) -> None:
    """Try and measure a model anew the next time."""
    on_this = replace(settings, gpu_layers=layers_on_gpu(path, settings) if offloads_to_gpu() else 0)
    for kept in (kept_plan(path, on_this, describe_backend()), kept_gain(path, settings)):
        kept.unlink(missing_ok=True)


def unload_models() -> None:
    """Let go of the models that are only kept for the next call; those in use stay."""
    _registry.unload()


def _identity(path: Path) -> _Identity:
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise ModelNotFound(path.name, (str(path),)) from error
    except OSError as error:
        raise ModelFileInvalid(path, f"cannot be read: {error.strerror}") from error
    return path.resolve(), status.st_size, status.st_mtime_ns, status.st_ino


def _text(native: LlamaModel, token: int | None) -> str:
    return "" if token is None else native.text(token).decode("utf-8", "replace")
