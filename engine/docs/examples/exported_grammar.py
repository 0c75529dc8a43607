"""An exported grammar: GBNF for llama-cli and llama-server, and what it cannot say."""

from __future__ import annotations

from pydantic import BaseModel, Field

import engine
from engine import compile_schema, parse_gbnf
from engine.errors import NotPrintable


class User(BaseModel):
    name: str
    age: int = Field(ge=0, le=120)


class Team(BaseModel):
    members: set[str]


def main() -> None:
    text = engine.print_gbnf(compile_schema(User))
    print(text)
    assert parse_gbnf(text).rules
    try:
        engine.print_gbnf(compile_schema(Team))
    except NotPrintable as error:
        print(f"# {error}")
    # The rest of the grammar, with a comment about what the file does not enforce.
    print(engine.print_gbnf(compile_schema(Team), allow_unenforced=True))


if __name__ == "__main__":
    main()
