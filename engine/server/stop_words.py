"""Stop words: texts that end an answer; neither they nor what follows is given out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence


async def until_stop(texts: AsyncIterator[str], stop: Sequence[str]) -> AsyncIterator[str]:
    """The pieces of a text up to the first stop word. What may be the beginning of one is held back."""
    held = ""
    try:
        async for piece in texts:
            held += piece
            found = [at for word in stop if (at := held.find(word)) >= 0]
            if found:
                if min(found):
                    yield held[: min(found)]
                return
            keep = max((_overlap(held, word) for word in stop), default=0)
            if len(held) > keep:
                yield held[: len(held) - keep]
                held = held[len(held) - keep :]
        if held:
            yield held
    finally:
        await texts.aclose()  # type: ignore[attr-defined]


def _overlap(text: str, word: str) -> int:
    """How many characters at the end of a text begin a word."""
    return next((size for size in range(min(len(text), len(word) - 1), 0, -1) if text.endswith(word[:size])), 0)
