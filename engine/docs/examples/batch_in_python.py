"""A batch in Python: many texts, one result for each, written to a file; what failed is said and tried no further.

For a job that survives a crash take `engine batch`; this is for a loop of your own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from pydantic import BaseModel

from engine import Extractor


class User(BaseModel):
    name: str
    age: int


def documents() -> Iterator[tuple[str, str]]:
    """Pulled one by one as places get free, so this may be a query over a million rows."""
    yield "a", "My name is John and I am 20 years old"
    yield "b", "My name is Mary and I am 21 years old"
    yield "c", ""


def main() -> None:
    extractor = Extractor(User, max_items=1)
    failed = 0
    for result in extractor.batch(documents(), max_tokens=60):
        if result.error is not None:
            failed += 1
            print(f"{result.id}: {result.error}", file=sys.stderr)
            continue
        print(json.dumps({"id": result.id, "users": [user.model_dump() for user in result.values], "cut": result.cut}))
    print(f"{failed} failed", file=sys.stderr)


if __name__ == "__main__":
    main()
