"""`aextract`: the same objects, and the event loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from engine import aextract
from engine.errors import TextTooLong, UsageError, WrongArgument


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


def test_error_ends_it(options: Options) -> None:
    async def run() -> list[Sign]:
        objects = aextract("x " * 3000, Sign, **options)
        with pytest.raises(TextTooLong):
            await anext(objects)
        rest = [sign async for sign in objects]
        await objects.aclose()
        return rest

    assert asyncio.run(run()) == []


def test_error_of_the_call_is_told_once(options: Options) -> None:
    async def run() -> list[Sign]:
        objects = aextract("one", Sign, **(options | {"max_tokens": "60"}))
        with pytest.raises(WrongArgument, match="max_tokens must be a whole number"):
            await anext(objects)
        return [sign async for sign in objects]

    assert asyncio.run(run()) == []
    with pytest.raises(UsageError, match="unknown option 'max_token'"):
        aextract("one", Sign, **(options | {"max_token": 60}))


def test_object_that_nobody_waited_for_is_given_to_the_next(options: Options) -> None:
    event = threading.Event()

    def texts() -> Iterator[str]:
        assert event.wait(60)
        yield from ("one", "two")

    async def run() -> int:
        objects = aextract(texts(), Sign, min_items=1, max_items=1, **options)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(objects), 0.01)
        event.set()
        return len([sign async for sign in objects])

    assert asyncio.run(run()) == 2


def test_tasks_share_the_objects(options: Options) -> None:
    async def run() -> tuple[int, int]:
        objects = aextract(["one", "two"], Sign, min_items=2, max_items=2, **options)

        async def take() -> int:
            return len([sign async for sign in objects])

        one, other = await asyncio.gather(take(), take())
        return one + other, objects.stats.objects

    assert asyncio.run(run()) == (4, 4)


def test_collected_errors_are_found_by_document(options: Options) -> None:
    async def run() -> None:
        objects = aextract(["one", "x " * 3000, "two"], Sign, min_items=1, max_items=1, errors="collect", **options)
        assert objects.errors == {}
        assert [sign async for sign in objects] == [Sign(kind="sign")] * 2
        assert [outcome.finish for outcome in objects.outcomes] == ["complete", None, "complete"]
        assert {document: type(error) for document, error in objects.errors.items()} == {1: TextTooLong}

    asyncio.run(run())


def test_detailed_gives_the_objects_that_are_left_with_their_place(options: Options) -> None:
    async def run() -> list[tuple[int, str]]:
        objects = aextract(["one", "two"], Sign, min_items=2, max_items=2, **options)
        assert await anext(objects) == Sign(kind="sign")
        found = [(one.document, one.text) async for one in objects.detailed()]
        assert [sign async for sign in objects] == []
        return found

    assert asyncio.run(run()) == [(0, '{"kind": "sign"}'), (1, '{"kind": "sign"}'), (1, '{"kind": "sign"}')]


def test_an_error_that_was_raised_is_not_told_again_by_the_loop(options: Options) -> None:
    told: list[Options] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        with contextlib.suppress(TextTooLong):
            await anext(aextract("x " * 3000, Sign, **options))
            told.append({"message": "nothing was raised"})
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(run())
    gc.collect()
    assert told == []
