"""Thoughts: what a model that reasons writes before its answer, and the marks around it.

In: the rendering of a chat template. A template may end inside of an open thought (DeepSeek-R1), may leave it to the model
to open one (Qwen3, gpt-oss), or may have no thoughts at all. Out: the rendering with the thought closed, so that the answer
begins at once, or with the thought open, and the mark that closes it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ThoughtMarks:
    """`opening` and `closing` stand around a thought; `answer` leads to the answer, `opened` and `closed` end a prompt.

    `closing` is what the model writes itself to end its thought; `answer` follows it.
    """

    opening: str
    closing: str
    answer: str = ""
    # Whether an answer without a thought needs `answer` too.
    always: bool = False

    def opens(self, rendering: str) -> bool:
        return rendering.rstrip().endswith(self.opening)

    @property
    def ending(self) -> str:
        """What closes a thought that is cut off, up to where the answer begins."""
        return self.closing + self.answer


MARKS = (
    ThoughtMarks("<think>", "</think>", "\n\n"),
    ThoughtMarks("<thinking>", "</thinking>", "\n\n"),
    ThoughtMarks("<seed:think>", "</seed:think>", "\n"),
    ThoughtMarks("[THINK]", "[/THINK]"),
    ThoughtMarks("<|START_THINKING|>", "<|END_THINKING|>", "<|START_RESPONSE|>"),
    ThoughtMarks(
        "<|channel|>analysis<|message|>", "<|end|>", "<|start|>assistant<|channel|>final<|message|>", always=True
    ),
)
_GPT_OSS = MARKS[-1]


def marks_of(template: str) -> ThoughtMarks | None:
    """The marks that a template's text names, None where it knows of no thoughts."""
    if "<|channel|>" in template and "<|message|>" in template:
        return _GPT_OSS
    return next((marks for marks in MARKS if marks.opening in template), None) or next(
        (marks for marks in MARKS if marks.closing in template), None
    )


def closed(rendering: str, marks: ThoughtMarks | None) -> str:
    """The rendering up to where the answer begins."""
    if marks is None:
        return rendering
    if marks.opens(rendering):
        line = "" if rendering.endswith("\n") else "\n"
        return rendering + ("" if marks is _GPT_OSS else line) + marks.ending
    if marks.always and rendering.endswith("<|start|>assistant"):
        return rendering + marks.answer.removeprefix("<|start|>assistant")
    return rendering


def opened(rendering: str, marks: ThoughtMarks) -> str:
    """The rendering up to where the thought begins."""
    if marks.opens(rendering):
        return rendering
    return rendering + marks.opening + ("" if marks.always else "\n")
