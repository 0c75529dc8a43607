"""Who owns what: nested runs, threads, runs that pause or are forgotten, and forks, on a real file in llama.cpp."""

from __future__ import annotations

import gc
import inspect
import subprocess
import sys
import threading
import weakref
from collections.abc import Generator
from pathlib import Path

import pytest
from finite_matcher import FiniteLanguage, FiniteMatcher

from engine.decoding import loaded_model
from engine.decoding.loaded_model import LoadedModel, load_model, unload_models
from engine.decoding.pool import IDLE_CONTEXTS
from engine.decoding.scheduler import Event, Request
from engine.decoding.settings import ModelSettings
from engine.decoding.statistics import Statistics
from engine.errors import ModelNotFound, NotEnoughMemory

SETTINGS = ModelSettings(n_ctx=256, n_batch=64, sequences=2, threads=1)
OUTPUTS = [f'{{"name": "{name}", "age": {age}}}'.encode() for name in ("John", "Mary", "Jo") for age in (1, 20, 21)]
PREFIX = tuple(range(20, 60))


@pytest.fixture(scope="module")
def language(bpe_path: Path) -> FiniteLanguage:
    return FiniteLanguage(OUTPUTS, load_model(bpe_path, SETTINGS).vocabulary)


@pytest.fixture
def model(bpe_path: Path) -> LoadedModel:
    return LoadedModel(bpe_path, SETTINGS)


def _events(
    model: LoadedModel, language: FiniteLanguage, count: int, statistics: Statistics | None = None
) -> Generator[Event, None, None]:
    def prepare(index: int, document: int) -> Request:
        return Request((*PREFIX, 70 + document, 80), FiniteMatcher(language), 40)

    return model.decode(range(count), prepare, prefix=PREFIX, statistics=statistics)


def _texts(events: Generator[Event, None, None]) -> dict[int, bytes]:
    texts: dict[int, bytes] = {}
    for event in events:
        assert event.error is None
        texts[event.document] = texts.get(event.document, b"") + event.data
    return texts


def test_the_same_file_and_settings_give_the_same_model(bpe_path: Path) -> None:
    model = load_model(bpe_path, SETTINGS)
    assert load_model(str(bpe_path), SETTINGS) is model
    other = load_model(bpe_path, ModelSettings(n_ctx=128))
    assert other is not model
    assert other.native is model.native


def test_a_model_that_nobody_uses_is_freed(bpe_path: Path) -> None:
    model = weakref.ref(load_model(bpe_path, ModelSettings(n_ctx=32)))
    unload_models()
    gc.collect()
    assert model() is None


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"absent\.gguf"):
        load_model(tmp_path / "absent.gguf")


def test_runs_one_after_the_other_use_one_context_and_its_prefix(model: LoadedModel, language: FiniteLanguage) -> None:
    first, second = Statistics(), Statistics()
    texts = _texts(_events(model, language, 3, first))
    assert _texts(_events(model, language, 3, second)) == texts
    assert second.reused_tokens == first.reused_tokens + len(PREFIX)
    assert second.forward_passes < first.forward_passes


def test_a_run_inside_of_a_run_has_a_context_of_its_own(model: LoadedModel, language: FiniteLanguage) -> None:
    expected = _texts(_events(model, language, 4))
    texts: dict[int, bytes] = {}
    for event in _events(model, language, 4):
        texts[event.document] = texts.get(event.document, b"") + event.data
        assert _texts(_events(model, language, 4)) == expected
    assert texts == expected


def test_threads_decode_side_by_side(model: LoadedModel, language: FiniteLanguage) -> None:
    expected = _texts(_events(model, language, 6))
    found: list[dict[int, bytes]] = []
    threads = [threading.Thread(target=lambda: found.append(_texts(_events(model, language, 6)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_a_run_that_pauses_holds_nobody_up(model: LoadedModel, language: FiniteLanguage) -> None:
    expected = _texts(_events(model, language, 4))
    paused = _events(model, language, 4)
    begun = next(paused)
    assert _texts(_events(model, language, 4)) == expected
    texts = _texts(paused)
    texts[begun.document] = begun.data + texts.get(begun.document, b"")
    assert texts == expected


def test_a_run_goes_on_in_another_thread(model: LoadedModel, language: FiniteLanguage) -> None:
    expected = _texts(_events(model, language, 4))
    events = _events(model, language, 4)
    first = next(events)
    rest: list[dict[int, bytes]] = []
    thread = threading.Thread(target=lambda: rest.append(_texts(events)))
    thread.start()
    thread.join()
    rest[0][first.document] = first.data + rest[0].get(first.document, b"")
    assert rest == [expected]


def test_closed_and_forgotten_runs_give_their_context_back(model: LoadedModel, language: FiniteLanguage) -> None:
    closed = _events(model, language, 4)
    next(closed)
    closed.close()
    forgotten = _events(model, language, 4)
    next(forgotten)
    del forgotten
    gc.collect()
    statistics = Statistics()
    _texts(_events(model, language, 1, statistics))
    # The prefix is there already: it is one of their contexts.
    assert statistics.reused_tokens == 2 * len(PREFIX)


def test_a_run_that_is_never_started_takes_no_context(
    model: LoadedModel, language: FiniteLanguage, monkeypatch: pytest.MonkeyPatch
) -> None:
    leased: list[object] = []
    monkeypatch.setattr("engine.decoding.pool.Pool.lease", lambda *arguments: leased.append(arguments))
    _events(model, language, 4).close()
    assert not leased


def test_a_run_keeps_its_model(bpe_path: Path, language: FiniteLanguage) -> None:
    events = _events(LoadedModel(bpe_path, SETTINGS), language, 4)
    next(events)
    unload_models()
    gc.collect()
    assert set(_texts(events).values()) <= {*OUTPUTS, *(output[end:] for output in OUTPUTS for end in range(40))}


def test_only_a_few_idle_contexts_are_kept(model: LoadedModel, language: FiniteLanguage) -> None:
    runs = [_events(model, language, 2) for _ in range(IDLE_CONTEXTS + 3)]
    for events in runs:
        next(events)
    for events in runs:
        _texts(events)
    assert len(model._pool._idle) == IDLE_CONTEXTS


def test_a_context_that_failed_does_not_come_back(model: LoadedModel, language: FiniteLanguage) -> None:
    events = _events(model, language, 2)
    next(events)
    inspect.getgeneratorlocals(events)["workspace"].sequences.usable = False
    events.close()
    assert not model._pool._idle


def test_what_does_not_fit_into_memory_is_refused_before_it_is_allocated(
    bpe_path: Path, language: FiniteLanguage, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = LoadedModel(bpe_path, SETTINGS)
    monkeypatch.setattr("engine.decoding.pool.available_memory", lambda: 1 << 20)
    with pytest.raises(NotEnoughMemory, match="lower n_ctx"):
        next(_events(model, language, 1))
    monkeypatch.setattr(loaded_model, "available_memory", lambda: 1 << 20)
    unload_models()
    del model
    gc.collect()
    with pytest.raises(NotEnoughMemory):
        LoadedModel(bpe_path, ModelSettings(n_ctx=64))


# -- forks, each in a process of its own, because a test must not fork a process with threads

_FORK = """
import gc, os, sys, threading
sys.path[:0] = {paths!r}
from pathlib import Path
from finite_matcher import FiniteLanguage, FiniteMatcher
from engine.decoding.loaded_model import load_model
from engine.decoding.scheduler import Request
from engine.decoding.settings import ModelSettings
from engine.errors import BackendFailed

OUTPUTS = {outputs!r}
model = load_model(Path({model!r}), ModelSettings(n_ctx=256, n_batch=64, sequences=2, threads=2))
language = FiniteLanguage(OUTPUTS, model.vocabulary)

def events():
    prepare = lambda index, document: Request((*range(20, 60), 70 + document, 80), FiniteMatcher(language), 40)
    return model.decode(range(3), prepare, prefix=range(20, 60))

def texts(events):
    found = {{}}
    for event in events:
        found[event.document] = found.get(event.document, b"") + event.data
    return found

def child():
    {child}

expected = texts(events())
running = events()
first = next(running)
pid = os.fork()
if pid == 0:
    code = 1
    try:
        child()
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)
_, status = os.waitpid(pid, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
rest = texts(running)
rest[first.document] = first.data + rest.get(first.document, b"")
assert rest == expected, (rest, expected)
assert texts(events()) == expected
print("parent and child are well")
"""


def _fork(bpe_path: Path, child: str) -> None:
    root = Path(__file__).parents[2]
    script = _FORK.format(
        paths=[str(root), str(root / "tests")],
        outputs=OUTPUTS,
        model=str(bpe_path),
        child=child.replace("\n", "\n    "),
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "parent and child are well\n", done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.parametrize(
    "child",
    [
        "assert texts(events()) == expected",
        "global running\ntry:\n    texts(running)\nexcept BackendFailed as error:\n    assert 'fork' in str(error)\n"
        "else:\n    raise AssertionError('the child used a context of its parent')",
        "global running, model\ndel running\ngc.collect()\nassert texts(events()) == expected",
        "thread = threading.Thread(target=lambda: texts(events()))\nthread.start()\nthread.join()\n"
        "assert texts(events()) == expected",
        "pass",
    ],
    ids=["decodes", "parents-run", "forgets", "threads", "does-nothing"],
)
def test_parent_and_child_of_a_fork_both_go_on(bpe_path: Path, child: str) -> None:
    _fork(bpe_path, child)
