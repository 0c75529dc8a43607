"""OpenAI's protocol: chat completions, completions and the list of models."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from engine.decoding.chat_template import Message
from engine.server.client_presence import until_gone
from engine.server.messages import (
    AnswerConstraint,
    AnyJsonObject,
    FreeText,
    GbnfConstraint,
    GenerationOrder,
    SchemaConstraint,
    ToolConstraint,
)
from engine.server.model_client import ModelClient
from engine.server.prompt_notes import tool_note, with_note
from engine.server.request_body import RequestBody, conversation
from engine.server.service import RequestRefused, ServedAnswer, Service, Usage, bad_request
from engine.server.stop_words import until_stop

# Fields that do not concern the answer.
_IDLE = ("user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "parallel_tool_calls")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request: what is decoded, how many times, and how its text is given back."""

    client: ModelClient
    order: GenerationOrder
    count: int
    stream: bool
    with_usage: bool
    stop: tuple[str, ...]
    tool: str | None = None  # the one that must be called; its arguments are the text
    calls: bool = False  # the text is a call of some tool, or may be one
    legacy: bool = False  # completions


def openai_routes(service: Service) -> list[Route]:
    """The routes under /v1."""

    async def models(_: Request) -> Response:
        return JSONResponse({"object": "list", "data": [_model(name) for name in service.clients]})

    async def model(request: Request) -> Response:
        name = request.path_params["name"]
        service.client(name)
        return JSONResponse(_model(name))

    async def chat(request: Request) -> Response:
        return await _respond(service, request, _chat(service, RequestBody.parse(await request.body())))

    async def completions(request: Request) -> Response:
        return await _respond(service, request, _completion(service, RequestBody.parse(await request.body())))

    return [
        Route("/v1/models", models),
        Route("/v1/models/{name:path}", model),
        Route("/v1/chat/completions", chat, methods=["POST"]),
        Route("/v1/completions", completions, methods=["POST"]),
    ]


def openai_error(error: RequestRefused) -> dict[str, Any]:
    """OpenAI's error object."""
    kind = "invalid_request_error" if 400 <= error.status < 500 else "server_error"
    return {"error": {"message": error.message, "type": kind, "param": error.parameter, "code": error.kind}}


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "engine"}


# -- requests


def _chat(service: Service, body: RequestBody) -> _Asked:
    client = service.client(body.any("model"))
    messages = conversation(body.take("messages", list, []))
    tools = tools_of(body)
    constraint, note, tool = _constraint(body, tools)
    if note:
        messages = with_note(messages, note)
    return _asked(
        service, client, tuple(messages), constraint, body, tool=tool, calls=isinstance(constraint, ToolConstraint)
    )


def _completion(service: Service, body: RequestBody) -> _Asked:
    client = service.client(body.any("model"))
    prompt = body.any("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str) or not prompt:
        raise bad_request("prompt must be a text", "prompt")
    body.idle("echo", False)
    body.idle("best_of", 1)
    body.idle("suffix")
    constraint, _, _ = _constraint(body, [])
    return replace(_asked(service, client, prompt, constraint, body), legacy=True)


def _asked(
    service: Service,
    client: ModelClient,
    prompt: tuple[Message, ...] | str,
    constraint: AnswerConstraint,
    body: RequestBody,
    *,
    tool: str | None = None,
    calls: bool = False,
) -> _Asked:
    most = body.maybe("max_completion_tokens", int)
    most = body.maybe("max_tokens", int) if most is None else most
    if most is not None and most < 1:
        raise bad_request("max_tokens must be at least 1", "max_tokens")
    count = body.take("n", int, 1)
    if not 1 <= count <= service.limits.most_choices:
        raise bad_request(f"n must be from 1 to {service.limits.most_choices}", "n")
    stop = body.any("stop") or []
    stop = [stop] if isinstance(stop, str) else stop
    if not isinstance(stop, list) or not all(isinstance(one, str) and one for one in stop) or len(stop) > 16:
        raise bad_request("stop must be a text or at most 16 texts", "stop")
    if stop and not isinstance(constraint, FreeText):
        raise bad_request("stop would cut what the schema asks for: leave one of the two out", "stop")
    stream = body.take("stream", bool, False)
    options = body.inner("stream_options")
    with_usage = options.take("include_usage", bool, False)
    options.idle("include_obfuscation", False, True)
    options.done()
    order = GenerationOrder(0, prompt, constraint, body.sampling(1.0), most)
    for name in ("presence_penalty", "frequency_penalty"):
        body.idle(name, 0, 0.0)
    body.idle("logit_bias", {})
    body.idle("logprobs", False, 0)
    body.idle("top_logprobs", 0)
    body.idle("reasoning_effort", "none")
    body.idle("modalities", ["text"])
    body.drop(_IDLE)
    body.done()
    return _Asked(client, order, count, stream, with_usage, tuple(stop), tool, calls)


def tools_of(body: RequestBody) -> list[dict[str, Any]]:
    """The functions of a request, by the new fields or the old ones."""
    tools = body.take("tools", list, [])
    functions = body.take("functions", list, [])
    found = []
    for index, tool in enumerate([*tools, *({"type": "function", "function": one} for one in functions)]):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or tool.get("type", "function") != "function":
            raise bad_request(f"tools[{index}] must be a function", "tools")
        if not isinstance(function.get("name"), str) or not isinstance(function.get("parameters", {}), dict):
            raise bad_request(f"tools[{index}].function needs a name, and parameters that are a JSON Schema", "tools")
        found.append(function)
    return found


def _constraint(body: RequestBody, tools: list[dict[str, Any]]) -> tuple[AnswerConstraint, str, str | None]:
    """What is allowed, what the model is told of it, and the tool that must be called."""
    choice = body.any("tool_choice")
    choice = body.any("function_call") if choice is None else choice
    form = body.inner("response_format")
    grammar = body.maybe("grammar", str)
    kind = form.take("type", str, "text")
    given = [
        name
        for name, one in (
            ("tools", tools and choice != "none"),
            ("response_format", kind != "text"),
            ("grammar", grammar),
        )
        if one
    ]
    if len(given) > 1:
        raise bad_request(f"{' and '.join(given)} cannot be combined", given[1])
    if grammar is not None:
        return GbnfConstraint(grammar), "", None
    if tools and choice != "none":
        return _tool_constraint(tools, choice)
    if choice not in (None, "none", "auto"):
        raise bad_request("tool_choice needs tools", "tool_choice")
    if kind == "text":
        form.done()
        return FreeText(), "", None
    if kind == "json_object" and not form.any("schema"):
        form.done()
        return AnyJsonObject(), "", None
    if kind != "json_schema":
        raise bad_request("response_format.type must be text, json_object or json_schema", "response_format")
    described = form.inner("json_schema")
    described.drop(("name", "description", "strict"))
    schema = described.any("schema")
    described.done()
    form.done()
    if not isinstance(schema, dict):
        raise bad_request("response_format.json_schema.schema must be a JSON Schema", "response_format")
    return SchemaConstraint(json.dumps(schema)), "", None


def _tool_constraint(tools: list[dict[str, Any]], choice: Any) -> tuple[AnswerConstraint, str, str | None]:
    schemas = {tool["name"]: tool.get("parameters") or {"type": "object"} for tool in tools}
    if isinstance(choice, dict):
        named = choice.get("function", choice).get("name")
        if named not in schemas:
            raise bad_request(f"tool_choice names {named!r}, which is not one of the tools", "tool_choice")
        described = next(tool for tool in tools if tool["name"] == named)
        return (
            SchemaConstraint(json.dumps(schemas[named])),
            str(described.get("description") or ""),
            named,
        )
    if choice not in (None, "auto", "required"):
        raise bad_request("tool_choice must be none, auto, required or a function", "tool_choice")
    texts = tuple((name, json.dumps(schema)) for name, schema in schemas.items())
    return ToolConstraint(texts, optional=choice != "required"), tool_note(tools, optional=choice != "required"), None


# -- answers


async def _respond(service: Service, request: Request, asked: _Asked) -> Response:
    orders = [replace(asked.order, sampling=_seed(asked.order, index)) for index in range(asked.count)]
    answers = [await service.answer(asked.client, order) for order in orders]
    texts = [until_stop(answer.texts, asked.stop) for answer in answers]
    name = asked.client.model.name
    if asked.stream:
        head = _head(asked, name, chunk=True)
        return StreamingResponse(_events(asked, head, answers, texts), media_type="text/event-stream")
    wholes = await until_gone(request, asyncio.gather(*(_whole(one) for one in texts)))
    choices = [
        _choice(asked, index, text, answer) for index, (text, answer) in enumerate(zip(wholes, answers, strict=True))
    ]
    return JSONResponse({**_head(asked, name), "choices": choices, "usage": _usage(answers)})


def _seed(order: GenerationOrder, index: int) -> Any:
    return replace(order.sampling, seed=(order.sampling.seed or 0) + index)


def _head(asked: _Asked, model: str, *, chunk: bool = False) -> dict[str, Any]:
    kind = "text_completion" if asked.legacy else "chat.completion.chunk" if chunk else "chat.completion"
    prefix = "cmpl" if asked.legacy else "chatcmpl"
    return {"id": f"{prefix}-{secrets.token_hex(12)}", "object": kind, "created": int(time.time()), "model": model}


def _choice(asked: _Asked, index: int, text: str, answer: ServedAnswer) -> dict[str, Any]:
    if asked.legacy:
        return {"index": index, "text": text, "logprobs": None, "finish_reason": _reason(answer)}
    calls = _calls(asked, text)
    message: dict[str, Any] = {"role": "assistant", "content": None if calls else text, "refusal": None}
    if calls:
        message["tool_calls"] = calls
    reason = "tool_calls" if calls and asked.tool is None and not answer.by_budget else _reason(answer)
    return {"index": index, "message": message, "logprobs": None, "finish_reason": reason}


def _reason(answer: ServedAnswer) -> str:
    return "length" if answer.by_budget else "stop"


def _calls(asked: _Asked, text: str) -> list[dict[str, Any]]:
    if asked.tool is not None:
        return [_call(asked.tool, text)]
    if asked.calls and text.startswith("{"):
        called = json.loads(text)
        return [_call(called["name"], json.dumps(called["arguments"], ensure_ascii=False))]
    return []


def _call(name: str, arguments: str) -> dict[str, Any]:
    call = {"name": name, "arguments": arguments}
    return {"id": f"call_{secrets.token_hex(8)}", "type": "function", "function": call}


def _usage(answers: list[ServedAnswer]) -> dict[str, int]:
    total = sum((answer.usage for answer in answers), Usage())
    return {
        "prompt_tokens": total.prompt,
        "completion_tokens": total.output,
        "total_tokens": total.prompt + total.output,
    }


async def _whole(texts: AsyncIterator[str]) -> str:
    return "".join([text async for text in texts])


async def _events(
    asked: _Asked, head: dict[str, Any], answers: list[ServedAnswer], texts: list[AsyncIterator[str]]
) -> AsyncIterator[str]:
    """Server-sent events: one choice after the other, then the usage if it was asked for."""
    try:
        for index, (answer, pieces) in enumerate(zip(answers, texts, strict=True)):
            async for choice in _deltas(asked, index, answer, pieces):
                yield _event({**head, "choices": [choice]} | ({"usage": None} if asked.with_usage else {}))
        if asked.with_usage:
            yield _event({**head, "choices": [], "usage": _usage(answers)})
        yield "data: [DONE]\n\n"
    except RequestRefused as error:
        yield _event(openai_error(error))


async def _deltas(
    asked: _Asked, index: int, answer: ServedAnswer, pieces: AsyncIterator[str]
) -> AsyncIterator[dict[str, Any]]:
    def choice(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        if asked.legacy:
            return {"index": index, "text": delta.get("content", ""), "logprobs": None, "finish_reason": reason}
        return {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}

    if asked.tool is not None:
        yield choice({"role": "assistant", "content": None, "tool_calls": [{"index": 0, **_call(asked.tool, "")}]})
        async for piece in pieces:
            yield choice({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        yield choice({}, _reason(answer))
        return
    if not asked.legacy:
        yield choice({"role": "assistant", "content": ""})
    if asked.calls:
        text = await _whole(pieces)
        calls = [{"index": at, **call} for at, call in enumerate(_calls(asked, text))]
        yield choice({"tool_calls": calls} if calls else {"content": text})
        yield choice({}, "tool_calls" if calls and not answer.by_budget else _reason(answer))
        return
    async for piece in pieces:
        yield choice({"content": piece})
    yield choice({}, _reason(answer))


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"
