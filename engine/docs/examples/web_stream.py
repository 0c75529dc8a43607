"""Streaming to a web client: an ASGI application that sends each object as it is decoded, as server-sent events.

    uvicorn web_stream:app
    curl --no-buffer --data 'My name is John and I am 20 years old' localhost:8000

It needs no framework; in FastAPI or Starlette `events` is what a StreamingResponse takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from pydantic import BaseModel

from engine import aextract
from engine.errors import EngineError

Message = dict[str, Any]


class User(BaseModel):
    name: str
    age: int


async def events(text: str) -> AsyncIterator[bytes]:
    users = aextract(text, User, max_items=1)
    try:
        async for user in users:
            yield f"data: {user.model_dump_json()}\n\n".encode()
        yield b"event: done\ndata: {}\n\n"
    except EngineError as error:
        yield f"event: error\ndata: {error}\n\n".encode()
    finally:
        await users.aclose()  # a client that went away costs nothing more


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        part = await receive()
        body, more = body + part.get("body", b""), part.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    async for event in events(body.decode(errors="replace")):
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def main() -> None:
    async for event in events("My name is John and I am 20 years old"):
        print(event.decode(), end="")


if __name__ == "__main__":
    asyncio.run(main())
