"""Messages: what the server and the process of a model say to each other, each a value that can be pickled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.decoding.chat_template import Message
from engine.decoding.sampler import Sampling


@dataclass(frozen=True, slots=True)
class FreeText:
    """Any text at all."""


@dataclass(frozen=True, slots=True)
class AnyJsonObject:
    """Some JSON object."""


@dataclass(frozen=True, slots=True)
class SchemaConstraint:
    """JSON that is valid under a JSON Schema, given as its JSON text."""

    schema: str


@dataclass(frozen=True, slots=True)
class GbnfConstraint:
    """A text of a GBNF grammar."""

    gbnf: str


@dataclass(frozen=True, slots=True)
class ToolConstraint:
    """`{"name": …, "arguments": …}` of one of the tools, which are names with the JSON text of the schema of their arguments; if
    `optional`, or any text that does not begin with a brace."""

    tools: tuple[tuple[str, str], ...]
    optional: bool = False


AnswerConstraint = FreeText | AnyJsonObject | SchemaConstraint | GbnfConstraint | ToolConstraint


@dataclass(frozen=True, slots=True)
class GenerationOrder:
    """`prompt` is a conversation, or a text that the model goes on with. `max_tokens` None: as many as there is room for."""

    number: int
    prompt: tuple[Message, ...] | str
    constraint: AnswerConstraint
    sampling: Sampling
    max_tokens: int | None


@dataclass(frozen=True, slots=True)
class ExtractionOrder:
    """Objects of a schema out of a text; `options` are keyword arguments of `Extractor`."""

    number: int
    text: str
    schema: str
    options: tuple[tuple[str, Any], ...]
    sampling: Sampling
    max_tokens: int


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Nobody waits for this answer any more."""

    number: int


@dataclass(frozen=True, slots=True)
class StopOrder:
    """The process is to end at once."""


ServerOrder = GenerationOrder | ExtractionOrder | CancelOrder | StopOrder


@dataclass(frozen=True, slots=True)
class ModelLoaded:
    """The model is ready."""

    file: str
    size: int
    context: int
    sequences: int
    template: str
    plan: str


@dataclass(frozen=True, slots=True)
class ModelRefused:
    """The model cannot be loaded; its process ends after this."""

    reason: str


@dataclass(frozen=True, slots=True)
class TextPiece:
    """More bytes of an output; a character may be cut in two."""

    number: int
    data: bytes


@dataclass(frozen=True, slots=True)
class ObjectPiece:
    """An object that closed, as the JSON text of a record."""

    number: int
    record: str


@dataclass(frozen=True, slots=True)
class AnswerFinished:
    """`by_budget`: the end came by `max_tokens`, or by the end of a value that ran away."""

    number: int
    by_budget: bool
    prompt_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class AnswerFailed:
    """`kind` is the name of the error's class."""

    number: int
    status: int
    kind: str
    reason: str


Reply = TextPiece | ObjectPiece | AnswerFinished | AnswerFailed
ModelMessage = ModelLoaded | ModelRefused | Reply
