"""The public port as other programs meet it: through the official `openai` package, and by hand for what that hides."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from app.backends.fake import SAMPLE
from tests.conftest import add_model
from tests.gguf import TinyModel, write_tiny_model
from tests.processes import RunningBackend, running_backend, until

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def address(fake_backend_process: RunningBackend) -> Iterator[str]:
    with served(fake_backend_process) as address:
        yield address


class served:  # noqa: N801 (a context manager in the manner of contextlib)
    """The public port of a backend, open while the context lasts."""

    def __init__(self, backend: RunningBackend, **fields: object) -> None:
        self._backend = backend
        self._fields: dict[str, object] = {"port": 0} | fields

    def __enter__(self) -> str:
        self._presence = self._backend.present("serve")
        client_id = self._presence.__enter__().client_id
        opened = self._backend.http.post("/api/port", json=self._fields, headers={"x-alcove-client": client_id})
        assert opened.status_code == 200, opened.text
        return f"http://127.0.0.1:{opened.json()['port']}/v1"

    def __exit__(self, *error: object) -> None:
        self._presence.__exit__(None, None, None)


def client_of(address: str, key: str = "unused") -> openai.OpenAI:
    http = openai.DefaultHttpxClient(trust_env=False)
    return openai.OpenAI(base_url=address, api_key=key, max_retries=0, timeout=30, http_client=http)


def test_the_models_are_listed_and_described(address: str) -> None:
    with client_of(address) as client:
        models = {model.id: model for model in client.models.list()}
        assert models["tiny"].object == "model"
        assert models["tiny"].created > 0
        assert client.models.retrieve("tiny") == models["tiny"]
        with pytest.raises(openai.NotFoundError) as missing:
            client.models.retrieve("gone")
        assert missing.value.code == "model_not_found"


def test_a_completion_has_every_documented_field(address: str) -> None:
    with client_of(address) as client:
        answer = client.chat.completions.create(model="tiny", messages=HELLO)
    (choice,) = answer.choices
    assert choice.message.content == SAMPLE
    assert (choice.index, choice.finish_reason, choice.logprobs, choice.message.refusal) == (0, "stop", None, None)
    assert (answer.object, answer.model, answer.service_tier) == ("chat.completion", "tiny", "default")
    assert answer.id.startswith("chatcmpl-")
    assert answer.system_fingerprint
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 2
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.completion_tokens_details is not None


def test_raw_fields_are_present_with_their_types(address: str) -> None:
    body = {"model": "tiny", "messages": HELLO, "max_tokens": 2}
    answer = httpx.post(f"{address}/chat/completions", json=body, timeout=30).json()
    assert set(answer) == {
        "id", "object", "created", "model", "choices", "usage", "service_tier", "system_fingerprint",
    }  # fmt: skip
    (choice,) = answer["choices"]
    assert set(choice) == {"index", "message", "logprobs", "finish_reason"}
    assert set(choice["message"]) == {"role", "content", "refusal", "annotations"}
    assert choice["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 2


def test_a_stream_is_the_same_answer_in_pieces(address: str) -> None:
    with client_of(address) as client:
        chunks = list(client.chat.completions.create(model="tiny", messages=HELLO, stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == SAMPLE
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_comes_last_where_it_is_asked_for(address: str) -> None:
    with client_of(address) as client:
        stream = client.chat.completions.create(
            model="tiny", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
        *others, last = list(stream)
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens > 2
    assert all(chunk.usage is None for chunk in others)


def test_the_stream_on_the_wire(address: str) -> None:
    body = {"model": "tiny", "messages": HELLO, "stream": True}
    response = httpx.post(f"{address}/chat/completions", json=body, timeout=30)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [block.removeprefix("data: ") for block in response.text.split("\n\n") if block.startswith("data: ")]
    assert events[-1] == "[DONE]"
    for event in events[:-1]:
        chunk = json.loads(event)
        assert set(chunk) == {
            "id", "object", "created", "model", "choices", "service_tier", "system_fingerprint",
        }  # fmt: skip
        assert set(chunk["choices"][0]) == {"index", "delta", "logprobs", "finish_reason"}


def test_thinking_has_a_field_of_its_own(address: str) -> None:
    with client_of(address) as client:
        answer = client.chat.completions.create(model="tiny", messages=HELLO, reasoning_effort="high")
    assert answer.choices[0].message.model_extra is not None
    assert answer.choices[0].message.model_extra["reasoning_content"] == "The question is about size.\n"
    assert answer.choices[0].message.content == SAMPLE
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert (answer.usage.completion_tokens_details.reasoning_tokens or 0) > 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_too_long_is_a_400_also_for_a_stream(address: str, stream: bool) -> None:
    long: list[ChatCompletionMessageParam] = [{"role": "user", "content": "word " * 20_000}]
    with client_of(address) as client, pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="tiny", messages=long, stream=stream)
    assert refused.value.code == "context_length_exceeded"
    assert refused.value.type == "invalid_request_error"
    assert isinstance(refused.value.body, dict)
    assert refused.value.body["n_prompt_tokens"] > refused.value.body["n_ctx"]


def test_refusals_name_the_field(address: str) -> None:
    with client_of(address) as client:
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model="tiny", messages=HELLO, n=2)
        assert refused.value.param == "n"
        with pytest.raises(openai.NotFoundError) as missing:
            client.chat.completions.create(model="gone", messages=HELLO)
        assert (missing.value.code, missing.value.param) == ("model_not_found", "model")


def test_malformed_json_is_a_400(address: str) -> None:
    headers = {"content-type": "application/json"}
    response = httpx.post(f"{address}/chat/completions", content=b'{"model": ', headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_unknown_addresses_and_methods_have_the_shape_of_errors(address: str) -> None:
    missing = httpx.get(f"{address}/nothing")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "unknown_url")
    wrong = httpx.get(f"{address}/chat/completions")
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (405, "invalid_request_error")
    assert "POST" in wrong.headers["allow"]


def test_ignored_fields_are_told(address: str) -> None:
    body = {"model": "tiny", "messages": HELLO, "user": "me", "zeta": 1, "max_tokens": 1}
    response = httpx.post(f"{address}/chat/completions", json=body, timeout=30)
    assert response.headers["x-ignored-params"] == "user,zeta"


def test_a_key_is_wanted_where_one_is_set(fake_backend_process: RunningBackend) -> None:
    with served(fake_backend_process, api_key="sésame") as address:
        with client_of(address, "wrong") as client, pytest.raises(openai.AuthenticationError) as refused:
            client.models.list()
        assert refused.value.code == "invalid_api_key"
        assert refused.value.response.headers["www-authenticate"] == "Bearer"
        right = {b"authorization": "Bearer sésame".encode()}
        assert httpx.get(f"{address}/models", headers=right).status_code == 200


def test_nothing_is_stored_as_a_conversation(fake_backend_process: RunningBackend) -> None:
    before = fake_backend_process.http.get("/api/conversations").json()
    with served(fake_backend_process) as address, client_of(address) as client:
        client.chat.completions.create(model="tiny", messages=HELLO)
    assert fake_backend_process.http.get("/api/conversations").json() == before


@pytest.fixture
def slow(home: Path) -> Iterator[RunningBackend]:
    """A backend that writes for very long."""
    add_model(home)
    with running_backend(home, ALCOVE_FAKE_ENGINE="20:40000") as backend:
        yield backend


def test_a_client_that_leaves_a_stream_cancels_its_answer(slow: RunningBackend) -> None:
    with served(slow) as address, client_of(address) as client:
        stream = client.chat.completions.create(model="tiny", messages=HELLO, stream=True)
        assert any(chunk.choices[0].delta.content for chunk in stream)
        assert slow.status().answering == 1
        stream.close()
        until(lambda: slow.status().answering == 0, "the answer's end")


def test_a_client_that_leaves_without_a_stream_cancels_its_answer(slow: RunningBackend) -> None:
    with served(slow) as address:
        body = {"model": "tiny", "messages": HELLO}
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{address}/chat/completions", json=body, timeout=1)
        until(lambda: slow.status().answering == 0, "the answer's end")


def test_closing_the_port_ends_answers_with_an_error_not_with_a_false_end(slow: RunningBackend) -> None:
    with served(slow) as address, client_of(address) as client:
        stream = client.chat.completions.create(model="tiny", messages=HELLO, stream=True)
        next(iter(stream))
        slow.http.delete("/api/port")
        with pytest.raises(openai.APIError):
            list(stream)


def test_a_model_is_loaded_when_it_is_asked_for(fake_backend_process: RunningBackend) -> None:
    add_model(fake_backend_process.home, "second")
    with served(fake_backend_process) as address, client_of(address) as client:
        for model in ("tiny", "second"):
            assert client.chat.completions.create(model=model, messages=HELLO).model == model
            assert [entry.id for entry in fake_backend_process.status().loaded] == [model]


def test_the_real_engine_speaks_through_the_port(home: Path) -> None:
    add_model(home)
    with running_backend(home) as backend, served(backend) as address, client_of(address) as client:
        whole = client.chat.completions.create(model="tiny", messages=HELLO, temperature=0)
        assert whole.choices[0].message.content == "Hello there."
        assert whole.choices[0].finish_reason == "stop"
        cut = client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=1)
        assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("Hello", "length")
        stopped = client.chat.completions.create(model="tiny", messages=HELLO, stop=" there")
        assert stopped.choices[0].message.content == "Hello"
        chunks = client.chat.completions.create(model="tiny", messages=HELLO, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello there."


def test_a_worker_that_dies_ends_a_stream_with_an_error(home: Path) -> None:
    (home / "models").mkdir()
    write_tiny_model(home / "models" / "endless.gguf", TinyModel(script=["more "], repeat=True))
    with running_backend(home) as backend, served(backend) as address, client_of(address) as client:
        stream = client.chat.completions.create(model="endless", messages=HELLO, stream=True)
        assert any(chunk.choices[0].delta.content for chunk in stream)
        (pid,) = backend.status().worker_pids
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(openai.APIError) as died:
            list(stream)
        assert died.value.code == "worker_died"
