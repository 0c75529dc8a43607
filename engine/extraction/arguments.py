"""What the public functions take: a rule for each argument, checked before anything is loaded.

The rules of `ModelSettings` and of sampling stand with those; all speak through `WrongArgument`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine.argument_rules import PATH, TEXT, Instance, OneOf, Optional, Rule, Texts, Whole, checked
from engine.decoding.sampler import Sampling
from engine.decoding.settings import ModelSettings
from engine.decoding.value_bounds import ValueBounds
from engine.errors import UsageError, WrongArgument
from engine.lowering.lowering import STYLES

_RULES: dict[str, Rule] = {
    "model": Optional(PATH, "ENGINE_MODEL, else the default model"),
    "mode": OneOf(("many", "one")),
    "instructions": Optional(TEXT),
    "style": OneOf(tuple(STYLES)),
    "min_items": Whole(0),
    "max_items": Optional(Whole(1), "no limit"),
    "settings": Optional(Instance((ModelSettings,), "a ModelSettings")),
    "sampling": Optional(Instance((Sampling,), "a Sampling"), "greedy"),
    "max_tokens": Whole(1),
    "errors": OneOf(("raise", "collect")),
    "max_value_tokens": Optional(Whole(1), "as many as suit the type"),
    "loops": OneOf(("end", "keep")),
    "on_budget": OneOf(("mark", "keep", "omit", "raise")),
    "max_backtracks": Whole(0),
    "grounded": OneOf((False, True, "prefer")),
    "rank": OneOf(("calibrated", "probability", "greedy")),
    "allow_unenforced": Texts("a list of keywords or of JSON pointers"),
}
_TEXTS = "a text or an iterable of texts"
_EXAMPLES = "a list of pairs: a text and its answer"


def check_arguments(**arguments: Any) -> None:
    """Hold arguments to their rules; `WrongArgument` says what is allowed."""
    for name, value in arguments.items():
        checked(name, value, _RULES[name])


def value_bounds(max_value_tokens: Any, loops: Any) -> ValueBounds:
    """What ends values that run away."""
    check_arguments(max_value_tokens=max_value_tokens, loops=loops)
    return ValueBounds(max_value_tokens, end_loops=loops == "end")


def check_items(min_items: Any, max_items: Any) -> tuple[int, int | None]:
    """`min_items` and `max_items`, which must leave a length for the array."""
    min_items = checked("min_items", min_items, _RULES["min_items"])
    max_items = checked("max_items", max_items, _RULES["max_items"])
    if max_items is not None and max_items < min_items:
        raise UsageError(f"min_items={min_items} and max_items={max_items} leave no length for the array")
    return min_items, max_items


def check_known(options: Collection[str], known: Collection[str]) -> None:
    """Options by name, where Python itself does not look."""
    unknown = [name for name in options if name not in known]
    if unknown:
        raise UsageError(f"unknown option {unknown[0]!r}; known are {', '.join(known)}")


def documents(text: Any, messages: Any) -> Iterator[Any]:
    """The documents of a call, as they are given: what one of them is, is looked at when its turn comes."""
    if (text is None) == (messages is None):
        raise UsageError("give either a text (or several) or messages")
    if messages is not None:
        if isinstance(messages, str) or not isinstance(messages, Sequence):
            raise WrongArgument("messages", messages, "a list of mappings with 'role' and 'content'")
        return iter([messages])
    if isinstance(text, str):
        return iter([text])
    if isinstance(text, bytes | bytearray | Mapping) or not isinstance(text, Iterable):
        hint = "; decode it first" if isinstance(text, bytes | bytearray) else ""
        raise WrongArgument("text", text, _TEXTS + hint)
    return iter(text)


def texts_of_batch(documents: Any) -> Iterable[Any]:
    """The documents of a batch; what one of them is, is looked at when its turn comes."""
    if isinstance(documents, str | bytes | bytearray | Mapping) or not isinstance(documents, Iterable):
        raise WrongArgument("documents", documents, "an iterable of texts or of pairs (id, text)")
    return documents


def pairs(examples: Any) -> list[tuple[str, Any]]:
    """Examples as pairs of a text and an answer."""
    if isinstance(examples, str | bytes | Mapping) or not isinstance(examples, Iterable):
        raise WrongArgument("examples", examples, _EXAMPLES)
    found = []
    for index, example in enumerate(examples):
        if not isinstance(example, tuple | list) or len(example) != 2 or not isinstance(example[0], str):
            raise WrongArgument(f"example {index}", example, "a pair: a text and its answer")
        found.append((example[0], example[1]))
    return found
