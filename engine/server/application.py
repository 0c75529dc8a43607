"""Application: the routes of all protocols behind the checks that each request passes."""

from __future__ import annotations

import contextlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_address

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import UsageError
from engine.server.client_presence import ClientGone
from engine.server.extract_api import FieldReader, extract_routes
from engine.server.ollama_api import ollama_error, ollama_routes
from engine.server.openai_api import openai_error, openai_routes
from engine.server.service import RETRY_AFTER, RequestRefused, Service

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
_OPEN = frozenset({"/health", "/"})  # without a key
_RUNNING = "engine is running"

log = logging.getLogger("engine.server")


@dataclass(frozen=True, slots=True)
class AccessRules:
    """Who may ask: `host` is where the server listens, `keys` are accepted, `hosts` and `origins` are allowed besides."""

    host: str = "127.0.0.1"
    keys: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    open_to_all: bool = field(default=False)

    def __post_init__(self) -> None:
        if not is_loopback(self.host) and not self.keys and not self.open_to_all:
            raise UsageError(
                f"on {self.host} others can reach the server: give --api-key, or --no-auth if they may all use it"
            )

    def knows_host(self, header: str) -> bool:
        """Whether a Host header names this server; a page elsewhere that points its own name here (DNS rebinding) does not."""
        name = header.rsplit(":", 1)[0] if not header.endswith("]") and header.count(":") in (0, 1) else header
        name = name[: name.rfind("]") + 1] if name.startswith("[") else name
        if name.lower() in self.hosts or (name.lower() in _LOOPBACK_NAMES and is_loopback(self.host)):
            return True
        return (not is_loopback(self.host) and not self.hosts) or name == self.host

    def accepts(self, request: Request) -> bool:
        """Whether a request has one of the keys, compared in constant time."""
        if not self.keys or request.url.path in _OPEN:
            return True
        given = request.headers.get("authorization", "").removeprefix("Bearer ") or request.headers.get("x-api-key", "")
        return sum(hmac.compare_digest(given.encode(), key.encode()) for key in self.keys) > 0


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def application(service: Service, rules: AccessRules, read_fields: FieldReader) -> Starlette:
    """The ASGI application; when it ends, the processes of its models end."""

    async def health(_: Request) -> Response:
        models = {name: "ready" if client.alive else "starting" for name, client in service.clients.items()}
        ready = all(state == "ready" for state in models.values())
        status = {"status": "ok" if ready else "starting", "models": models, "in_flight": service.in_flight}
        return JSONResponse(status, 200 if ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def root(_: Request) -> Response:
        return PlainTextResponse(_RUNNING)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            service.close()

    routes = [
        Route("/", root),
        Route("/health", health),
        Route("/metrics", metrics),
        *openai_routes(service),
        *ollama_routes(service),
        *extract_routes(service, read_fields),
    ]
    middleware = [Middleware(RequestChecks, service=service, rules=rules)]
    if rules.origins:
        cors = Middleware(
            CORSMiddleware, allow_origins=list(rules.origins), allow_methods=["GET", "POST"], allow_headers=["*"]
        )
        middleware.insert(0, cors)
    handlers = {RequestRefused: _on_refused, HTTPException: _on_http, ClientGone: _on_gone, Exception: _on_defect}
    return Starlette(routes=routes, middleware=middleware, lifespan=lifespan, exception_handlers=handlers)


class RequestChecks:
    """Host, key and size of each request; its line in the log and in the metrics."""

    def __init__(self, app: ASGIApp, service: Service, rules: AccessRules) -> None:
        self._app, self._service, self._rules = app, service, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, request, status = time.monotonic(), Request(scope), 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        refused = self._refused(request)
        try:
            if refused is not None:
                await _response(request, refused)(scope, receive, watched)
            else:
                await self._app(scope, _limited(receive, self._service.limits.body_bytes), watched)
        except RequestRefused as error:  # while the body was read
            await _response(request, error)(scope, receive, watched)
        finally:
            path = request.url.path if status != 404 else "other"
            self._service.metrics.requests.labels(path, str(status or 499)).inc()
            seconds = round(time.monotonic() - begun, 4)
            log.info(
                "request",
                extra={"fields": {"method": request.method, "path": path, "status": status or 499, "seconds": seconds}},
            )

    def _refused(self, request: Request) -> RequestRefused | None:
        if not self._rules.knows_host(request.headers.get("host", "")):
            return RequestRefused(403, "the Host header does not name this server", "forbidden")
        if not self._rules.accepts(request):
            return RequestRefused(401, "the API key is missing or wrong", "invalid_api_key")
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._service.limits.body_bytes:
            return _too_large(self._service.limits.body_bytes)
        return None


def _limited(receive: Receive, most: int) -> Receive:
    size = 0

    async def limited() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            raise _too_large(most)
        return message

    return limited


def _too_large(most: int) -> RequestRefused:
    return RequestRefused(413, f"the body has more than {most} bytes", "request_too_large")


def _response(request: Request, error: RequestRefused) -> Response:
    """An error as the protocol of its path says it."""
    body = ollama_error(error) if request.url.path.startswith("/api/") else openai_error(error)
    headers = {"Retry-After": str(RETRY_AFTER)} if error.status in (429, 503) else {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, error.status, headers)


async def _on_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefused)
    return _response(request, error)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = "not_found_error" if error.status_code == 404 else "invalid_request_error"
    return _response(request, RequestRefused(error.status_code, f"{request.url.path}: {error.detail}", kind))


async def _on_gone(_: Request, __: Exception) -> Response:
    return Response(status_code=499)


async def _on_defect(request: Request, error: Exception) -> Response:
    log.error("defect", exc_info=error)
    return _response(request, RequestRefused(500, "an error inside of the server; its log says more", "server_error"))


class JsonLogLines(logging.Formatter):
    """A log record as one JSON object in a line; it has no text of a document."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        line = {"time": moment, "level": record.levelname.lower(), "event": record.getMessage()}
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
