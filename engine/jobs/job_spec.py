"""Job spec: what a job does to each document, as a value that travels to worker processes.

The type itself does not travel: `read_type` makes it anew in each process, because a class of a file that was run by name
cannot be pickled. A job spec gives an extractor, and the fingerprint by which a job knows whether it is still the same job.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import date as Date
from functools import partial
from importlib.metadata import version
from types import CodeType
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic_core import to_json

from engine import __version__
from engine.automaton.automaton import Automaton
from engine.decoding.fast_weights import default_weights
from engine.decoding.generation import MAX_BACKTRACKS
from engine.decoding.prompt_encoder import read_chat_format
from engine.decoding.sampler import GREEDY, Sampling
from engine.decoding.settings import ModelSettings
from engine.errors import NotPrintable, UsageError
from engine.extraction.answer_writer import AnswerWriter
from engine.extraction.arguments import check_arguments, pairs, value_bounds
from engine.extraction.batch import Batch
from engine.extraction.compilation import DEFAULT_STYLE, array_of, certify, lower_schema, read_schema
from engine.extraction.document import Document
from engine.extraction.extraction import Loops, OnBudget, Stats
from engine.extraction.extractor import Extractor, Mode
from engine.extraction.grounded import GroundedMode, Rank
from engine.extraction.task import Example
from engine.grammar.gbnf_printer import print_gbnf
from engine.grammar.grammar import Grammar
from engine.lowering.certificate import Certificate
from engine.lowering.lowering import STYLES, Style
from engine.models import ModelFile, list_models, resolve
from engine.models.digest import sha256_of
from engine.models.environment import DEFAULT_MODEL, named_model
from engine.models.model_source import Requantized
from engine.models.parts import model_size
from engine.models.progress import SILENT, Progress, telling
from engine.objects.item import item_annotation, item_type

Fingerprint = dict[str, Any]
DEFAULT_SETTINGS = ModelSettings()
_NO_FACTS = ("metadata", "serialization", "ref", "schema_ref")


@dataclass(frozen=True, slots=True)
class JobSpec:
    """`read_type` is a picklable callable. `deterministic`: one sequence a context, so that no document's arithmetic
    depends on another; `chunk` is the most tokens of a text in one prompt."""

    read_type: Callable[[], Any]
    model: str | None = None
    mode: Mode = "many"
    instructions: str | None = None
    examples: tuple[Example, ...] = ()
    style: Style = DEFAULT_STYLE
    min_items: int = 0
    max_items: int | None = None
    max_tokens: int = 1024
    sampling: Sampling = GREEDY
    chunk: int | Literal["auto"] | None = None
    max_value_tokens: int | None = None
    loops: Loops = "end"
    on_budget: OnBudget = "mark"
    max_backtracks: int = MAX_BACKTRACKS
    grounded: GroundedMode = False
    rank: Rank = "calibrated"
    deterministic: bool = False
    settings: ModelSettings = DEFAULT_SETTINGS

    def __post_init__(self) -> None:
        if self.deterministic and (self.settings.sequences != 1 or self.settings.threads is None):
            raise UsageError("a deterministic job has one sequence a context and a given number of threads")
        value_bounds(self.max_value_tokens, self.loops)
        check_arguments(
            on_budget=self.on_budget,
            max_backtracks=self.max_backtracks,
            grounded=self.grounded,
            rank=self.rank,
        )
        if self.style not in STYLES:
            raise UsageError(f"style {self.style!r} is none of {', '.join(STYLES)}")

    @classmethod
    def of(cls, model_type: Any, **options: Any) -> JobSpec:
        """The job spec for a type that pickle finds by its name, or for a JSON Schema."""
        return cls(partial(_itself, model_type), **options)

    def as_json(self) -> Fingerprint:
        """Everything but the type, for the manifest; `from_json` reads it."""
        members = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "read_type"}
        return json.loads(to_json({**members, "sampling": asdict(self.sampling), "settings": asdict(self.settings)}))  # type: ignore[no-any-return]

    @classmethod
    def from_json(cls, read_type: Callable[[], Any], members: Fingerprint) -> JobSpec:
        """The job spec in a manifest, for a given type."""
        examples = tuple((text, answer) for text, answer in members["examples"])
        sampling, settings = Sampling(**members["sampling"]), ModelSettings(**members["settings"])
        return cls(read_type, **{**members, "examples": examples, "sampling": sampling, "settings": settings})

    def extractor(self, progress: Progress | None = None) -> Extractor:
        """An extractor of this process, with its model loaded."""
        return Extractor(
            self.read_type(),
            model=self.model,
            mode=self.mode,
            instructions=self.instructions,
            examples=self.examples,
            style=self.style,
            min_items=self.min_items,
            max_items=self.max_items,
            grounded=self.grounded,
            rank=self.rank,
            settings=self.settings,
            progress=progress,
        )

    def batch(self, extractor: Extractor, documents: Iterator[Document], stats: Stats, **heard: Any) -> Batch:
        """The batch of an extractor of this job spec."""
        return extractor.open_batch(
            documents,
            max_tokens=self.max_tokens,
            sampling=self.sampling,
            chunk=self.chunk,
            on_budget=self.on_budget,
            max_backtracks=self.max_backtracks,
            bounds=value_bounds(self.max_value_tokens, self.loops),
            stats=stats,
            **heard,
        )

    def seeded(self, seed: int | None) -> JobSpec:
        """The same with a seed: its own, else `seed`, else a new one; greedy decoding needs none."""
        if self.sampling.temperature == 0:
            return replace(self, sampling=replace(self.sampling, seed=None))
        wanted = self.sampling if self.sampling.seed is not None or seed is None else replace(self.sampling, seed=seed)
        return replace(self, sampling=wanted.seeded())

    def dated(self, date: str | None) -> JobSpec:
        """The same with a day for templates that write one: its own, else `date`, else today's."""
        if self.settings.date is not None:
            return self
        return replace(self, settings=replace(self.settings, date=date or Date.today().isoformat()))

    def with_model(self, begun: Fingerprint | None, *, here: bool, progress: Progress = SILENT) -> JobSpec:
        """The same with the name of a model where none is given: the one of the spec that the job was `begun` with. For a new job
        the default model, with fast weights where they pay and all is decoded `here`.
        """
        if self.model is not None or named_model() is not None:
            return self
        if begun is not None:
            return replace(self, model=begun.get("model") or DEFAULT_MODEL)
        if self.deterministic or not here:
            return replace(self, model=DEFAULT_MODEL)
        file = resolve(progress=progress)
        return replace(self, model=default_weights(file, self.settings, telling(progress), progress).name)


@dataclass(frozen=True, slots=True)
class Identity:
    """The fingerprint of a job spec: two jobs with an equal one give equal results, as far as arithmetic allows."""

    fingerprint: Fingerprint
    certificate: Certificate


def identify(spec: JobSpec, progress: Progress = SILENT) -> Identity:
    """The fingerprint of a job spec, each fact by a name that people know. Reads the model file where its digest is not
    cached.
    """
    model_type = spec.read_type()
    _refuse_examples(spec, model_type)
    certificate = certify(item_annotation(model_type), style=spec.style)
    facts = {
        **schema_fingerprint(spec, model_type, certificate),
        **model_fingerprint(resolve(spec.model, progress=progress), progress),
        **_arguments(spec),
    }
    return Identity(facts, certificate)


def schema_fingerprint(spec: JobSpec, model_type: Any, certificate: Certificate) -> Fingerprint:
    """What is enforced, and by which versions."""
    return {
        "engine": __version__,
        "llama-cpp-python": version("llama-cpp-python"),
        "schema": json_digest(_described(model_type)),
        "validators": json_digest(sorted(_validators(model_type))),
        "grammar": json_digest(_grammar_text(spec, model_type)),
        "certificate": json_digest(certificate.as_json()),
    }


def model_fingerprint(file: ModelFile, progress: Progress = SILENT, *, fresh: bool = False) -> Fingerprint:
    """The file that decodes; `fresh` reads it in any case."""
    known = None if fresh else file.sha256
    source = next((line.source for line in list_models() if line.name == file.name), None)
    origin = {"model made from": source.origin} if isinstance(source, Requantized) else {}
    return {
        "model": file.path.name,
        "model bytes": model_size(file.path),
        "model sha256": known or sha256_of(file.path, progress=progress, fresh=fresh),
        "chat format": file.chat_format,
        **origin,
    }


def _arguments(spec: JobSpec) -> Fingerprint:
    sampling, settings = spec.sampling, spec.settings
    facts: Fingerprint = {
        "mode": spec.mode,
        "instructions": spec.instructions,
        "examples": json_digest(json.loads(to_json(spec.examples))) if spec.examples else None,
        "style": spec.style,
        "min_items": spec.min_items,
        "max_items": spec.max_items,
        "max_tokens": spec.max_tokens,
        "chunk": spec.chunk,
        "max_value_tokens": spec.max_value_tokens,
        "loops": spec.loops,
        "on_budget": spec.on_budget,
        "max_backtracks": spec.max_backtracks,
        "grounded": spec.grounded,
        "rank": spec.rank,
        "think": settings.think,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "seed": sampling.seed,
        "n_ctx": settings.n_ctx,
        "kv_type": settings.kv_type,
        "gpu_layers": settings.gpu_layers or 0,
        "deterministic": spec.deterministic,
        "chat template": None if settings.chat_format is None else json_digest(read_chat_format(settings.chat_format)),
        "date": settings.date,
    }
    if spec.deterministic:
        facts |= {"threads": settings.threads, "n_batch": settings.n_batch}
    return facts


def json_digest(value: Any) -> str:
    """The sha256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _itself(value: Any) -> Any:
    return value


def _described(model_type: Any) -> Any:
    """The type as a JSON Schema, which is what its name, fields and descriptions come to."""
    annotation = item_annotation(model_type)
    if isinstance(annotation, dict | bool):
        return annotation
    core = TypeAdapter(annotation)
    return [getattr(annotation, "__name__", str(annotation)), json.loads(to_json(_plain(core.core_schema)))]


def _plain(schema: Any) -> Any:
    """A core schema without what is not data, and without references, which have addresses in them."""
    match schema:
        case dict():
            return {str(key): _plain(value) for key, value in schema.items() if key not in _NO_FACTS}
        case list() | tuple():
            return [_plain(value) for value in schema]
        case str() | int() | float() | bool() | None:
            return schema
        case type():
            return schema.__qualname__
        case _:
            return type(schema).__qualname__


def _validators(model_type: Any) -> Iterator[str]:
    """The source of each validator in Python: another body is another schema."""
    annotation = item_annotation(model_type)
    if isinstance(annotation, dict | bool):
        return
    waiting: list[Any] = [TypeAdapter(annotation).core_schema]
    while waiting:
        match waiting.pop():
            case dict() as schema:
                for key, value in schema.items():
                    if key == "function":
                        yield _source(value["function"] if isinstance(value, dict) else value)
                    elif key != "serialization":
                        waiting.append(value)
            case list() | tuple() as schemas:
                waiting += schemas


def _source(function: Any) -> str:
    plain = inspect.unwrap(getattr(function, "__func__", getattr(function, "func", function)))
    try:
        return inspect.getsource(plain)
    except (OSError, TypeError):  # typed in, in a single file, or not written in Python
        code = getattr(plain, "__code__", None)
        return _compiled(code) if code is not None else getattr(plain, "__qualname__", type(plain).__qualname__)


def _compiled(code: CodeType) -> str:
    """What a function does, where its text is not there; two versions of Python write it differently."""
    constants = [_compiled(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return f"{code.co_qualname} {code.co_code.hex()} {code.co_names} {constants}"


def _grammar(spec: JobSpec, model_type: Any) -> Grammar:
    schema = read_schema(item_annotation(model_type))
    root = array_of(schema, spec.min_items, spec.max_items) if spec.mode == "many" else schema
    return lower_schema(root, spec.style)


def _refuse_examples(spec: JobSpec, model_type: Any) -> None:
    """`ExampleInvalid` before any worker says so."""
    if spec.examples:
        automaton = Automaton(_grammar(spec, model_type))
        spelling = AnswerWriter(item_type(model_type), automaton, spec.style, spec.mode == "many", None)
        spelling.spelled(pairs(spec.examples))


def _grammar_text(spec: JobSpec, model_type: Any) -> Any:
    grammar = _grammar(spec, model_type)
    try:
        return print_gbnf(grammar, allow_unenforced=True)
    except NotPrintable as error:  # the schema's digest and the certificate's still tell it from others
        return list(error.reasons)
