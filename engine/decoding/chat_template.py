"""A chat template: messages in, the text of the prompt out.

Templates come inside model files from anywhere, so they run in Jinja's sandbox and see plain values only. They get what
Hugging Face transformers gives them (`render_jinja_template`): `trim_blocks`, `lstrip_blocks`, loop controls, the inert block
`generation`, `tojson` without escapes, `raise_exception`, `strftime_now`, and the names `messages`, `tools`, `documents`,
`add_generation_prompt`, `bos_token`, `eos_token`. Besides these they get the switches of models that think, and `date_string`
as llama.cpp gives it. The clock is not theirs to read: the date is fixed when the template is made.

Whatever is in the messages is in the prompt. A template that wants contents as lists of parts gets parts; one that has no
place for a system message finds its text in front of the next user's; where that does not help either, `MessageLost` is
raised. Which of these a template needs is found by rendering contents that cannot stand in it by chance.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, time
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.errors import MessageLost, PromptError

Message = Mapping[str, str]

# What a template can raise besides Jinja's own errors: it is a program, and it may be wrong.
_FAILURES = (
    jinja2.TemplateError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
# Roles whose texts are instructions, which a user's turn can carry as well.
_INSTRUCTING = ("system", "developer")
# A template may take these words out of a text: they are the user's switches of models that think.
_SWITCH = re.compile(r"/(?:no_)?think\b|/system_override\b")
_THOUGHT_ENDS = re.compile(r"</think>|\[/THINK\]")


@dataclass(frozen=True, slots=True)
class Form:
    """How messages are put to a template: system texts in the next user's turn, and which contents are lists of parts."""

    folded: bool = False
    parts: frozenset[int] = frozenset()

    def shape(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        return [
            {**message, "content": [{"type": "text", "text": message["content"]}]}
            if index in self.parts
            else dict(message)
            for index, message in enumerate(fold_system(messages) if self.folded else messages)
        ]


class ChatTemplate:
    """`bos` and `eos` are the texts of the tokens that begin and end a text; `date` is today's where none is given.

    `thinks` is how the switch of a template that thinks is set. `name` stands in errors.
    """

    def __init__(
        self,
        source: str,
        *,
        bos: str = "",
        eos: str = "",
        date: Date | None = None,
        thinks: bool = False,
        name: str = "the model's chat template",
    ) -> None:
        self.source, self.name = source, name
        self.date = date or Date.today()
        self._forms: dict[tuple[str, ...], Form | PromptError] = {}
        self._constants = {
            "bos_token": bos,
            "eos_token": eos,
            "add_generation_prompt": True,
            "tools": None,
            "documents": None,
            "date_string": self._strftime_now("%d %b %Y"),
            "enable_thinking": thinks,
            "thinking": thinks,
        }
        try:
            self._template = self._environment().from_string(source)
        except _FAILURES as error:
            raise PromptError(f"{name} is not valid Jinja: {error}") from error

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt up to where the assistant's answer begins.

        `PromptError` with what the template objects to, `MessageLost` where a text would not be in the prompt.
        """
        form = self.form(tuple(message["role"] for message in messages))
        rendering = self._apply(form, messages)
        for index, message in enumerate(messages):
            if not _stands_in(message, rendering):
                raise MessageLost(self.name, index, message["role"])
        return rendering

    def form(self, roles: tuple[str, ...]) -> Form:
        """The first form in which a conversation of these roles comes through whole."""
        if roles not in self._forms:
            self._forms[roles] = self._find_form(roles)
        found = self._forms[roles]
        if isinstance(found, PromptError):
            raise found
        return found

    def _find_form(self, roles: tuple[str, ...]) -> Form | PromptError:
        probes = [{"role": role, "content": f"\U0010fff0{index}\U0010fff1"} for index, role in enumerate(roles)]
        failure: PromptError | None = None
        for folded in (False, True) if set(roles) & set(_INSTRUCTING) else (False,):
            form = Form(folded)
            for _ in range(2):
                try:
                    lost = self._lost(form, probes)
                except PromptError as error:
                    failure = failure or error
                    lost = list(range(len(form.shape(probes))))
                if not lost:
                    return form
                form = Form(folded, frozenset(lost))
        if failure is not None:
            return failure
        lost = self._lost(Form(), probes)
        return MessageLost(self.name, lost[0], roles[lost[0]])

    def _lost(self, form: Form, probes: Sequence[Message]) -> list[int]:
        """The shaped messages that are not in the rendering. (A list that is written out has the probe's escapes instead.)"""
        rendering = self._apply(form, probes)
        shaped = fold_system(probes) if form.folded else probes
        return [index for index, message in enumerate(shaped) if message["content"] not in rendering]

    def _apply(self, form: Form, messages: Sequence[Message]) -> str:
        try:
            return self._template.render(messages=form.shape(messages), **self._constants)
        except _FAILURES as error:
            raise PromptError(f"{self.name} refuses these messages: {error}") from error

    def _environment(self) -> ImmutableSandboxedEnvironment:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _raise_exception
        environment.globals["strftime_now"] = self._strftime_now
        return environment

    def _strftime_now(self, form: str) -> str:
        return datetime.combine(self.date, time()).strftime(form)


class _Generation(Extension):
    """`{% generation %} … {% endgeneration %}` marks what the assistant wrote, for training; here it is only its body."""

    tags = {"generation"}  # noqa: RUF012 - Jinja's own declaration

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def writes_date(source: str) -> bool:
    """Whether the renderings of a template depend on the day, or on the time of the day."""
    texts: set[str] = set()
    for roles in (("system", "user"), ("user",)):
        for day in (Date(2001, 2, 3), Date(2014, 11, 25)):
            try:
                texts.add(ChatTemplate(source, date=day).render([{"role": role, "content": role} for role in roles]))
            except PromptError:
                continue
        if len(texts) > 1:
            return True
        texts.clear()
    return False


def fold_system(messages: Sequence[Message]) -> list[Message]:
    """The messages with the instructing ones in front of the user's that follows them; those with none after them stay."""
    folded: list[Message] = []
    waiting: list[Message] = []
    for message in messages:
        if message["role"] in _INSTRUCTING:
            waiting.append(message)
            continue
        if message["role"] == "user" and waiting:
            texts = [one["content"] for one in (*waiting, message)]
            message = {**message, "content": "\n\n".join(texts)}
            waiting = []
        folded.append(message)
    return [*folded, *waiting]


def _stands_in(message: Message, rendering: str) -> bool:
    return all(piece in rendering for piece in _pieces(message))


def _pieces(message: Message) -> Iterator[str]:
    """What must be in a rendering: all of a text, but for what templates are made to take out of it."""
    text = message["content"]
    if message["role"] == "assistant":  # earlier thoughts are not shown to the model again
        text = _THOUGHT_ENDS.split(text)[-1]
    return (piece.strip() for piece in _SWITCH.split(text))


def _to_json(
    value: object,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
