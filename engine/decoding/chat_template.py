"""A chat template: messages in, the text of the prompt out.

Templates come inside model files from anywhere, so they run in Jinja's sandbox and see nothing but the messages, the
two token texts and the three functions that templates in circulation use. Source: the chat templates of Hugging Face
transformers (`trim_blocks`, `lstrip_blocks`, `raise_exception`, `strftime_now`, `tojson` without escapes).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NoReturn

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.errors import PromptError

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


class ChatTemplate:
    """`bos` and `eos` are the texts of the tokens that begin and end a text."""

    def __init__(self, source: str, *, bos: str = "", eos: str = "") -> None:
        self.source = source
        self._constants = {"bos_token": bos, "eos_token": eos, "add_generation_prompt": True, "tools": None}
        try:
            self._template = _environment().from_string(source)
        except _FAILURES as error:
            raise PromptError(f"the model's chat template is not valid Jinja: {error}") from error

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt up to where the assistant's answer begins; `PromptError` with what the template objects to."""
        try:
            return self._template.render(messages=[dict(message) for message in messages], **self._constants)
        except _FAILURES as error:
            raise PromptError(f"the model's chat template refuses these messages: {error}") from error


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    return environment


def _to_json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _strftime_now(form: str) -> str:
    return datetime.now().strftime(form)
