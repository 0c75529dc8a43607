"""Document: a text with a name of its own, and what becomes of it.

In a batch each document has an id. What is drawn for it depends on the seed and on its `key` alone, never on its place or
its neighbours: the key is the id where somebody gave one, and a digest of the text where ids are mere places.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import EmptyDocument, EngineError, NotAText, UsageError
from engine.extraction.extraction import Extracted, report_document
from engine.extraction.grounded import SourceSpan, ValueConfidence
from engine.report.value_table import value_table

DocumentId = str | int
# Categories of Unicode in which nothing can be read: control and format characters, blanks and separators.
_NOTHING = ("Cc", "Cf", "Zs", "Zl", "Zp")
_BLANKED = {code: " " for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n\r\x85"}


def has_text(text: str) -> bool:
    """Whether there is anything to read: blanks, NULs and marks without a width are nothing."""
    return any(unicodedata.category(character) not in _NOTHING for character in text)


def readable(text: str) -> str:
    """The text with a blank for each control character that is not white space, as long as before.

    Files have NULs and escape sequences in them, which small models answer with endless lists. The document itself keeps
    them: digests, spans and pieces are those of the text as it came.
    """
    return text.translate(_BLANKED)


@dataclass(frozen=True, slots=True)
class Document:
    """`id` names the document in the output; `key` is what its draws depend on."""

    id: DocumentId
    text: str
    key: str

    @classmethod
    def named(cls, document_id: DocumentId, text: str) -> Document:
        """A document whose id is its own."""
        return cls(document_id, text, f"id {document_id}")

    @classmethod
    def at_index(cls, index: int, text: str) -> Document:
        """A document whose id is its place."""
        return cls(index, text, f"text {digest_of(text)}")

    @property
    def trouble(self) -> EngineError | None:
        """Why this text cannot be decoded, whatever the model; None where it can."""
        try:
            self.text.encode()
        except UnicodeEncodeError as error:
            return NotAText(f"character {error.start} is half a surrogate pair, or bytes there are not UTF-8")
        return None if has_text(self.text) else EmptyDocument()


@dataclass(frozen=True, slots=True)
class Result:
    """How one document ended: with all its objects and how it finished, or with an error and no objects.

    `finish` is "complete", "loop" where values that repeated themselves were ended, or "budget" where `max_tokens` or
    `max_value_tokens` changed a choice; `cut` then has the JSON pointers of what was changed, within the list of objects:
    "/0/name" of the first, "" of the list itself, which has fewer objects. `chunks` counts the pieces that the text was cut
    into, `prompt_tokens` those of all its prompts; `seconds` passed from its first forward pass to its end.
    """

    id: DocumentId
    objects: tuple[Extracted[Any], ...] = ()
    finish: str | None = None
    error: EngineError | None = None
    cut: tuple[str, ...] = ()
    chunks: int = 1
    prompt_tokens: int = 0
    seconds: float = 0.0

    def _repr_html_(self) -> str:
        return value_table(report_document(self.id, None, self.objects, finish=self.finish, error=self.error))

    @property
    def values(self) -> list[Any]:
        return [found.value for found in self.objects]

    @property
    def spans(self) -> Mapping[str, SourceSpan | None]:
        """Where each grounded value stands in the document, by its JSON pointer within the list of objects, as in `cut`."""
        return {
            f"/{index}{where}": span for index, found in enumerate(self.objects) for where, span in found.spans.items()
        }

    @property
    def confidence(self) -> Mapping[str, ValueConfidence]:
        """How sure each value is that was compared with others, by its JSON pointer as in `spans`."""
        return {
            f"/{index}{where}": sure
            for index, found in enumerate(self.objects)
            for where, sure in found.confidence.items()
        }


def digest_of(text: str) -> str:
    """16 hex digits of a text, whatever characters it has."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def refused_id(value: Any) -> str:
    """Why a value cannot be an id; empty where it can."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return f"an id is a text or a whole number, not {json.dumps(value, default=repr)[:40]}"
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return "the id is not UTF-8"
    return ""


def numbered(texts: Iterable[str | tuple[DocumentId, str] | Document]) -> Iterator[Document]:
    """Texts as documents; a plain one is named by its place, counted from 0."""
    for index, given in enumerate(texts):
        match given:
            case Document():
                yield given
            case str():
                yield Document.at_index(index, given)
            case (str() | int() as document_id, str() as text):
                if reason := refused_id(document_id):
                    raise UsageError(f"document {index}: {reason}")
                yield Document.named(document_id, text)
            case _:
                raise UsageError(f"document {index} must be a text, a pair (id, text) or a Document, not {given!r:.60}")
