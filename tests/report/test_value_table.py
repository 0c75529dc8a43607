"""Results as a notebook shows them."""

from __future__ import annotations

from typing import Any

from engine.errors import EmptyDocument
from engine.extraction.document import Result
from engine.extraction.extraction import Extracted
from engine.extraction.grounded import SourceSpan, ValueConfidence


def test_values_are_shown_with_their_places_and_never_as_html() -> None:
    spans = {"/name": SourceSpan(3, 6, 3, 6), "/at": None}
    text = '{"name": "<b>", "at": "x", "no": null, "of": [1]}'
    found: Extracted[Any] = Extracted({}, 0, text, ("/of",), spans, confidence={"/name": ValueConfidence(0.2)})
    shown = found._repr_html_()
    assert "<b>" not in shown
    assert "&lt;b&gt;" in shown
    assert [cell in shown for cell in (">3–6<", ">doubtful<", ">not in the text<", ">cut<", ">of/0<")] == [True] * 5
    whole = Result("a", (found, found), "budget", cut=("/1/of",))._repr_html_()
    assert [whole.count(cell) for cell in (">0/name<", ">1/name<", ">cut<")] == [1, 1, 2]


def test_a_document_without_objects_says_why() -> None:
    assert Result("a")._repr_html_() == "<p>no object</p>"
    assert Result("a", error=EmptyDocument())._repr_html_().startswith("<p>EmptyDocument: ")
