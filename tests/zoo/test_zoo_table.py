"""The guide's table of Pydantic's types says what the grammars of the zoo say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from zoo.zoo_models import ZOO

import engine
from engine.extraction.compilation import compile_schema
from engine.grammar.grammar import Guarded
from engine.grammar.traversal import walk

PAGE = (Path(engine.__file__).parent / "docs" / "pydantic.md").read_text(encoding="utf-8")
ANIMALS = {animal.name: animal.model for animal in ZOO}

# Which animals show a row of the table.
ROWS = {
    "`int`, `float`, `bool`, `None`, `str`, with bounds, lengths, `strict`": "Conint StrictIntegers FiniteFloats Lengths",
    "`pattern`": "Patterns Searched Compiled",
    "`multiple_of` of a float": "FloatSteps",
    "`strip_whitespace`, `to_lower`, `to_upper` beside a constraint": "Lowered",
    "`date`, `datetime`, `time`, `timedelta`, with bounds and time zones": "DateBounds AwareBounds ZonedClocks DurationBounds",
    "`PastDate`, `FutureDatetime` and the like": "PastDates FutureMoments",
    "`Decimal`, with digits and bounds": "DecimalDigits DecimalBounds FewDigits",
    "`complex`, `Fraction`, `ZoneInfo`, `ByteSize`, `Path`": "Complexes Fractions Zones Sizes Paths",
    "`UUID`, `UUID1` … `UUID8`": "Uuids Uuid1 Uuid8",
    "`IPv4Address` … `IPv6Interface`, `IPvAnyNetwork` …": "Addresses Networks4 Networks6 Networks Interfaces",
    "`AnyUrl`, `HttpUrl`, `PostgresDsn` …": "Links WebLinks FileLinks Databases Brokers",
    "`EmailStr`, `NameEmail`": "Mail NamedMail",
    "`bytes`, `Base64Bytes`, `Base64UrlBytes`, `Base64Str`, `Base64UrlStr`": "RawBytes Encoded UrlEncoded EncodedText UrlText",
    "`Json[T]`": "Embedded EmbeddedModel EmbeddedTwice EmbeddedTree",
    "`bytes` with a length, `re.Pattern`": "FewBytes Expressions",
    "`SecretStr`, `SecretBytes`, `Secret[T]`": "LongSecrets SecretBytes SecretDates",
    "`Literal`, `Enum`": "Literals Colours Levels Rights Filtered",
    "`list`, `tuple`, `NamedTuple`, `deque`, `Sequence`, `Iterable`": "Lists Tuples LongTuples Named Deques Sequences Iterables",
    "`set`, `frozenset`": "Sets SmallSets Frozen AnySet MixedSet",
    "`dict`, `Mapping`, `Counter`, `OrderedDict`, `defaultdict`, with typed keys": "IntKeys DateKeys ChosenKeys Counted Defaults",
    "`Optional`, unions, discriminated or not": "Optionals Smart Discriminated Shapes",
    "a discriminator that is a function": "Tagged",
    "`BaseModel`, `RootModel`, dataclasses, `TypedDict`, generics, recursion": "Person Names Film Aliases Allowing Point",
    "`alias`, `validation_alias`, `AliasChoices`": "Person Chosen",
    "`validate_default`": "ValidDefaults",
    "validators of fields and models, `model_post_init`, `__post_init__`": "After Wrapped Span Twin Initialised Sorted",
}


def table() -> dict[str, str]:
    """What the page says of each row."""
    found = re.search(r"^\| Pydantic \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert found is not None, "the page has no table of Pydantic's types"
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in found[1].splitlines()]
    return {row[0]: row[1] for row in rows}


def test_table_has_a_row_for_each_kind_of_type() -> None:
    assert list(table()) == list(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_row_says_what_enforces_its_types(row: str) -> None:
    for name in ROWS[row].split():
        grammar = compile_schema(ANIMALS[name])
        guarded = any(isinstance(part, Guarded) for node in grammar.rules.values() for part in walk(node))
        assert table()[row] == ("guard" if guarded else "grammar"), name
