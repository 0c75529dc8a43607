"""Guards that leave no way: decoding goes back, and nobody beside it notices."""

from __future__ import annotations

import json
from typing import Annotated, Any

import jsonschema
import numpy as np
import pytest
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, model_validator
from vocabularies import FULL

from engine.automaton.automaton import Automaton
from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.generation import Jump
from engine.decoding.sampler import GREEDY, Sampling
from engine.decoding.scheduler import Request, Run, Workspace
from engine.decoding.scripted import ScriptedModel, ScriptedSequences, hashed_script
from engine.decoding.statistics import Statistics
from engine.errors import DeadEnd, EngineError, GuardUnsatisfied
from engine.extraction.compilation import array_of, compile_schema, lower_schema, read_schema
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher


def _checksum(code: str) -> str:
    if sum(map(int, code)) % 10:
        raise ValueError("the digits do not add up")
    return code


class Period(BaseModel):
    start: int = Field(ge=10, le=99)
    end: int = Field(ge=10, le=99)

    @model_validator(mode="after")
    def _ordered(self) -> Period:
        if self.end <= self.start:
            raise ValueError("end must be after start")
        return self


TYPES: dict[str, Any] = {
    "unique enum": {
        "type": "array",
        "items": {"enum": ["a", "ab", "b"]},
        "uniqueItems": True,
        "minItems": 3,
        "maxItems": 3,
    },
    "counted": {
        "type": "array",
        "items": {"enum": ["aa", "ab", "ba"]},
        "contains": {"const": "ba"},
        "minContains": 2,
        "maxContains": 2,
        "minItems": 4,
        "maxItems": 4,
    },
    "checksum": Annotated[str, Field(pattern="^[0-9]{4}$"), AfterValidator(_checksum)],
    "ordered": Period,
}
WALKS = Walks(FULL)


def validate(text: bytes, model: Any) -> None:
    if isinstance(model, dict):
        jsonschema.validate(json.loads(text), model)
    else:
        TypeAdapter(model).validate_json(text)


def decode(
    schema: Any,
    documents: int,
    *,
    count: int = 1,
    seed: int = 0,
    many: bool = False,
    jump: Jump = "spelled",
    sampling: Sampling = GREEDY,
    max_backtracks: int = 1000,
    max_tokens: int = 60,
    statistics: Statistics | None = None,
    prompt: str = "",
) -> dict[int, tuple[bytes, str | EngineError | None]]:
    """By document the bytes that its events had, and how it ended."""
    read = read_schema(schema)
    masks = Masks(Automaton(lower_schema(array_of(read, 0, None) if many else read, "spaced")), WALKS)
    # The longer a token, the likelier it is: random texts would hardly ever reach the end of a string.
    bonus = np.array([0.1 * len(piece) for piece in FULL.pieces], np.float32)
    script = hashed_script(len(FULL), seed)
    sequences = ScriptedSequences(FULL, lambda tokens: script(tokens) + bonus, count=count)
    model = ScriptedModel(FULL)
    space = Workspace(FULL, ForcedTokenizer(model), sequences)
    told = model.tokenize(prompt.encode())

    def prepare(index: int, _: int) -> Request:
        return Request(
            (12, 13, 12 + index % 2, 40 + index, *told), Matcher(masks), max_tokens, sampling, many, max_backtracks
        )

    outputs: dict[int, bytes] = {}
    ends: dict[int, str | EngineError | None] = {}
    for event in Run(range(documents), prepare, jump=jump, statistics=statistics).events(space):
        outputs[event.document] = outputs.get(event.document, b"") + event.data
        ends[event.document] = event.error or event.finish
    return {document: (outputs[document], ends[document]) for document in outputs}


@pytest.mark.parametrize("jump", ["off", "spelled", "verified"])
@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=1.5, seed=3)], ids=["greedy", "sampled"])
@pytest.mark.parametrize("name", TYPES)
def test_every_output_is_valid_where_guards_leave_few_ways(name: str, sampling: Sampling, jump: Jump) -> None:
    statistics = Statistics()
    for seed in range(4):
        found = decode(TYPES[name], 6, seed=seed, jump=jump, sampling=sampling, statistics=statistics)
        for text, end in found.values():
            assert end in ("complete", "budget"), end
            validate(text, TYPES[name])
    assert statistics.rollbacks > 0
    assert statistics.extra_passes >= statistics.rollbacks


@pytest.mark.parametrize("name", TYPES)
def test_a_document_that_goes_back_does_not_disturb_its_neighbours(name: str) -> None:
    alone = decode(TYPES[name], 8, many=True)
    assert decode(TYPES[name], 8, many=True, count=3) == alone
    assert decode(TYPES[name], 8, many=True, count=8) == alone


@pytest.mark.parametrize("name", TYPES)
def test_what_was_given_out_stays(name: str) -> None:
    """Events only add bytes: together they are the valid output, so nothing went back behind them."""
    statistics = Statistics()
    for seed in range(4):
        found = decode(TYPES[name], 6, seed=seed, many=True, max_tokens=120, statistics=statistics)
        for text, end in found.values():
            assert end in ("complete", "budget"), end
            for item in json.loads(text):
                validate(json.dumps(item).encode(), TYPES[name])
    assert statistics.rollbacks > 0


def _never(code: str) -> str:
    raise ValueError(f"{code} is not it")


class Never(BaseModel):
    code: Annotated[str, Field(pattern="^[0-9]{2}$"), AfterValidator(_never)]


def test_a_guard_that_nothing_satisfies_ends_its_document_with_what_it_said() -> None:
    for text, error in decode(Never, 2, count=2).values():
        assert text == b""
        assert isinstance(error, GuardUnsatisfied)
        assert isinstance(error, DeadEnd)
        assert error.path == "/properties/code"
        assert "is not it" in error.message
        assert 0 < error.passes <= 250  # all hundred codes were tried, each in two passes, and no more


def test_a_search_is_bounded_in_passes() -> None:
    for max_backtracks in (0, 5, 20):
        ((_, error),) = decode(Never, 1, max_backtracks=max_backtracks).values()
        assert isinstance(error, GuardUnsatisfied)
        assert error.passes <= max_backtracks + 3  # what the last return threw away


def test_a_budget_that_guards_make_tight_is_kept() -> None:
    schema = TYPES["counted"]
    shortest = Matcher(Masks(Automaton(compile_schema(schema)), WALKS)).closing()
    assert shortest is not None
    for max_tokens in range(len(shortest) + 1, len(shortest) + 12):
        statistics = Statistics()
        for text, end in decode(schema, 4, max_tokens=max_tokens, statistics=statistics).values():
            if isinstance(end, GuardUnsatisfied):
                continue  # guards left no way to close in so few tokens
            validate(text, schema)
        assert statistics.decoded_tokens <= 4 * max_tokens


def _looked_up(known: set[Any]) -> AfterValidator:
    def look_up(value: Any) -> Any:
        if value not in known:
            raise ValueError(f"{value!r} is not known")
        return value

    return AfterValidator(look_up)


CITIES = {"Nairobi", "Ciudad de México", "AB-12/3", "Ouagadougou"}


@pytest.mark.parametrize("jump", ["off", "spelled", "verified"])
@pytest.mark.parametrize(
    ("model", "prompt", "wanted"),
    [
        (Annotated[str, _looked_up(CITIES)], "We went to Nairobi, by train.", '"Nairobi"'),
        (Annotated[str, _looked_up(CITIES)], "(from Ciudad de México)", '"Ciudad de México"'),
        (Annotated[str, _looked_up(CITIES)], "order AB-12/3!", '"AB-12/3"'),
        (Annotated[str, _looked_up(CITIES)], "OUAGADOUGOU IS FAR", '"Ouagadougou"'),
        (list[Annotated[str, _looked_up(CITIES)]], "Nairobi", '"Nairobi"'),
    ],
)
def test_a_validator_that_looks_up_is_given_the_words_of_the_text(
    model: Any, prompt: str, wanted: str, jump: Jump
) -> None:
    for text, end in decode(model, 3, jump=jump, prompt=prompt, max_tokens=80).values():
        assert end in ("complete", "budget"), end
        validate(text, model)
        assert text == b"[]" or wanted.encode() in text
