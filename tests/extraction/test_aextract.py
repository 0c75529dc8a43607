"""`aextract`: the same objects, and the event loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from engine import aextract
from engine.errors import TextTooLong


class Sign(BaseModel):
    kind: Literal["sign"]


Options = dict[str, Any]


def test_gives_the_objects_in_order(options: Options) -> None:
    async def run() -> list[Sign]:
        return [sign async for sign in aextract(["one", "two"], Sign, min_items=2, max_items=2, **options)]

    assert asyncio.run(run()) == [Sign(kind="sign")] * 4


def test_loop_goes_on_while_the_model_computes(options: Options) -> None:
    """The text arrives only when the loop sets the event, which a blocked loop could not."""
    event = threading.Event()

    def texts() -> Iterator[str]:
        assert event.wait(60)
        yield "one"

    async def run() -> Sign:
        objects = aextract(texts(), Sign, min_items=1, max_items=1, **options)
        first = asyncio.ensure_future(anext(objects))
        await asyncio.sleep(0)
        event.set()
        found: Sign = await first
        await objects.aclose()
        return found

    assert asyncio.run(run()) == Sign(kind="sign")


def test_closing_early_ends_it(options: Options) -> None:
    async def run() -> tuple[int, list[Sign]]:
        async with aextract(["one", "two"], Sign, min_items=2, max_items=2, **options) as objects:
            await anext(objects)
        return objects.stats.objects, [sign async for sign in objects]

    objects, rest = asyncio.run(run())
    assert objects == 1
    assert rest == []


def test_closing_after_the_end_is_no_error(options: Options) -> None:
    async def run() -> list[Sign]:
        async with aextract("one", Sign, min_items=1, max_items=1, **options) as objects:
            found = [sign async for sign in objects]
            return found + [sign async for sign in objects]

    assert asyncio.run(run()) == [Sign(kind="sign")]


def test_errors_arrive(options: Options) -> None:
    async def run() -> None:
        async for _ in aextract("x " * 3000, Sign, **options):
            raise AssertionError("nothing fits")

    with pytest.raises(TextTooLong):
        asyncio.run(run())
