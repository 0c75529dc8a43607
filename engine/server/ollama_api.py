"""Ollama's protocol: chat, generate, and what its clients ask about models."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

import engine
from engine.decoding.chat_template import Message
from engine.server.client_presence import until_gone
from engine.server.messages import (
    AnswerConstraint,
    AnyJsonObject,
    FreeText,
    GenerationOrder,
    SchemaConstraint,
    ToolConstraint,
)
from engine.server.model_client import ModelClient
from engine.server.openai_api import tools_of
from engine.server.prompt_notes import tool_note, with_note
from engine.server.request_body import RequestBody, conversation
from engine.server.service import RequestRefused, ServedAnswer, Service, bad_request
from engine.server.stop_words import until_stop

# Options that say how a model is loaded, which is decided when the server starts, or that greedy decoding does not need.
_LOADING = (
    "num_ctx",
    "num_gpu",
    "num_thread",
    "num_batch",
    "main_gpu",
    "use_mmap",
    "use_mlock",
    "numa",
    "low_vram",
    "num_keep",
)
_PENALTIES = {"repeat_penalty": (1, 1.0), "presence_penalty": (0, 0.0), "frequency_penalty": (0, 0.0), "mirostat": (0,)}


def ollama_routes(service: Service) -> list[Route]:
    """The routes under /api."""

    async def chat(request: Request) -> Response:
        body = RequestBody.parse(await request.body())
        client = service.client(body.any("model"))
        sent = body.take("messages", list, [])
        if not sent:
            return JSONResponse({**_head(client), "message": _message(""), "done": True, "done_reason": "load"})
        messages = conversation(sent)
        constraint, note = _constraint(body, tools_of(body))
        order, stop = _order(body, tuple(with_note(messages, note) if note else messages), constraint)
        return await _respond(service, request, client, order, stop, body, "message")

    async def generate(request: Request) -> Response:
        body = RequestBody.parse(await request.body())
        client = service.client(body.any("model"))
        prompt, system = body.take("prompt", str, ""), body.take("system", str, "")
        raw = body.take("raw", bool, False)
        for name in ("template", "suffix"):
            body.idle(name, "")
        body.idle("images", [])
        body.drop(("context",))  # of an earlier answer; it only saves its evaluation
        if not prompt:
            return JSONResponse({**_head(client), "response": "", "done": True, "done_reason": "load"})
        constraint, note = _constraint(body, [])
        turns: list[Message] = [{"role": "system", "content": system}] if system else []
        turns.append({"role": "user", "content": prompt})
        order, stop = _order(body, prompt if raw else tuple(with_note(turns, note) if note else turns), constraint)
        return await _respond(service, request, client, order, stop, body, "response")

    async def tags(_: Request) -> Response:
        return JSONResponse({"models": [_listed(client) for client in service.clients.values()]})

    async def running(_: Request) -> Response:
        return JSONResponse({"models": [_listed(client) for client in service.clients.values() if client.alive]})

    async def show(request: Request) -> Response:
        body = RequestBody.parse(await request.body())
        name = body.any("model")
        client = service.client(body.any("name") if name is None else name)
        loaded = await client.start()
        return JSONResponse(
            {
                "modelfile": f"FROM {client.model.name}",
                "template": loaded.template,
                "details": _details(),
                "model_info": {"general.architecture": "", "context_length": loaded.context},
                "capabilities": ["completion", "tools"],
            }
        )

    async def version(_: Request) -> Response:
        return JSONResponse({"version": engine.__version__})

    return [
        Route("/api/chat", chat, methods=["POST"]),
        Route("/api/generate", generate, methods=["POST"]),
        Route("/api/tags", tags),
        Route("/api/ps", running),
        Route("/api/show", show, methods=["POST"]),
        Route("/api/version", version),
    ]


def ollama_error(error: RequestRefused) -> dict[str, Any]:
    """Ollama's error object."""
    return {"error": error.message}


def _constraint(body: RequestBody, tools: list[dict[str, Any]]) -> tuple[AnswerConstraint, str]:
    form = body.any("format")
    if tools and form not in (None, ""):
        raise bad_request("tools and format cannot be combined", "format")
    if tools:
        texts = tuple((tool["name"], json.dumps(tool.get("parameters") or {"type": "object"})) for tool in tools)
        return ToolConstraint(texts, optional=True), tool_note(tools, optional=True)
    if form is None or form == "":
        return FreeText(), ""
    if form == "json":
        return AnyJsonObject(), ""
    if isinstance(form, dict):
        return SchemaConstraint(json.dumps(form)), ""
    raise bad_request("format must be 'json' or a JSON Schema", "format")


def _order(body: RequestBody, prompt: Any, constraint: AnswerConstraint) -> tuple[GenerationOrder, tuple[str, ...]]:
    options = body.inner("options")
    most = options.maybe("num_predict", int)
    stop = options.any("stop") or []
    stop = [stop] if isinstance(stop, str) else stop
    if not isinstance(stop, list) or not all(isinstance(one, str) and one for one in stop):
        raise bad_request("options.stop must be texts", "stop")
    if stop and not isinstance(constraint, FreeText):
        raise bad_request("options.stop would cut what the format asks for: leave one of the two out", "stop")
    order = GenerationOrder(
        0, prompt, constraint, options.sampling(0.8), most if most is not None and most > 0 else None
    )
    options.drop((*_LOADING, "typical_p", "tfs_z", "repeat_last_n", "mirostat_eta", "mirostat_tau", "penalize_newline"))
    for name, values in _PENALTIES.items():
        options.idle(name, *values)
    options.done()
    return order, tuple(stop)


async def _respond(
    service: Service,
    request: Request,
    client: ModelClient,
    order: GenerationOrder,
    stop: tuple[str, ...],
    body: RequestBody,
    field: str,
) -> Response:
    stream = body.take("stream", bool, True)
    body.idle("think", False)
    body.drop(("keep_alive",))  # models stay as long as the server
    body.done()
    answer = await service.answer(client, order)
    texts = until_stop(answer.texts, stop)
    calls = isinstance(order.constraint, ToolConstraint)
    if stream:
        lines = _lines(client, answer, texts, field, calls)
        return StreamingResponse(lines, media_type="application/x-ndjson")

    async def whole() -> str:
        return "".join([text async for text in texts])

    text = await until_gone(request, whole())
    return JSONResponse({**_head(client), **_part(field, text, calls), **_end(answer)})


async def _lines(
    client: ModelClient, answer: ServedAnswer, texts: AsyncIterator[str], field: str, calls: bool
) -> AsyncIterator[str]:
    try:
        if calls:
            text = "".join([piece async for piece in texts])
            yield _line({**_head(client), **_part(field, text, calls), "done": False})
        else:
            async for text in texts:
                yield _line({**_head(client), **_part(field, text, False), "done": False})
        yield _line({**_head(client), **_part(field, "", False), **_end(answer)})
    except RequestRefused as error:
        yield _line(ollama_error(error))


def _line(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False) + "\n"


def _head(client: ModelClient) -> dict[str, Any]:
    return {"model": client.model.name, "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}


def _part(field: str, text: str, calls: bool) -> dict[str, Any]:
    if field == "response":
        return {"response": text}
    if calls and text.startswith("{"):
        return {"message": {**_message(""), "tool_calls": [{"function": json.loads(text)}]}}
    return {"message": _message(text)}


def _message(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def _end(answer: ServedAnswer) -> dict[str, Any]:
    nanoseconds = int(answer.usage.seconds * 1e9)
    return {
        "done": True,
        "done_reason": "length" if answer.by_budget else "stop",
        "total_duration": nanoseconds,
        "load_duration": 0,
        "prompt_eval_count": answer.usage.prompt,
        "prompt_eval_duration": 0,
        "eval_count": answer.usage.output,
        "eval_duration": nanoseconds,
    }


def _details() -> dict[str, Any]:
    return {"format": "gguf", "family": "", "families": [], "parameter_size": "", "quantization_level": ""}


def _listed(client: ModelClient) -> dict[str, Any]:
    name, loaded = client.model.name, client.loaded
    size = loaded.size if loaded is not None else 0
    return {
        "name": name,
        "model": name,
        "modified_at": "1970-01-01T00:00:00Z",
        "size": size,
        "digest": "",
        "details": _details(),
        "expires_at": "9999-12-31T23:59:59Z",
        "size_vram": 0,
    }
