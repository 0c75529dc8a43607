"""Ray: the same job as a Ray Data pipeline, for those who have a cluster (extra [ray]).

`Extract` is a callable class for `Dataset.map_batches` with a pool of actors: each loads the model once, in a worker
process of its own, so that a document that aborts llama.cpp ends in an error there as here. Where actors run, how often they
are started again, and how rows travel is Ray's business. `engine` and the schema must be importable on every node, and
the model must be there under the same name.

    dataset.map_batches(Extract, fn_constructor_args=(JobSpec.of(User),), batch_size=16, compute=ActorPoolStrategy(size=4))
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib import import_module
from itertools import islice
from queue import SimpleQueue
from typing import Any

from engine.errors import UsageError
from engine.extraction.document import Document, digest_of
from engine.jobs.job_spec import JobSpec
from engine.jobs.record import RecordedOutcome
from engine.jobs.worker_pool import Assignment, AssignmentResult, WorkerPool

_SLICE = 20_000  # documents that the driver hands over at once: its memory does not grow with the job
_BATCH = 8  # documents for each sequence of an actor, so that its places are seldom empty


class Extract:
    """Rows with a `text`, and an `id` if they have one, gain `objects` and `cut` (JSON arrays), `finish`, `error` (JSON or
    null), `chunks`, `prompt_tokens` and `seconds`. `key` is what a row's draws depend on; without it, its id or its text.
    """

    def __init__(self, spec: JobSpec, timeout: float | None = None) -> None:
        self._workforce = WorkerPool(spec, timeout=timeout)
        self._inbox: SimpleQueue[Assignment | None] = SimpleQueue()
        self._results = self._workforce.run(iter(self._inbox.get, None))
        self._count = 0

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        columns = {name: list(values) for name, values in batch.items()}
        size = len(columns["text"])
        for row in range(size):
            document = _document({name: values[row] for name, values in columns.items()})
            error = document.trouble
            result = None if error is None else RecordedOutcome.failed(error)
            self._inbox.put(Assignment(self._count, document, digest_of(document.text), result))
            self._count += 1
        found = [_columns(result) for result in islice(self._results, size)]
        return {**columns, **{name: [row[name] for row in found] for name in found[0]}}

    def close(self) -> None:
        """End the actor's worker process; Ray ends an actor with all of its processes."""
        self._inbox.put(None)
        for _ in self._results:
            pass


def _document(row: dict[str, Any]) -> Document:
    text = str(row["text"])
    if "key" in row:
        return Document(str(row["id"]), text, str(row["key"]))
    return Document.named(str(row["id"]), text) if "id" in row else Document.at_index(0, text)


def _columns(result: AssignmentResult) -> dict[str, Any]:
    outcome = result.outcome
    assert outcome is not None, "an actor is given no lines"
    return {
        "objects": f"[{', '.join(outcome.objects)}]",
        "finish": outcome.finish or "",
        "cut": json.dumps(outcome.cut),
        "error": json.dumps(outcome.error),
        "chunks": outcome.chunks,
        "prompt_tokens": outcome.prompt_tokens,
        "seconds": outcome.seconds,
        "outcome": json.dumps(asdict(outcome)),
        "tokens": result.tokens,
    }


class RayExecutor:
    """A job's documents through a pipeline of `Extract`; the driver writes the output, as it does without Ray."""

    def __init__(self, spec: JobSpec, *, actors: int, timeout: float | None, resources: dict[str, float]) -> None:
        self.backend: str | None = None
        self.restarts = 0
        self.stopping = False
        self._recipe = spec
        self._actors = actors
        self._timeout = timeout
        self._resources = resources

    def stop(self) -> None:
        """Write what is done in order, and leave the rest."""
        self.stopping = True

    def run(
        self, assignments: Iterator[Assignment], first: int = 0, idle: Callable[[], None] = lambda: None
    ) -> Iterator[AssignmentResult]:
        """Each assignment with its outcome, in order; `idle` is called between two slices."""
        while not self.stopping:
            slice_ = list(islice(assignments, _SLICE))
            if not slice_:
                return
            yield from self._slice(slice_)
            idle()

    def _slice(self, slice_: list[Assignment]) -> Iterator[AssignmentResult]:
        rows = [
            {"number": one.number, "id": str(one.document.id), "text": one.document.text, "key": one.document.key}
            for one in slice_
            if not one.is_done
        ]
        done = self._pipeline(rows) if rows else iter(())
        waiting: dict[int, AssignmentResult] = {}
        by_number = {one.number: one for one in slice_}
        for assignment in slice_:
            while not assignment.is_done and assignment.number not in waiting:
                if self.stopping:
                    return
                row = next(done)
                number = int(row["number"])
                waiting[number] = AssignmentResult(by_number[number], _outcome(row["outcome"]), int(row["tokens"]))
            yield (
                AssignmentResult(assignment, assignment.outcome)
                if assignment.is_done
                else waiting.pop(assignment.number)
            )

    def _pipeline(self, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        data: Any = import_module("ray.data")
        context = data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False  # the job shows its own, or none
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        size = min(_BATCH * self._recipe.settings.most_sequences, max(1, -(-len(rows) // self._actors)))
        dataset = data.from_items(rows, override_num_blocks=-(-len(rows) // size)).map_batches(
            Extract,
            fn_constructor_args=(self._recipe, self._timeout),
            batch_size=size,
            compute=data.ActorPoolStrategy(size=self._actors),
            **self._resources,
        )
        found: Iterator[dict[str, Any]] = iter(dataset.iter_rows())
        return found


def ray_executor(address: str, *, workers: int, timeout: float | None) -> Callable[[JobSpec], RayExecutor]:
    """What makes a job run on the cluster at `address`, with so many actors; "local" starts Ray on this machine."""
    try:
        ray: Any = import_module("ray")
        import_module("ray.data")
    except ImportError as error:
        raise UsageError(f"--ray needs the extra [ray], as in pip install 'engine[ray]' ({error})") from error
    if not ray.is_initialized():
        try:
            ray.init(address=None if address == "local" else address, log_to_driver=False, logging_level="error")
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UsageError(f"no Ray cluster at {address!r}: {error}") from error

    def make(spec: JobSpec) -> RayExecutor:
        gpu = {"num_gpus": 1.0} if spec.settings.gpu_layers else {}
        cpus = float(spec.settings.threads or 1)
        return RayExecutor(spec, actors=workers, timeout=timeout, resources={"num_cpus": cpus, **gpu})

    return make


def _outcome(text: str) -> RecordedOutcome:
    members = json.loads(text)
    error = members["error"]
    tuples = {"objects": tuple(members["objects"]), "cut": tuple(members["cut"])}
    return RecordedOutcome(**{**members, **tuples, "error": None if error is None else tuple(error)})
