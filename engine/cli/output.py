"""Where the objects of `engine extract` go: JSON lines on standard output, or a live table in a terminal.

A line is written out as soon as its object is there, so that whatever ends the run, what was decoded is printed.
"""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, Protocol, Self

import typer
from pydantic_core import to_json
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from engine.basics.json_pointer import escaped_token
from engine.extraction.extraction import Extracted

_DOUBTFUL_BELOW = 0.5


class Output(Protocol):
    """Takes the objects one by one."""

    def write(self, result: Extracted[Any], source: str) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class JsonLines:
    """One JSON value a line; `detailed` adds the document's index and name, the text that the model wrote, what is cut,
    where grounded values stand in the document, in characters, and how sure they are."""

    def __init__(self, *, detailed: bool) -> None:
        self._detailed = detailed

    def write(self, result: Extracted[Any], source: str) -> None:
        value: Any = result.value
        if self._detailed:
            place = {"document": result.document, "source": source}
            value = {**place, "value": value, "text": result.text, "cut": result.cut}
            if result.thought:
                value["thought"] = result.thought
            if result.spans:
                value["spans"] = {where: span and [span.start, span.end] for where, span in result.spans.items()}
            if result.confidence:
                value["confidence"] = {where: sure.probability for where, sure in result.confidence.items()}
        typer.echo(as_json(value))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


class LiveTable:
    """One row an object, one column a field; the last rows while it grows, the whole table at its end. A value that is cut, or
    that should stand in the text and does not, has a question mark."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()
        self._columns: dict[str, None] = {}
        self._rows: list[dict[str, Text]] = []
        self._live = Live(console=self.console, get_renderable=self._tail, transient=True)

    def write(self, result: Extracted[Any], source: str) -> None:
        value = json.loads(as_json(result.value))
        members = value if isinstance(value, dict) else {"value": value}
        self._columns.update(dict.fromkeys(members))
        self._rows.append(
            {name: _marked(_cell(member), _is_doubtful(result, name, member)) for name, member in members.items()}
        )
        self._live.refresh()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        if self._rows:
            self.console.print(self._table(self._rows))

    def _tail(self) -> Table:
        return self._table(self._rows[-max(1, self.console.height - 6) :])

    def _table(self, rows: list[dict[str, Text]]) -> Table:
        table = Table()
        for name in self._columns:
            table.add_column(_plain(name))
        for row in rows:
            table.add_row(*(row.get(name, Text()) for name in self._columns))
        return table


def as_json(value: Any) -> bytes:
    """One line of UTF-8."""
    return to_json(value, by_alias=True)


def _is_doubtful(result: Extracted[Any], name: str, value: Any) -> bool:
    """Whether a member, or something in it, was changed by the budget, stands nowhere in the document or is hardly sure."""
    where = f"/{escaped_token(name)}"
    absent = [path for path, span in result.spans.items() if span is None] if value is not None else []
    unsure = [path for path, sure in result.confidence.items() if sure.probability < _DOUBTFUL_BELOW]
    return "" in result.cut or any(f"{path}/".startswith(f"{where}/") for path in (*result.cut, *absent, *unsure))


def _marked(text: str, doubtful: bool) -> Text:
    cell = _plain(text)
    if doubtful:
        cell.append(" ?")
        cell.stylize("yellow")
    return cell


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(text: str) -> Text:
    """No markup, and no control characters: the terminal must not do what a document says."""
    return Text("".join(character if character.isprintable() else repr(character)[1:-1] for character in text))
