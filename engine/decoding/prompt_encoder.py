"""Messages as the tokens of a prompt, in which texts can never act as chat markers.

The chat template renders the messages; the rendering is cut at the special tokens of the template, and each run between
two of them, template text and user text together, is tokenised at once without special tokens. For this the markers
that stand in a user's text are hidden from template and cut behind private-use characters, which no template trims or
changes, and are put back inside the runs. Half a marker at either end of a text is hidden too, or two texts could make
one where a template joins them. If a marker still comes out of a run (user-defined tokens are parsed regardless, and
SentencePiece may merge one together), the run is split inside of it.

For texts without markers the tokens are exactly llama.cpp's of the whole rendering.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date
from pathlib import Path
from typing import Protocol

from engine.decoding.chat_formats import CHAT_FORMATS
from engine.decoding.chat_template import ChatTemplate, Message, writes_date
from engine.decoding.settings import ModelSettings
from engine.decoding.special_tokens import SpecialTokens
from engine.decoding.thinking import Thinking
from engine.decoding.thought import ThoughtMarks, closed, marks_of, opened
from engine.errors import ChatFormatUnknown, PromptError, UsageError

# Private use, plane 15: nobody's script, no template's white space, unchanged by every filter on letters.
_HIDDEN = re.compile("[\U000f0000-\U000ffffd]")
_FIRST_HIDDEN, _LAST_HIDDEN = 0xF0000, 0xFFFFD
_ROLE = re.compile(r"[A-Za-z][A-Za-z_]{0,31}")


@dataclass(frozen=True, slots=True)
class TextTraits:
    """How a vocabulary begins texts: `adds_bos` puts `bos` first, `space_prefix` a space before each run."""

    bos: int | None
    bos_text: str
    eos_text: str
    adds_bos: bool
    space_prefix: bool


class PromptModel(Protocol):
    """What the prompt needs to know of a model."""

    @property
    def name(self) -> str: ...
    @property
    def specials(self) -> SpecialTokens: ...
    @property
    def markers(self) -> frozenset[int]: ...
    @property
    def traits(self) -> TextTraits: ...
    @property
    def chat_template(self) -> str | None: ...

    def tokenize(self, text: bytes, /) -> tuple[int, ...]: ...


class PromptEncoder:
    """Turns messages into tokens for one model and one chat template.

    The template is `chat_template`, else the `chat_format` of the settings (the user's word), else the one inside the model
    file, else that of the named `chat_format`, else `ChatFormatUnknown` is raised. `think` leaves a thought open for the
    model to write; without it, a prompt ends where the answer begins. `UsageError` where the template has no thoughts.
    """

    def __init__(
        self,
        model: PromptModel,
        *,
        chat_format: str | None = None,
        chat_template: str | None = None,
        settings: ModelSettings | None = None,
        think: bool = False,
    ) -> None:
        wanted = settings.chat_format if settings is not None else None
        if wanted is None and chat_format is not None and is_template(chat_format):
            wanted = chat_format  # a user's word too: it was built into the file
        given = chat_template or (None if wanted is None else read_chat_format(wanted))
        source = given or model.chat_template or (None if chat_format is None else read_chat_format(chat_format))
        if source is None:
            raise ChatFormatUnknown(model.name, CHAT_FORMATS)
        self._model, self._think = model, think
        self._template = ChatTemplate(
            source,
            bos=model.traits.bos_text,
            eos=model.traits.eos_text,
            date=None if settings is None or settings.date is None else Date.fromisoformat(settings.date),
            thinks=think,
            name=f"the chat template of {model.name}" if given is None else "the given chat template",
        )
        self._thought = marks_of(source)
        if think and self._thought is None:
            raise UsageError(
                f"{self._template.name} knows of no thoughts, so think does not go with it; leave think out"
            )
        self._markers = model.markers if given is None else model.specials.markers(given)
        self._texts = _MarkerTexts(special.text for special in model.specials.tokens if special.token in self._markers)

    @property
    def thought(self) -> ThoughtMarks | None:
        """The marks around a thought of this template."""
        return self._thought

    def thinking(self, max_tokens: int) -> Thinking | None:
        """How the model thinks before its answers: at most so many tokens; None where it does not."""
        marks = self._thought
        if not self._think or marks is None:
            return None
        closing = marks.closing.encode()
        single = frozenset(special.token for special in self._model.specials.tokens if special.text == closing)
        return Thinking(max_tokens, closing, single, self._trusted(marks.answer), self._trusted(marks.ending))

    def _trusted(self, text: str) -> tuple[int, ...]:
        """The tokens of a text of our own, in which markers are markers."""
        tokens: list[int] = []
        for part in self._model.specials.partition(text.encode()):
            tokens += (part,) if isinstance(part, int) else self._model.tokenize(part)
        return tuple(tokens)

    @property
    def source(self) -> str:
        """The text of the template."""
        return self._template.source

    @property
    def writes_date(self) -> bool:
        """Whether prompts depend on the day."""
        return writes_date(self.source)

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt as text, for people to read."""
        rendering, hidden = self._render(messages)
        return hidden.restore(rendering.encode()).decode()

    def encode(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """The prompt as tokens; `PromptError` where the template refuses the messages."""
        rendering, hidden = self._render(messages)
        traits = self._model.traits
        parts = self._model.specials.partition(rendering.encode())
        tokens: list[int] = []
        if traits.adds_bos and traits.bos is not None and parts[:1] != [traits.bos]:
            tokens.append(traits.bos)
        run_begins = True
        for part in parts:
            if isinstance(part, int):
                tokens.append(part)
                run_begins = True
            else:
                space = b" " if run_begins and traits.space_prefix else b""
                tokens += self._plain(space + hidden.restore(part))
                run_begins = False
        return tuple(tokens)

    @property
    def takes_system(self) -> bool:
        """Whether the template has a place for a system message; without one, its text goes into the user's turn."""
        try:
            return not self._template.form(("system", "user")).folded
        except PromptError:
            return False

    def _render(self, messages: Sequence[Message]) -> tuple[str, _Hidden]:
        _check(messages)
        hidden = _Hidden(self._template.source, messages)
        guarded = [
            {key: text if key == "role" else self._texts.hide(text, hidden) for key, text in message.items()}
            for message in messages
        ]
        rendering = self._template.render(guarded)
        if self._think and self._thought is not None:
            return opened(rendering, self._thought), hidden
        return closed(rendering, self._thought), hidden

    def _plain(self, text: bytes) -> Iterator[int]:
        """The tokens of a run, none of which is a marker."""
        waiting = [text]
        while waiting:
            run = waiting.pop()
            tokens = self._model.tokenize(run)
            found = self._markers.intersection(tokens)
            if found:
                waiting += reversed(self._split(run, found))
            else:
                yield from tokens

    def _split(self, run: bytes, found: Iterable[int]) -> list[bytes]:
        """`run` cut behind the first character of each of the markers that came out of it."""
        texts = [special.text for special in self._model.specials.tokens if special.token in found]
        cuts = [0]
        for match in re.finditer(b"|".join(map(re.escape, texts)), run):
            character = len(match[0].decode("utf-8", "replace")[0].encode())
            if character < len(match[0]):
                cuts.append(match.start() + character)
        if len(cuts) == 1:
            raise PromptError(f"a text holds {texts[0]!r}, which this model cannot read as anything but a chat marker")
        return [run[start:end] for start, end in zip(cuts, [*cuts[1:], len(run)], strict=True)]


def shared_prefix(encode: Callable[[str], Sequence[int]]) -> tuple[int, ...]:
    """The tokens that prompts have in common whatever the document is; `encode` makes a document's prompt."""
    prefix = []
    for one, other in zip(encode("0"), encode("x"), strict=False):
        if one != other:
            break
        prefix.append(one)
    return tuple(prefix)


def is_template(chat_format: str) -> bool:
    """Whether a chat format is the text of a template, not a name."""
    return "{{" in chat_format or "{%" in chat_format


def read_chat_format(chat_format: str) -> str:
    """The Jinja text of a known format, of a file, or the text itself; `UsageError` where it is none of them."""
    if chat_format in CHAT_FORMATS:
        return CHAT_FORMATS[chat_format]
    if is_template(chat_format):
        return chat_format
    if not chat_format.endswith(".jinja"):
        close = difflib.get_close_matches(chat_format, CHAT_FORMATS, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise UsageError(
            f"chat format {chat_format!r} is not one of {', '.join(CHAT_FORMATS)}{hint}, nor a file that ends in .jinja"
        )
    try:
        return Path(chat_format).expanduser().read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"chat format {chat_format}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"chat format {chat_format}: byte {error.start} is not UTF-8") from error


def _check(messages: Sequence[Message]) -> None:
    if not messages:
        raise UsageError("messages must not be empty")
    for index, message in enumerate(messages):
        if not isinstance(message, Mapping) or not {"role", "content"} <= set(message):
            raise UsageError(f"message {index} must be a mapping with 'role' and 'content'")
        for key, text in message.items():
            if not isinstance(text, str):
                raise UsageError(f"message {index}: {key!r} must be a text, not {type(text).__name__}")
            try:
                text.encode("utf-8")
            except UnicodeEncodeError as error:
                raise PromptError(f"message {index}: character {error.start} is half a surrogate pair") from error
        if not _ROLE.fullmatch(message["role"]):
            raise UsageError(f"message {index}: the role must be a word like 'user', not {message['role']!r}")


class _Hidden:
    """Which private-use character stands for which text; none of them is in the messages or the template."""

    def __init__(self, template: str, messages: Sequence[Message]) -> None:
        taken = {character for message in messages for text in message.values() for character in _HIDDEN.findall(text)}
        taken.update(_HIDDEN.findall(template))
        self._free = (chr(code) for code in range(_FIRST_HIDDEN, _LAST_HIDDEN + 1) if chr(code) not in taken)
        self._characters: dict[str, str] = {}

    def character(self, text: str) -> str:
        if text not in self._characters:
            character = next(self._free, None)
            if character is None:
                raise PromptError("the messages use all private-use characters of plane 15")
            self._characters[text] = character
        return self._characters[text]

    def restore(self, part: bytes) -> bytes:
        for text, character in self._characters.items():
            part = part.replace(character.encode(), text.encode())
        return part


class _MarkerTexts:
    """The texts of the markers, and how to hide them in a user's text."""

    def __init__(self, texts: Iterable[bytes]) -> None:
        # What is not UTF-8 cannot stand in a text.
        whole = [text for text in (raw.decode("utf-8", "replace") for raw in texts) if "\ufffd" not in text]
        self._whole = sorted(set(whole), key=len, reverse=True)
        self._heads = frozenset(text[:size] for text in whole for size in range(1, len(text)))
        self._tails = frozenset(text[-size:] for text in whole for size in range(1, len(text)))
        self._longest = max(map(len, whole), default=0)

    def hide(self, text: str, hidden: _Hidden) -> str:
        for marker in self._whole:
            if marker in text:
                text = text.replace(marker, hidden.character(marker))
        return self._hide_ends(text, hidden)

    def _hide_ends(self, text: str, hidden: _Hidden) -> str:
        """Hide what could be the second half of a marker at the beginning, or the first half of one at the end.

        Templates may trim a text, so blanks around it do not count.
        """
        core = text.strip()
        if not core:
            return text
        start = text.index(core)
        end = start + len(core)
        sizes = range(min(self._longest, len(core)), 0, -1)
        tail = next((size for size in sizes if core[:size] in self._tails), 0)
        head = next((size for size in sizes if core[-size:] in self._heads and size <= len(core) - tail), 0)
        first = hidden.character(core[:tail]) if tail else ""
        last = hidden.character(core[-head:]) if head else ""
        return text[:start] + first + text[start + tail : end - head] + last + text[end:]
