"""Log lines: each line is a document, records come in order as they are decoded, one bad line does not end the others.

python log_lines.py < /var/log/syslog
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import time
from typing import Literal

from pydantic import BaseModel, Field

from engine import ModelSettings, extract

SAMPLE = [
    "12:04:11 WARN disk sda1 is 91% full",
    "12:04:15 ERROR payment 4711 refused: card expired",
]


class Entry(BaseModel):
    at: time
    level: Literal["DEBUG", "INFO", "WARN", "ERROR"]
    message: str = Field(max_length=80)


def main(lines: Iterable[str]) -> None:
    # A live input: with one document at a time, none waits until the next line has come.
    settings = ModelSettings(sequences=1)
    entries = extract(lines, Entry, min_items=1, max_items=1, grounded=True, errors="collect", settings=settings)
    for entry in entries:
        print(entry.model_dump_json(), flush=True)
    for number, error in entries.errors.items():
        print(f"line {number + 1}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main(SAMPLE if sys.stdin is None or sys.stdin.isatty() or "--sample" in sys.argv else map(str.rstrip, sys.stdin))
