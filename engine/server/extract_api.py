"""The engine's own protocol: objects out of texts, as JSON lines or as events, each the moment it closes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from engine.errors import EngineError
from engine.server.messages import ExtractionOrder
from engine.server.model_client import ModelClient
from engine.server.request_body import RequestBody
from engine.server.service import RequestRefused, ServedAnswer, Service, bad_request

# Fields in the one-line form as a JSON Schema.
FieldReader = Callable[[str], Any]

_GROUNDED = (True, False, "prefer")
_RANKS = ("calibrated", "probability", "greedy")


def extract_routes(service: Service, read_fields: FieldReader) -> list[Route]:
    """The route /extract."""

    async def extract(request: Request) -> Response:
        body = RequestBody.parse(await request.body())
        client = service.client(body.take("model", str, next(iter(service.clients))))
        orders = _orders(body, read_fields)
        for order in orders[:1]:
            await service.check_extraction(client, order)
        events = "text/event-stream" in request.headers.get("accept", "")
        media = "text/event-stream" if events else "application/x-ndjson"
        return StreamingResponse(_lines(service, client, orders, events=events), media_type=media)

    return [Route("/extract", extract, methods=["POST"])]


def _orders(body: RequestBody, read_fields: FieldReader) -> list[ExtractionOrder]:
    """One order for each text."""
    text, texts = body.maybe("text", str), body.maybe("texts", list)
    if (text is None) == (texts is None):
        raise bad_request("give either text or texts", "text")
    whole = [text] if texts is None else texts
    if not whole or not all(isinstance(one, str) for one in whole):
        raise bad_request("texts must be a list of texts that is not empty", "texts")
    schema = _schema(body, read_fields)
    mode = "one" if body.take("one", bool, False) else "many"
    grounded: Any = body.any("grounded")
    grounded = True if grounded is None else grounded
    rank = body.take("rank", str, "calibrated")
    if grounded not in _GROUNDED or rank not in _RANKS:
        raise bad_request("grounded is true, false or 'prefer', and rank one of " + ", ".join(_RANKS), "grounded")
    examples = [_example(one) for one in body.take("examples", list, [])]
    options = {"mode": mode, "instructions": body.maybe("instructions", str), "examples": examples}
    options |= {"grounded": grounded, "rank": rank}
    most = body.take("max_tokens", int, 1024)
    if most < 1:
        raise bad_request("max_tokens must be at least 1", "max_tokens")
    sampling = body.sampling(0.0)
    body.done()
    return [ExtractionOrder(0, one, schema, tuple(options.items()), sampling, most) for one in whole if one is not None]


def _schema(body: RequestBody, read_fields: FieldReader) -> str:
    """A JSON Schema, or fields in the one-line form, as the text of a schema."""
    schema, fields = body.any("schema"), body.maybe("fields", str)
    if (schema is None) == (fields is None):
        raise bad_request("give either schema, a JSON Schema, or fields, such as 'name, age int?'", "schema")
    if fields is not None:
        try:
            schema = read_fields(fields)
        except EngineError as error:
            raise bad_request(str(error), "fields") from error
    if not isinstance(schema, dict):
        raise bad_request("schema must be a JSON Schema", "schema")
    return json.dumps(schema)


def _example(example: Any) -> tuple[str, Any]:
    if not isinstance(example, dict) or not isinstance(example.get("text"), str) or "answer" not in example:
        raise bad_request('examples are objects like {"text": "…", "answer": …}', "examples")
    return example["text"], example["answer"]


async def _lines(
    service: Service, client: ModelClient, orders: list[ExtractionOrder], *, events: bool
) -> AsyncIterator[str]:
    """A line for each object with the number of its text, then one for each text's end."""
    for number, order in enumerate(orders):
        answer = ServedAnswer()
        try:
            async for record in service.objects(client, order, answer):
                yield _line({"text": number, **json.loads(record)}, events)
            finish = "budget" if answer.by_budget else "complete"
            usage = {"prompt_tokens": answer.usage.prompt, "output_tokens": answer.usage.output}
            yield _line({"text": number, "finish": finish, "usage": usage}, events)
        except RequestRefused as error:
            yield _line({"text": number, "error": {"message": error.message, "code": error.kind}}, events)


def _line(data: dict[str, Any], events: bool) -> str:
    text = json.dumps(data, ensure_ascii=False)
    return f"data: {text}\n\n" if events else f"{text}\n"
