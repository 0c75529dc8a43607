"""`engine serve`: the protocols of OpenAI and Ollama, and the engine's own, for clients that people have."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from dataclasses import replace
from types import FrameType
from typing import Annotated, Any

import typer

from engine.cli import options
from engine.cli.fields import parse_fields
from engine.cli.models import DownloadBar
from engine.cli.option_groups import ModelOptions, grouped
from engine.errors import UsageError
from engine.models import resolve

OLLAMA_PORT = 11434
_GRACE = 60  # seconds in which answers end after the first signal

serve_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@serve_app.command()
@grouped
def serve(
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = OLLAMA_PORT,
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model to serve, or NAME=MODEL to serve it under a name; may be repeated."),
    ] = None,
    api_key: Annotated[
        list[str] | None,
        typer.Option(envvar="ENGINE_API_KEY", help="A key that clients must send; may be repeated."),
    ] = None,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="Let everybody in who reaches another address.")] = False,
    allowed_host: Annotated[list[str] | None, typer.Option(help="A name of this server in Host headers.")] = None,
    cors: Annotated[list[str] | None, typer.Option(help="An origin whose pages may ask; none may otherwise.")] = None,
    sequences: options.SequencesOption = 8,
    max_waiting: Annotated[int, typer.Option(min=1, help="Answers in work or waiting; more are refused (503).")] = 128,
    time_limit: Annotated[float, typer.Option(min=1, help="Seconds for one answer.")] = 600.0,
    load: ModelOptions,
) -> None:
    """Serve models to the clients of OpenAI and Ollama, and to `/extract`.

    \b
    engine serve
      OpenAI(base_url="http://127.0.0.1:11434/v1", api_key="-")
      ollama.Client("http://127.0.0.1:11434")
      curl 127.0.0.1:11434/extract -d '{"fields": "name, age int", "text": "Ann is 31."}'
    engine serve --model users=mistral.gguf --host 0.0.0.0 --api-key SECRET
    """
    try:
        import uvicorn

        from engine.server.application import AccessRules, application
        from engine.server.model_client import ModelClient
        from engine.server.model_process import ServedModel
        from engine.server.service import ServerLimits, Service
    except ImportError as error:
        raise UsageError(f"the server needs more packages ({error.name}): pip install 'engine[serve]'") from error
    rules = AccessRules(
        host, tuple(api_key or ()), tuple(map(str.lower, allowed_host or ())), tuple(cors or ()), no_auth
    )
    settings = load.settings(sequences)
    if load.n_ctx == options.DEFAULTS.n_ctx:
        settings = replace(settings, n_ctx=1024 * (sequences or 1) + settings.n_ctx)
    clients = {}
    for name, source in map(_named, model or [""]):
        file = resolve(source, progress=DownloadBar())
        served = name or file.name
        clients[served] = ModelClient(ServedModel(served, source, settings))
    _log_lines()
    service = Service(clients, ServerLimits(most_waiting=max_waiting, seconds=time_limit))
    listening = _listen(host, port)
    config = uvicorn.Config(
        application(service, rules, _read_fields),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
        lifespan="on",
    )
    where = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    typer.echo(f"{', '.join(clients)} at {where}", err=True)
    _server(uvicorn, config, service).run(sockets=[listening])


def _named(model: str) -> tuple[str | None, str | None]:
    """The name and the source of `--model`."""
    name, separator, source = model.partition("=")
    if not separator:
        return model or None, model or None
    if not name or not source:
        raise UsageError(f"--model {model!r}: write NAME=MODEL")
    return name, source


def _read_fields(line: str) -> Any:
    return parse_fields(line).model_json_schema()


def _listen(host: str, port: int) -> socket.socket:
    """The socket, bound before a model is loaded."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        hint = "; is Ollama running? Take another --port" if port == OLLAMA_PORT else ""
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror or error}{hint}") from error
    return bound


def _log_lines() -> None:
    from engine.server.application import JsonLogLines

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLogLines())
    logger = logging.getLogger("engine.server")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)


def _server(uvicorn: Any, config: Any, service: Any) -> Any:
    """A server that loads its models when it starts; the first signal lets answers end, the second one does not."""

    class Serving(uvicorn.Server):  # type: ignore[misc]
        async def startup(self, sockets: Any = None) -> None:
            for client in service.clients.values():
                await client.start()
            await super().startup(sockets)

        def handle_exit(self, number: int, frame: FrameType | None) -> None:
            if self.should_exit:
                self.force_exit = True
            super().handle_exit(number, frame)
            signal.signal(number, self.handle_exit)

    return Serving(config)
