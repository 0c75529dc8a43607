"""What a server must not do: let strangers in, ignore what is asked, stop for hostile requests, or lose what others asked."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from running_server import RunningServer, start

pytestmark = [
    pytest.mark.real_model,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

TURNS = [{"role": "user", "content": "John is 20."}]
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def chat(server: RunningServer, **body: Any) -> httpx.Response:
    whole = {"model": server.model, "messages": TURNS, "max_tokens": 20, "temperature": 0, **body}
    return httpx.post(f"{server.url}/v1/chat/completions", json=whole, timeout=120)


def format_of(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"logprobs": True}, "logprobs"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"colour": "red"}, "colour"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages"),
        ({"n": 99}, "n"),
        ({"temperature": -1}, None),
        ({"max_tokens": 0}, "max_tokens"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "yaml"}}, "response_format"),
        ({"response_format": format_of(SCHEMA), "grammar": 'root ::= "x"'}, "grammar"),
        ({"response_format": format_of(SCHEMA), "stop": ["}"]}, "stop"),
        ({"response_format": format_of({"type": "strnig"})}, None),
        ({"response_format": format_of({"type": "string", "minLength": 3, "maxLength": 2})}, None),
        ({"grammar": "root ::= nothing"}, None),
    ],
)
def test_what_is_not_supported_is_refused_with_its_name(
    server: RunningServer, body: dict[str, Any], parameter: str | None
) -> None:
    response = chat(server, **body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert parameter is None or error["param"] == parameter


def test_each_protocol_has_its_own_error(server: RunningServer) -> None:
    assert chat(server, model="other").status_code == 404
    assert httpx.get(f"{server.url}/v1/nothing").json()["error"]["code"] == "not_found_error"
    ollama = httpx.post(f"{server.url}/api/chat", json={"model": "other", "messages": TURNS})
    assert (ollama.status_code, list(ollama.json())) == (404, ["error"])
    long = chat(server, messages=[{"role": "user", "content": "word " * 20_000}])
    assert (long.status_code, long.json()["error"]["code"]) == (400, "context_length_exceeded")
    assert httpx.post(f"{server.url}/extract", json={"text": "x"}).status_code == 400
    assert httpx.post(f"{server.url}/extract", content=b"{").status_code == 400
    huge = httpx.post(f"{server.url}/extract", content=b"x" * (5 << 20))
    assert huge.status_code == 413


def test_a_page_that_points_its_name_here_is_refused(server: RunningServer) -> None:
    assert httpx.get(f"{server.url}/health", headers={"host": "evil.example"}).status_code == 403
    assert httpx.get(f"{server.url}/health", headers={"host": "localhost:1"}).status_code == 200
    response = httpx.get(f"{server.url}/health", headers={"origin": "http://evil.example"})
    assert "access-control-allow-origin" not in response.headers


def test_a_hostile_schema_ends_in_time_and_holds_up_nobody(server: RunningServer) -> None:
    letters = "".join(f"(a|b{index})?" for index in range(2000))
    hostile = {"type": "string", "pattern": f"^({letters}){{1,900}}$"}
    with ThreadPoolExecutor(2) as pool:
        begun = time.monotonic()
        slow = pool.submit(chat, server, response_format=format_of(hostile))
        assert chat(server).status_code == 200
        response = slow.result()
    assert response.status_code == 400, response.text
    assert time.monotonic() - begun < 60


def test_who_leaves_frees_its_place(server: RunningServer) -> None:
    body = {"model": server.model, "messages": TURNS, "stream": True, "max_tokens": 1000, "grammar": 'root ::= "a"*'}
    for _ in range(10):  # more than there are places
        with httpx.stream("POST", f"{server.url}/v1/chat/completions", json=body, timeout=60) as response:
            next(response.iter_lines())
    deadline = time.monotonic() + 30
    while httpx.get(f"{server.url}/health").json()["in_flight"] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert httpx.get(f"{server.url}/health").json()["in_flight"] == 0
    assert chat(server).status_code == 200


def test_metrics_count(server: RunningServer) -> None:
    chat(server)
    text = httpx.get(f"{server.url}/metrics").text
    assert 'engine_requests_total{path="/v1/chat/completions",status="200"}' in text
    assert "engine_first_token_seconds_count" in text
    assert 'engine_tokens_total{kind="output"}' in text


def test_keys_queue_crash_and_end(real_path: Any) -> None:
    """One more server: keys, a queue of two, a model that is killed, and a signal while it answers."""
    server = start(str(real_path), "--api-key", "secret", "--max-waiting", "2")
    try:
        keys = {"authorization": "Bearer secret"}
        address, body = (
            f"{server.url}/v1/chat/completions",
            {"model": server.model, "messages": TURNS, "max_tokens": 300},
        )
        assert httpx.post(address, json=body).status_code == 401
        assert httpx.get(f"{server.url}/metrics").status_code == 401
        with ThreadPoolExecutor(6) as pool:
            sent = [pool.submit(httpx.post, address, json=body, headers=keys, timeout=120) for _ in range(6)]
            answers = [one.result() for one in sent]
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses[0] == 200
        assert statuses[-1] == 503
        assert {answer.headers.get("retry-after") for answer in answers if answer.status_code == 503} == {"5"}
        for child in _children(server.process.pid):
            os.kill(child, signal.SIGKILL)
        after = httpx.post(address, json={**body, "max_tokens": 5}, headers=keys, timeout=120)
        assert after.status_code == 200
        stream = {**body, "stream": True, "max_tokens": 60}
        with httpx.stream("POST", address, json=stream, headers=keys, timeout=120) as response:
            lines = response.iter_lines()
            next(lines)
            server.process.send_signal(signal.SIGTERM)
            rest = [line for line in lines if line]
        assert rest[-1] == "data: [DONE]"
        assert json.loads(rest[-2].removeprefix("data: "))["choices"][0]["finish_reason"] in ("stop", "length")
        server.process.wait(60)
    finally:
        server.process.kill()
        server.process.wait()


def _children(parent: int) -> list[int]:
    """The processes that a process has started, in Linux."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    if int(file.read().rsplit(")", 1)[1].split()[1]) == parent:
                        found.append(int(name))
            except OSError:
                continue
    return found


def test_another_address_needs_a_key() -> None:
    from engine.errors import UsageError
    from engine.server.application import AccessRules

    with pytest.raises(UsageError, match="--api-key"):
        AccessRules("0.0.0.0")
    assert AccessRules("0.0.0.0", keys=("k",)).knows_host("any.example:80")
    assert AccessRules("0.0.0.0", open_to_all=True, hosts=("me.example",)).knows_host("me.example")
    assert not AccessRules("0.0.0.0", keys=("k",), hosts=("me.example",)).knows_host("other.example")
    assert AccessRules("::1").knows_host("[::1]:11434")
    assert not AccessRules().knows_host("")


def test_an_idle_server_stops_at_once(real_path: Any) -> None:
    server = start(str(real_path))
    try:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) in (0, -signal.SIGTERM)  # not the half minute that a hanging model is given
    finally:
        server.process.kill()
        server.process.wait()
