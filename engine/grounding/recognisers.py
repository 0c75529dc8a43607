"""Recognisers by the kind of value that they read a document for, as far as nothing else is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from engine.grounding.dates import Dates
from engine.grounding.datetimes import Datetimes
from engine.grounding.durations import Durations
from engine.grounding.emails import Emails
from engine.grounding.numbers import Numbers
from engine.grounding.recogniser import Recogniser
from engine.grounding.times import Times
from engine.grounding.urls import Urls


@cache
def usual_recognisers() -> Mapping[str, Recogniser]:
    """One for each kind that `engine.grounding.ground` knows."""
    return MappingProxyType(
        {
            "date": Dates(),
            "date-time": Datetimes(),
            "time": Times(),
            "duration": Durations(),
            "number": Numbers(),
            "email": Emails(),
            "url": Urls(),
        }
    )
