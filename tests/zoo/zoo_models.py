"""The zoo: Pydantic models, each with JSON texts that must be decodable and others that must not.

`good` are canonical texts. `bad` are texts that Pydantic refuses. `lax` are texts that Pydantic takes and the canonical style
does not write, because the same value has a canonical text: it is one of `good`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import pathlib
import re
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, TypeVar
from zoneinfo import ZoneInfo

from annotated_types import Ge, Le, MultipleOf
from pydantic import (
    UUID1,
    UUID3,
    UUID4,
    UUID5,
    UUID6,
    UUID7,
    UUID8,
    AfterValidator,
    AliasChoices,
    AnyUrl,
    AwareDatetime,
    Base64Bytes,
    Base64Str,
    Base64UrlBytes,
    Base64UrlStr,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Discriminator,
    EmailStr,
    Field,
    FileUrl,
    FiniteFloat,
    FutureDatetime,
    HttpUrl,
    IPvAnyAddress,
    IPvAnyInterface,
    IPvAnyNetwork,
    Json,
    KafkaDsn,
    NaiveDatetime,
    NameEmail,
    PastDate,
    PlainValidator,
    PostgresDsn,
    RootModel,
    Secret,
    SecretBytes,
    SecretStr,
    StringConstraints,
    Tag,
    ValidationInfo,
    WrapValidator,
    computed_field,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypeAliasType, TypedDict


@dataclass(frozen=True)
class Animal:
    """A model with its texts. `guarded`: a guard is in it that a random text seldom passes, so walks may end at it."""

    name: str
    model: Any
    good: tuple[str, ...]
    bad: tuple[str, ...]
    lax: tuple[str, ...] = ()
    guarded: bool = False


def one(
    name: str, tp: Any, good: Iterable[Any], bad: Iterable[Any], lax: Iterable[Any] = (), *, guarded: bool = False
) -> Animal:
    """A model with one field of a type; texts are those of the field's value."""
    model = create_model(name, value=(tp, ...))
    texts = (
        tuple(f'{{"value": {json.dumps(value, ensure_ascii=False)}}}' for value in values)
        for values in (good, bad, lax)
    )
    found, wrong, loose = texts
    return Animal(name, model, found, wrong, loose, guarded)


def whole(
    model: Any, good: Iterable[Any], bad: Iterable[Any], lax: Iterable[Any] = (), *, guarded: bool = False
) -> Animal:
    """A model with texts of its own."""
    good, bad, lax = (tuple(json.dumps(value, ensure_ascii=False) for value in values) for values in (good, bad, lax))
    return Animal(getattr(model, "__name__", str(model)), model, good, bad, lax, guarded)


T = TypeVar("T")
NOON = dt.datetime(2024, 5, 17, 12)
UTC_NOON = NOON.replace(tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def even(value: int) -> int:
    if not isinstance(value, int) or value % 2:
        raise ValueError("odd")
    return value


def below_five(value: Any) -> int:
    if value not in (1, 2, 3, 4):
        raise ValueError("not below five")
    return int(value)


def short(value: str) -> str:
    if len(value) > 3:
        raise ValueError("long")
    return value


class Boxed(BaseModel):
    width: float = Field(gt=0)
    name: str | None = None


class Twig(BaseModel):
    children: list[Twig]


def half(value: Any, handler: Callable[[Any], int]) -> int:
    return even(handler(value))


def kind_of(value: Any) -> str:
    return "number" if isinstance(value, int) else "text"


# -- numbers, booleans, null, strings

SCALARS = (
    one("Integers", int, [0, -5, 10**25], [1.5, "x", None], [1.0, "12", True]),
    one("Conint", Annotated[int, Field(ge=-3, lt=12, multiple_of=3)], [-3, 0, 9], [12, 1, -6], ["9"]),
    one("StrictIntegers", Annotated[int, Field(strict=True, gt=5)], [6], [5, "6", 6.5]),
    one("Floats", float, [0.5, -2, 1e300], ["x", None], ["1.5"]),
    one("FiniteFloats", FiniteFloat, [1.5, 3], ["nan", "inf"]),
    one("Confloat", Annotated[float, Field(gt=0, le=1.5)], [0.25, 1.5], [0, 1.6, -1]),
    one("FloatSteps", Annotated[float, Field(multiple_of=0.5, ge=0, le=20)], [0, 2.5, 20.0], [0.3, 21], guarded=True),
    one("Booleans", bool, [True, False], [2, "x", None], [1, "yes"]),
    one("Nothing", None, [None], [0, False, ""]),
    one("Strings", str, ["", "é", '"\\/', "\n", "𝄞"], [1, None, ["a"]]),
    one("Lengths", Annotated[str, StringConstraints(min_length=2, max_length=4)], ["éé", "𝄞abc"], ["a", "abcde"]),
    one(
        "Stripped",
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=2)],
        ["ab"],
        ["abc"],
        guarded=False,
    ),
    one("Lowered", Annotated[str, StringConstraints(to_lower=True, pattern="^[a-c]*$")], ["ab"], ["x"], guarded=True),
    one("Patterns", Annotated[str, Field(pattern=r"^[A-Z]{2}-\d{3}$")], ["AB-123"], ["ab-123", "AB-12", "AB-123\n"]),
    one("Searched", Annotated[str, Field(pattern="[0-9]")], ["a1b"], ["ab"]),
    one("Compiled", Annotated[str, Field(pattern=re.compile("^ab+$", re.IGNORECASE))], ["aB"], ["a"]),
    one("Complexes", complex, ["1+2j", "-0.5", "3j", "1e5-2j"], ["x", "1+"], [1.5, "inf+0j"]),
    one("Fractions", Fraction, ["1/3", "-7"], ["1/0", "x"], ["1.5"]),
    one("Decimals", decimal.Decimal, ["1.5", "-0.001", "1" * 40], ["x", "NaN", "1e"], [1.5, "1E+3"]),
    one(
        "DecimalDigits",
        Annotated[decimal.Decimal, Field(max_digits=5, decimal_places=2)],
        ["123.45", "-0.5", "0"],
        ["1234.5", "0.125", "1234"],
    ),
    one("FewDigits", Annotated[decimal.Decimal, Field(max_digits=2, decimal_places=3)], ["0.12"], ["0.123", "1"]),
    one(
        "DecimalBounds",
        Annotated[decimal.Decimal, Field(gt=decimal.Decimal("-1.5"), le=10)],
        ["-1.49", "10", "10.00", "0"],
        ["-1.5", "10.01", "11"],
    ),
)

# -- dates, times, durations

TIMES = (
    one(
        "Dates",
        dt.date,
        ["2024-02-29", "0001-01-01", "9999-12-31"],
        ["2023-02-29", "0000-01-01", "2024-13-01"],
        [86400],
    ),
    one(
        "DateBounds",
        Annotated[dt.date, Field(gt=dt.date(2020, 2, 28), le=dt.date(2024, 2, 29))],
        ["2020-02-29", "2024-02-29"],
        ["2020-02-28", "2024-03-01", "1999-12-31"],
    ),
    one("PastDates", PastDate, ["1999-12-31"], ["9999-01-01"], guarded=True),
    one(
        "Moments",
        dt.datetime,
        ["2024-02-29T12:00:00", "2024-02-29T12:00:00.5+02:00"],
        ["2023-02-29T12:00:00"],
        ["2024-01-01"],
    ),
    one("AwareMoments", AwareDatetime, ["2024-01-01T00:00:00Z"], ["2024-01-01T00:00:00"], ["2024-01-01 00:00Z"]),
    one("NaiveMoments", NaiveDatetime, ["2024-01-01T00:00:00"], ["2024-01-01T00:00:00Z"]),
    one("FutureMoments", FutureDatetime, ["9999-01-01T00:00:00"], ["1999-01-01T00:00:00"], guarded=True),
    one(
        "NaiveBounds",
        Annotated[dt.datetime, Field(ge=NOON, lt=NOON + DAY)],
        ["2024-05-17T12:00:00", "2024-05-18T11:59:59.999999", "2024-05-17T12:00:00+05:00"],
        ["2024-05-17T11:59:59.999999", "2024-05-18T12:00:00"],
    ),
    one(
        "AwareBounds",
        Annotated[AwareDatetime, Field(ge=UTC_NOON, le=UTC_NOON + DAY)],
        ["2024-05-17T12:00:00Z", "2024-05-17T14:00:00+02:00", "2024-05-18T07:00:00-05:00"],
        ["2024-05-17T13:59:59+02:00", "2024-05-18T12:00:00.1Z", "2024-05-18T07:00:01-05:00", "2024-05-17T12:00:00"],
    ),
    one("Clocks", dt.time, ["12:34:56", "00:00:00.123456", "12:34:56Z"], ["24:00:00", "12:34:60"], ["12:34"]),
    one(
        "ClockBounds",
        Annotated[dt.time, Field(ge=dt.time(8), lt=dt.time(17, 30))],
        ["08:00:00", "17:29:59.9"],
        ["07:59:59", "17:30:00"],
    ),
    one(
        "ZonedClocks",
        Annotated[dt.time, Field(ge=dt.time(8, tzinfo=dt.UTC))],
        ["08:00:00Z", "09:00:00+01:00", "01:00:00-07:00"],
        ["08:59:59+01:00", "07:00:00Z"],
    ),
    one(
        "Durations",
        dt.timedelta,
        ["P1D", "PT5S", "-PT1H2M3.5S", "P999999999DT23H59M59.999999S"],
        ["P", "PT", "x"],
        ["1 day", 60, "P2739726Y9DT23H59M59.999999S"],
    ),
    one(
        "DurationBounds",
        Annotated[dt.timedelta, Field(gt=-DAY, le=dt.timedelta(hours=36))],
        ["-PT23H59M59S", "P1DT12H", "PT0S"],
        ["-P1D", "P1DT12H0.1S", "P2D"],
    ),
    one("Zones", ZoneInfo, ["Europe/Berlin"], ["Nowhere/Here"]),
)

# -- identifiers, networks, bytes, secrets

UUID = "{}-1234-{}234-9234-123456789abc"
VERSIONS = (UUID1, UUID3, UUID4, UUID5, UUID6, UUID7, UUID8)

TEXTS = (
    one(
        "Uuids",
        uuid.UUID,
        [UUID.format("ABCDEF01", 1)],
        ["12345678", "x"],
        [UUID.format("abcdef01", 1).replace("-", "")],
    ),
    *(
        one(
            f"Uuid{version}",
            VERSIONS[index],
            [UUID.format("12345678", version)],
            [UUID.format("12345678", 2), UUID.format("12345678", version).replace("-9234", "-7234")],
        )
        for index, version in enumerate((1, 3, 4, 5, 6, 7, 8))
    ),
    one(
        "Links",
        AnyUrl,
        ["ftp://example.com/x", "foo:bar", "http://user@[::1]:80/?q#f"],
        ["example.com", "http://a:65536"],
    ),
    one(
        "WebLinks",
        HttpUrl,
        ["https://example.com/a?b#c", "http://127.0.0.1"],
        ["ftp://example.com", "https://", "http://1.2.3.999"],
    ),
    one("Brokers", KafkaDsn, ["kafka://a:1", "kafka:/x", "kafka://"], ["kafka:x", "kafka:"]),
    one("FileLinks", FileUrl, ["file:///etc/hosts"], ["http://a"]),
    one(
        "Databases",
        PostgresDsn,
        ["postgres://user:pass@a:1,b:2/db", "postgres://a,b:c@d"],
        ["postgres:///db", "mysql://a/b", "postgres://,a@b", "postgres://:p,a@b"],
    ),
    one("Mail", EmailStr, ["a.b+c@example.com"], ["a", "a@b", "a@b.test", "a@[1.2.3.4]", '"a"@b.com']),
    one("NamedMail", NameEmail, ["John Doe <a@b.com>", "a@b.com"], ["John Doe", "x <a@b>", "x\n <a@b.com>"]),
    one("Addresses4", IPv4Address, ["127.0.0.1"], ["1.2.3", "256.1.1.1", "01.1.1.1"], [1]),
    one("Addresses6", IPv6Address, ["::1", "2001:db8::1", "::ffff:1.2.3.4"], ["1::2::3", "g::"]),
    one("Addresses", IPvAnyAddress, ["127.0.0.1", "::1"], ["x", "1.2.3.4/5"]),
    one(
        "Networks4",
        IPv4Network,
        ["10.0.0.0/8", "1.2.3.4/32", "0.0.0.0/0"],
        ["10.0.0.1/8", "10.0.0.0/33"],
        ["10.0.0.0/255.0.0.0"],
    ),
    one("Networks6", IPv6Network, ["2001:db8::/32", "::/0", "::1/128"], ["2001:db8::1/32", "::/129"]),
    one("Networks", IPvAnyNetwork, ["10.0.0.0/8", "fe80::/10"], ["10.0.0.1/8", "x"]),
    one("Interfaces4", IPv4Interface, ["10.0.0.1/8"], ["10.0.0.1/33"], ["10.0.0.1"]),
    one("Interfaces6", IPv6Interface, ["fe80::1/64"], ["fe80::1/129"]),
    one("Interfaces", IPvAnyInterface, ["10.0.0.1/8", "fe80::1/64"], ["x/1"]),
    one("RawBytes", bytes, ["abc", "é"], [1]),
    one("FewBytes", Annotated[bytes, Field(max_length=2)], ["ab", "é"], ["éa", "abc"], guarded=True),
    one("Encoded", Base64Bytes, ["aGk=", "", "AAECAw=="], ["a", "aGk"]),
    one("UrlEncoded", Base64UrlBytes, ["-_8=", "aGk="], ["a", "aGk"]),
    one("EncodedText", Base64Str, ["aGk=", "4oKs", ""], ["/w==", "a", "4oI="]),
    one("UrlText", Base64UrlStr, ["w7_Dvw==", "aGk="], ["_w==", "a", "aGk"]),
    one("Paths", pathlib.Path, ["/a/b", ""], [1]),
    one("Secrets", SecretStr, ["x", ""], [1]),
    one("LongSecrets", Annotated[SecretStr, Field(min_length=3)], ["abc"], ["ab"]),
    one("SecretBytes", SecretBytes, ["x"], [1]),
    one("SecretDates", Secret[dt.date], ["2024-02-29"], ["2023-02-29"]),
    one("Sizes", ByteSize, ["5 GB", "1.5KiB", 10], ["x", "5 GX", -1], [" 5 gb"]),
    one("Expressions", re.Pattern, ["a+"], ["(", "["], guarded=True),
    one("Embedded", Json[list[int]], ["[1, 2]"], ["[1", '["a"]', [1]], guarded=True),
    one(
        "EmbeddedModel",
        Json[Boxed],
        [r'{"width": 1.5, "name": "a \"b\" \\ \n é"}', '{"width": 2}'],
        ['{"name": "a"}', '{"width": 0}', "{"],
        guarded=True,
    ),
    one("EmbeddedTwice", Json[Json[bool]], ['"true"'], ['"x"', "x", "true "], ['"1"'], guarded=True),
    one("EmbeddedTree", Json[Twig], ['{"children": [{"children": []}]}'], ['{"children": [1]}'], guarded=True),
)

# -- literals and enums


class Colour(enum.Enum):
    RED = "red"
    TWO = 2
    EXACT = decimal.Decimal("1.5")


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Size(enum.StrEnum):
    SMALL = "s"
    LARGE = "l"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2
    OWN = 8


class Bits(enum.IntFlag):
    LOW = 1
    HIGH = 2


LITERALS = (
    one("Literals", Literal["a", 1, True, None], ["a", 1, True, None], ["b", 2, False]),
    one("Colours", Colour, ["red", 2, 1.5], ["RED", 3], [2.0]),
    one("Levels", Level, [1, 2], [3, "LOW"], ["1"]),
    one("Rights", Rights, [0, 1, 3, 8, 11], [4, 12, "READ", None]),
    one("Bits", Bits, [0, 1, 3, 5, 2**63 - 1], ["LOW", None, 2**63]),
    one("Sizes2", Size, ["s", "l"], ["SMALL", 1]),
    one("Filtered", Annotated[Literal[1, 2, 3, 4], AfterValidator(even)], [2, 4], [1, 3]),
)

# -- containers


class Pair(NamedTuple):
    first: int
    second: str = "x"


COLLECTIONS = (
    one("Lists", Annotated[list[int], Field(min_length=1, max_length=2)], [[1], [1, 2]], [[], [1, 2, 3], ["a"]]),
    one("Sets", set[Literal["a", "b", "c"]], [[], ["a", "c"]], [["d"]], [["a", "a"]]),
    one(
        "SmallSets",
        Annotated[set[Annotated[int, Field(ge=0, le=9)]], Field(min_length=2)],
        [[1, 2]],
        [[1], [1, 1]],
        guarded=True,
    ),
    one("AnySet", set[Any], [[], [1, "a", None]], [[[1]], [{}]]),
    one("MixedSet", set[int | list[int]], [[], [1]], [[[]], [1, [2]]], guarded=True),
    one("NoSet", set[list[int]], [[]], [[[]], [[1]]]),
    one("Frozen", Annotated[frozenset[str], Field(max_length=2)], [["a"], ["a", "b"]], [["a", "b", "c"]]),
    one("Tuples", tuple[int, str], [[1, "a"]], [[1], [1, "a", 2], ["a", 1]]),
    one("LongTuples", Annotated[tuple[int, ...], Field(max_length=3)], [[], [1, 2]], [["a"], [1, 2, 3, 4]]),
    one("Named", Pair, [[1], [1, "a"]], [[], ["a"]], [{"first": 1}]),
    one("Deques", Annotated[deque[int], Field(max_length=2)], [[], [1, 2]], [[1, 2, 3], ["a"]]),
    one("Sequences", Annotated[Sequence[bool], Field(min_length=1)], [[True]], [[], [2]]),
    one("Iterables", Iterable[int], [[], [1]], [1, ["a"]]),
    one("Mappings", Mapping[str, int], [{}, {"a": 1}], [{"a": "b"}, []]),
    one(
        "Counted",
        Annotated[dict[str, bool], Field(min_length=1, max_length=2)],
        [{"a": True}],
        [{}, {"a": True, "b": True, "c": True}],
    ),
    one("Counters", Counter[str], [{}, {"a": 1}], [{"a": "x"}]),
    one("Ordered", OrderedDict[str, int], [{"b": 1, "a": 2}], [{"a": "x"}]),
    one("Defaults", defaultdict[str, list[int]], [{"a": [1]}], [{"a": 1}]),
    one(
        "IntKeys",
        dict[Annotated[int, Field(ge=5, lt=20, multiple_of=5)], str],
        [{"5": "a", "15": ""}],
        [{"4": "a"}, {"20": "a"}],
    ),
    one("BoolKeys", dict[bool, int], [{"true": 1}], [{"x": 1}], [{"yes": 1}]),
    one("FloatKeys", dict[float, int], [{"1.5": 1}], [{"x": 1}], [{" 1.5": 1}]),
    one("DateKeys", dict[dt.date, int], [{"2024-01-01": 1}], [{"2024-13-01": 1}]),
    one("UuidKeys", dict[uuid.UUID, int], [{UUID.format("12345678", 4): 1}], [{"x": 1}]),
    one("ChosenKeys", dict[Literal["a", "b"], int], [{"a": 1}, {"a": 1, "b": 2}], [{"c": 1}], [{"b": 1, "a": 2}]),
    one(
        "LevelKeys",
        Annotated[dict[Level, int], Field(min_length=1)],
        [{"1": 5}, {"1": 0, "2": 0}],
        [{}, {"3": 1}, {"LOW": 1}],
    ),
    one("TruthKeys", dict[Literal[True, "a"], int], [{"true": 1}, {"a": 1}], [{"false": 1}, {"b": 1}]),
    one("OptionalKeys", dict[int | None, int], [{"5": 1}], [{"null": 1}, {"x": 1}]),
    one(
        "CheckedKeys",
        dict[Annotated[int, AfterValidator(even)], int],
        [{}, {"2": 1}],
        [{"1": 1}, {"x": 1}],
        guarded=True,
    ),
    one(
        "StrippedKeys",
        Annotated[dict[Annotated[str, StringConstraints(strip_whitespace=True)], int], Field(min_length=2)],
        [{"a": 1, "b": 1}],
        [{"a": 1}, {"a": 1, " a": 1}],
        guarded=True,
    ),
    one("PatternKeys", dict[Annotated[str, Field(pattern="^x[0-9]$")], int], [{"x1": 1}], [{"a": 1}]),
    one("Anything", Any, [1, "a", None, [1], {"a": {}}], []),
)

# -- unions


class Cat(BaseModel):
    kind: Literal["cat", "kitten"]
    lives: int = Field(ge=1, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Circle(BaseModel):
    radius: float


class Square(BaseModel):
    side: float


UNIONS = (
    one("Optionals", int | None, [1, None], ["a"], ["1"]),
    one("Smart", int | str | list[int], [1, "a", [1]], [None, ["a"]]),
    one("LeftToRight", Annotated[int | str, Field(union_mode="left_to_right")], [1, "a"], [None]),
    one(
        "Discriminated",
        Annotated[Cat | Dog, Field(discriminator="kind")],
        [{"kind": "kitten", "lives": 1}, {"kind": "dog", "name": "x"}],
        [{"lives": 1}, {"kind": "dog", "lives": 1}, {"kind": "cow"}],
    ),
    one(
        "Tagged",
        Annotated[Annotated[int, Tag("number")] | Annotated[str, Tag("text")], Discriminator(kind_of)],
        [1, "a"],
        [None, 1.5],
    ),
    one("Shapes", Circle | Square, [{"radius": 1.5}, {"side": 2}], [{}, {"radius": "x"}]),
)

# -- models


class Address(BaseModel):
    """Where somebody lives."""

    street: str
    code: Annotated[str, Field(pattern=r"^[0-9]{5}$", description="five digits")] = "00000"


class Person(Address):
    name: str = Field(alias="full name", min_length=1)
    friends: list[Person] = []


class Forbidding(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    n: int


class Allowing(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]
    n: int = Field(0, alias="N")


class Ignoring(BaseModel):
    n: int


class Chosen(BaseModel):
    n: int = Field(validation_alias=AliasChoices("a", "b"))


class Box(BaseModel, Generic[T]):
    item: T
    more: list[T] = []


class Names(RootModel[Annotated[list[str], Field(max_length=2)]]):
    pass


class ValidDefaults(BaseModel):
    wrong: int = Field(default=-1, ge=0, validate_default=True)
    right: int = Field(default=1, ge=0, validate_default=True)
    unchecked: int = Field(default=-1, ge=0)


class Area(BaseModel):
    side: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def area(self) -> int:
        return self.side**2


class Span(BaseModel):
    start: int = Field(ge=0, le=9)
    end: int = Field(ge=0, le=9)

    @model_validator(mode="after")
    def _ordered(self) -> Span:
        if self.end <= self.start:
            raise ValueError("end is not after start")
        return self


class Twin(BaseModel):
    a: bool
    b: bool

    @field_validator("b")
    @classmethod
    def _equal(cls, value: bool, info: ValidationInfo) -> bool:
        if value != info.data.get("a"):
            raise ValueError("differs")
        return value


class Initialised(BaseModel):
    a: int = Field(ge=0, le=20)

    def model_post_init(self, context: Any, /) -> None:
        if self.a == 13:
            raise ValueError("unlucky")


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0
    hidden: int = dataclasses.field(default=1, init=False)


@pydantic_dataclass
class Sorted:
    low: bool
    high: bool

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("not sorted")


class Film(TypedDict):
    title: str
    year: NotRequired[int]


Nested = TypeAliasType("Nested", "list[Nested] | bool")  # PEP 695's `type`, for Python 3.11


class Aliases(BaseModel):
    value: Nested


class ShortStrings(BaseModel):
    model_config = ConfigDict(str_max_length=3)
    text: str


class ShortSizes(BaseModel):
    model_config = ConfigDict(str_max_length=3)
    size: ByteSize


class Hidden(BaseModel):
    shown: int
    kept: SkipJsonSchema[int] = 3


MODELS = (
    whole(Address, [{"street": "a"}, {"street": "a", "code": "12345"}], [{}, {"street": "a", "code": "1"}]),
    whole(
        Person,
        [
            {
                "street": "a",
                "full name": "A",
                "friends": [{"street": "", "code": "11111", "full name": "B", "friends": []}],
            }
        ],
        [
            {"street": "a", "name": "A"},
            {"street": "a", "full name": ""},
            {"street": "a", "full name": "A", "friends": [{}]},
        ],
    ),
    whole(Forbidding, [{"n": 1}], [{"n": "1"}, {"n": 1, "m": 2}, {}]),
    whole(Allowing, [{"N": 1, "other": 2}, {}], [{"N": 1, "other": "x"}], [{"N": 0, "n": 1}, {"N": 0, "n": 1, "m": 2}]),
    whole(Ignoring, [{"n": 1}], [{}], [{"n": 1, "m": 2}]),
    whole(Chosen, [{"a": 1}], [{}, {"n": 1}], [{"b": 1}]),
    whole(Box[int], [{"item": 1, "more": [2]}], [{"item": "a"}, {"item": 1, "more": ["a"]}]),
    whole(Names, [["a"], []], [[1], ["a", "b", "c"]]),
    whole(
        ValidDefaults,
        [{"wrong": 0}, {"wrong": 1, "right": 2, "unchecked": 3}],
        [{}, {"right": 1}, {"wrong": 0, "unchecked": -1}],
    ),
    whole(Area, [{"side": 2}], [{}], [{"side": 2, "area": 4}]),
    whole(Span, [{"start": 1, "end": 2}], [{"start": 2, "end": 1}], guarded=True),
    whole(Twin, [{"a": True, "b": True}], [{"a": True, "b": False}], guarded=True),
    whole(Initialised, [{"a": 1}], [{"a": 13}], guarded=True),
    whole(
        Point, [{"x": 1}, {"x": 1, "y": 2}], [{"y": 1}], [{"x": 1, "y": 2, "hidden": 1}, {"x": 1, "y": 0, "hidden": 1}]
    ),
    whole(Sorted, [{"low": False, "high": True}], [{"low": True, "high": False}], guarded=True),
    whole(Film, [{"title": "a"}, {"title": "a", "year": 1}], [{"title": 1}, {}]),
    whole(Aliases, [{"value": True}, {"value": [[], [False]]}], [{"value": "x"}, {"value": [3]}]),
    whole(ShortSizes, [{"size": "5GB"}, {"size": 5000}], [{"size": "5 GB"}], [{"size": "5000"}]),
    whole(Hidden, [{"shown": 1}], [{}, {"kept": 3}], [{"shown": 1, "kept": 4}, {"shown": 1, "kept": 3}]),
    whole(ShortStrings, [{"text": "abc"}], [{"text": "abcd"}]),
)

# -- validators

VALIDATORS = (
    one("After", Annotated[int, Field(ge=0, le=9), AfterValidator(even)], [2], [1, 10], guarded=True),
    one("Before", Annotated[int, BeforeValidator(lambda value: value)], [2], ["a"]),
    one("Wrapped", Annotated[int, Field(ge=0, le=9), WrapValidator(half)], [2], [1], guarded=True),
    one(
        "Plain",
        Annotated[int, PlainValidator(below_five, json_schema_input_type=Literal[1, 2, 3, 4, 5])],
        [2, 4],
        [5, "x"],
    ),
    one("Stacked", Annotated[int, Ge(0), Le(100), MultipleOf(5), Field(lt=50)], [0, 45], [50, 3, -5]),
    one(
        "BeforeList",
        Annotated[list[Annotated[str, AfterValidator(short)]], Field(max_length=2)],
        [["abc"]],
        [["abcd"]],
        guarded=True,
    ),
)

ZOO: tuple[Animal, ...] = (*SCALARS, *TIMES, *TEXTS, *LITERALS, *COLLECTIONS, *UNIONS, *MODELS, *VALIDATORS)
