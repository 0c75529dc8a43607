"""Clients that people have talk to the server as they are, but for its address."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import instructor
import ollama
import openai
import pytest
from pydantic import BaseModel
from running_server import RunningServer

pytestmark = [
    pytest.mark.real_model,
    # The clients leave connections to the collector, and use what their own dependencies deprecate.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

TEXT = "My name is John and I am 20 years old. My friend Mary is 21."
SYSTEM = "You are a perfect entity extraction system"
TURNS: list[Any] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": TEXT}]


class User(BaseModel):
    name: str
    age: int


class Weather(BaseModel):
    """The weather at a place."""

    place: str


@pytest.fixture
def client(server: RunningServer) -> Iterator[Any]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="-", max_retries=0) as client:
        yield client


# -- openai


def test_openai_answers_in_words_and_counts(client: Any, server: RunningServer) -> None:
    answer = client.chat.completions.create(model=server.model, messages=TURNS, max_tokens=8, temperature=0)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens <= 8 < answer.usage.prompt_tokens


def test_openai_streams_what_it_answers(client: Any, server: RunningServer) -> None:
    options: dict[str, Any] = {"model": server.model, "messages": TURNS, "max_tokens": 12, "temperature": 0}
    whole = client.chat.completions.create(**options)
    chunks = list(client.chat.completions.create(**options, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage


def test_openai_parses_a_pydantic_model(client: Any, server: RunningServer) -> None:
    answer = client.chat.completions.parse(model=server.model, messages=TURNS, response_format=User, temperature=0)
    assert answer.choices[0].message.parsed == User(name="John", age=20)


def test_openai_gives_several_choices_and_any_object(client: Any, server: RunningServer) -> None:
    answer = client.chat.completions.create(
        model=server.model, messages=TURNS, n=2, max_tokens=40, seed=3, response_format={"type": "json_object"}
    )
    assert [type(json.loads(choice.message.content or "")) for choice in answer.choices] == [dict, dict]


@pytest.mark.parametrize("choice", ["required", "auto", {"type": "function", "function": {"name": "weather"}}])
@pytest.mark.parametrize("stream", [False, True])
def test_openai_calls_tools(client: Any, server: RunningServer, choice: Any, stream: bool) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": Weather.model_json_schema()}}
    options: dict[str, Any] = {"tools": [tool], "tool_choice": choice, "max_tokens": 60, "temperature": 0}
    turns = [{"role": "user", "content": "What is the weather in Oslo?"}]
    if stream:
        chunks = client.chat.completions.create(model=server.model, messages=turns, stream=True, **options)
        calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
        names = [call.function.name for call in calls if call.function.name]
        arguments = "".join(call.function.arguments or "" for call in calls)
    else:
        answer = client.chat.completions.create(model=server.model, messages=turns, **options)
        found = answer.choices[0].message.tool_calls or []
        names, arguments = [call.function.name for call in found], "".join(call.function.arguments for call in found)
        assert bool(found) != bool(answer.choices[0].message.content)
    if choice != "auto" or names:
        assert names == ["weather"]
        assert Weather.model_validate_json(arguments)


async def _parallel(server: RunningServer) -> list[str | None]:
    client: Any
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="-", max_retries=0) as client:
        answers = await asyncio.gather(
            *(
                client.chat.completions.parse(
                    model=server.model,
                    messages=[{"role": "user", "content": f"{name} is {age} years old."}],
                    response_format=User,
                    temperature=0,
                )
                for name, age in PEOPLE
            )
        )
    return [answer.choices[0].message.content for answer in answers]


PEOPLE = (("John", 20), ("Mary", 21), ("Bob", 22), ("Alice", 23))


def test_many_clients_at_once_get_their_own_answers(server: RunningServer) -> None:
    with ThreadPoolExecutor(1) as pool:  # this thread may have the loop of a browser's driver
        answers = pool.submit(asyncio.run, _parallel(server)).result()
    assert [json.loads(answer or "") for answer in answers] == [{"name": name, "age": age} for name, age in PEOPLE]


def test_completions_and_models(client: Any, server: RunningServer) -> None:
    assert [model.id for model in client.models.list()] == [server.model]
    answer = client.completions.create(
        model=server.model, prompt="1, 2, 3, 4,", max_tokens=30, temperature=0, stop=["8"]
    )
    assert "5" in answer.choices[0].text
    assert "8" not in answer.choices[0].text


# -- ollama


def test_ollama_chats_and_streams(server: RunningServer) -> None:
    client: Any = ollama.Client(server.url)
    options = {"temperature": 0, "num_predict": 60}
    whole = client.chat(model=server.model, messages=TURNS, format=User.model_json_schema(), options=options)
    pieces = client.chat(
        model=server.model, messages=TURNS, format=User.model_json_schema(), options=options, stream=True
    )
    streamed = list(pieces)
    text = "".join(piece.message.content or "" for piece in streamed)
    assert User.model_validate_json(whole.message.content or "") == User(name="John", age=20)
    assert (text, streamed[-1].done, streamed[-1].done_reason) == (whole.message.content, True, "stop")


def test_ollama_generates_and_lists(server: RunningServer) -> None:
    client: Any = ollama.Client(server.url)
    answer = client.generate(model=server.model, prompt="Count: 1, 2, 3,", options={"num_predict": 5})
    assert answer.done_reason == "length"
    assert [model.model for model in client.list().models] == [server.model]
    assert [model.model for model in client.ps().models] == [server.model]
    assert client.show(server.model).template
    with pytest.raises(ollama.ResponseError, match="not served here"):
        client.generate(model="other", prompt="x")


# -- instructor


def test_instructor_streams_an_iterable(server: RunningServer, client: Any) -> None:
    patched: Any = instructor.from_openai(client)
    users = patched.chat.completions.create(
        model=server.model, messages=TURNS, response_model=Iterable[User], stream=True, max_tokens=200, temperature=0
    )
    found = list(users)
    assert found[0] == User(name="John", age=20)
    assert all(isinstance(one, User) for one in found)


def test_instructor_fills_partial_objects(server: RunningServer, client: Any) -> None:
    patched: Any = instructor.from_openai(client, mode=instructor.Mode.JSON_SCHEMA)
    partials = list(
        patched.chat.completions.create_partial(
            model=server.model, messages=TURNS, response_model=User, max_tokens=100, temperature=0
        )
    )
    assert (partials[-1].name, partials[-1].age) == ("John", 20)
    user, answer = patched.chat.completions.create_with_completion(
        model=server.model, messages=TURNS, response_model=User, max_tokens=100, temperature=0
    )
    assert (user.name, user.age) == ("John", 20)
    assert answer.usage.completion_tokens


def test_litellm_speaks_to_it_as_to_ollama(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would look for prices in the network
    litellm = pytest.importorskip("litellm", reason="pip install litellm")
    options: dict[str, Any] = {"model": f"ollama/{server.model}", "api_base": server.url, "messages": TURNS}
    options |= {"max_tokens": 200, "temperature": 0}
    client: Any = instructor.from_litellm(litellm.completion, mode=instructor.Mode.JSON_SCHEMA)
    user = client.chat.completions.create(response_model=User, **options)
    assert (user.name, user.age) == ("John", 20)
    pieces = litellm.completion(stream=True, response_format=User, **options)
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    assert User.model_validate_json(text) == User(name="John", age=20)


# -- ours


def test_extract_gives_objects_with_spans_as_they_close(server: RunningServer) -> None:
    body = {"fields": "name, age int", "texts": [TEXT, "The weather was mild."]}
    with httpx.stream("POST", f"{server.url}/extract", json=body, timeout=120) as response:
        lines = [json.loads(line) for line in response.iter_lines()]
    objects = [line for line in lines if "object" in line]
    assert {"name": "John", "age": 20} in [line["object"] for line in objects if line["text"] == 0]
    for line in objects:
        for where, span in line["spans"].items():
            text = (TEXT, "The weather was mild.")[line["text"]]
            assert text[slice(*span)] == str(line["object"][where[1:]])
    assert [line["finish"] for line in lines if "finish" in line] == ["complete", "complete"]
