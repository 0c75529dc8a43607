"""Words as the values of a search: what may be written, when it is over, and a model whose logits are drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scripted_documents import VOCABULARY

from engine.decoding.scripted import Script, hashed_script

PROMPT = (5, 6, 7)
WORDS = (b'"John"', b'"Jo"', b'"Mary"', b'"Bob"', b'"bag"')
GRAMMAR = "root ::= " + " | ".join('"' + word.decode().replace('"', '\\"') + '"' for word in WORDS)


@dataclass(frozen=True)
class Words:
    """Over as soon as one of the words is written."""

    text: bytes = b""
    expected: bytes = b""
    worth: float = 0.0
    path: tuple[str | int, ...] = ()
    ends_list: bool = False

    @property
    def is_over(self) -> bool:
        return self.text in WORDS

    @property
    def has_begun(self) -> bool:
        return len(self.text) > 1

    def feed(self, data: bytes) -> Words:
        return replace(self, text=self.text + data)

    def end(self) -> Words:
        return self

    def draft(self) -> bytes:
        return self.expected[len(self.text) :] if self.expected.startswith(self.text) else b""


def sharp(seed: int) -> Script:
    script = hashed_script(len(VOCABULARY), seed)
    return lambda tokens: script(tokens) * np.float32(0.5)
