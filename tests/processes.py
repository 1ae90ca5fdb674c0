"""Real processes for tests: a running backend, its clients, and waiting for what they do."""

import contextlib
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
import msgspec

from app.launch import own_command
from app.paths import Paths
from app.protocol import (
    AnswerEvent,
    AnswerFinished,
    Conversation,
    Event,
    Handshake,
    Hello,
    Message,
    MessagePage,
    ModelEntry,
    Started,
    Status,
)
from app.sse import Parser

PATIENCE_S = 30.0
ROOT = Path(__file__).resolve().parent.parent

Result = TypeVar("Result")
E = TypeVar("E")


def until(look: Callable[[], Result], what: str = "it", patience_s: float = PATIENCE_S) -> Result:
    """Look again and again until something true comes, and return it; for what sends no event of its own."""
    deadline = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not happen within {patience_s} s"
        time.sleep(0.005)
    return found


def paths_of(home: Path) -> Paths:
    return Paths(data=home, cache=home / "cache", logs=home / "logs")


def start_backend_process(home: Path, **environment: str) -> "subprocess.Popen[bytes]":
    """`python -m app backend` for that home. Standard output is a pipe."""
    home.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        own_command("backend"),
        cwd=ROOT,
        env=os.environ | {"ALCOVE_HOME": str(home)} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def wait_for_handshake(home: Path, process: "subprocess.Popen[bytes]") -> Handshake:
    """The handshake that this process wrote."""

    def written() -> Handshake | None:
        assert process.poll() is None, f"the backend ended with {process.returncode}"
        with contextlib.suppress(OSError, msgspec.DecodeError):
            handshake = msgspec.json.decode(paths_of(home).handshake.read_bytes(), type=Handshake)
            return handshake if handshake.pid == process.pid else None
        return None

    found = until(written, "backend.json")
    assert found is not None
    return found


class EventStream:
    """A client that is present: holds /api/events open and collects what comes."""

    def __init__(self, backend: "RunningBackend", name: str) -> None:
        self._stack = contextlib.ExitStack()
        http = self._stack.enter_context(backend.new_client())
        self._response = self._stack.enter_context(http.stream("GET", "/api/events", params={"client": name}))
        assert self._response.status_code == 200
        self.events: queue.Queue[Event | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        hello = self.events.get(timeout=PATIENCE_S)
        assert isinstance(hello, Hello)
        self.client_id = hello.client_id

    def wait_for(self, kind: type[E], fits: Callable[[E], bool] = lambda _event: True) -> E:
        """The next event of that kind that fits; those before it are dropped."""
        while True:
            event = self.events.get(timeout=PATIENCE_S)
            assert event is not None, "the event stream ended"
            if isinstance(event, kind) and fits(event):
                return event

    def close(self) -> None:
        """Leave, as a client does whose process ends."""
        with contextlib.suppress(OSError):
            stream = self._response.extensions["network_stream"].get_extra_info("socket")
            stream.shutdown(2)
        self._reader.join(PATIENCE_S)
        self._stack.close()

    def _read(self) -> None:
        with contextlib.suppress(httpx.HTTPError):
            for event in parsed(self._response, Event):
                self.events.put(event)
        self.events.put(None)


def parsed(response: httpx.Response, kind: Any) -> Iterator[Any]:
    """The events of an open stream, decoded."""
    parser = Parser()
    for chunk in response.iter_raw():
        for data in parser.feed(chunk):
            yield msgspec.json.decode(data, type=kind)


@dataclass
class RunningBackend:
    """A backend process and a way to talk to it."""

    home: Path
    process: "subprocess.Popen[bytes]"
    handshake: Handshake
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __post_init__(self) -> None:
        self.http = self._stack.enter_context(self.new_client())

    def new_client(self, **headers: str) -> httpx.Client:
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.handshake.port}",
            headers={"authorization": f"Bearer {self.handshake.token}", **headers},
            timeout=PATIENCE_S,
            trust_env=False,
        )

    @contextlib.contextmanager
    def present(self, name: str = "test") -> Iterator[EventStream]:
        stream = EventStream(self, name)
        try:
            yield stream
        finally:
            stream.close()

    def get(self, path: str, kind: Any, **query: str | int) -> Any:
        return self._decoded(self.http.get(path, params=query), kind)

    def post(self, path: str, kind: Any, body: object = None) -> Any:
        content = b"" if body is None else msgspec.json.encode(body)
        return self._decoded(self.http.post(path, content=content, headers=JSON), kind)

    def status(self) -> Status:
        return cast(Status, self.get("/api/status", Status))

    def models(self) -> list[ModelEntry]:
        return cast(list[ModelEntry], self.get("/api/models", list[ModelEntry]))

    def new_conversation(self, **fields: str) -> Conversation:
        return cast(Conversation, self.post("/api/conversations", Conversation, fields))

    def ask(self, conversation_id: int, text: str, **fields: object) -> Started:
        path = f"/api/conversations/{conversation_id}/messages"
        return cast(Started, self.post(path, Started, {"text": text, **fields}))

    def messages(self, conversation_id: int) -> list[Message]:
        page: MessagePage = self.get(f"/api/conversations/{conversation_id}/messages", MessagePage)
        return page.messages

    @contextlib.contextmanager
    def reading(self, message_id: int, owner: bool = False) -> Iterator[Iterator[AnswerEvent]]:
        """The events of an answer as they come."""
        with self.new_client() as http:
            query = {"owner": "1"} if owner else {}
            with http.stream("GET", f"/api/messages/{message_id}/stream", params=query) as response:
                assert response.status_code == 200
                yield parsed(response, AnswerEvent)

    def finished(self, message_id: int) -> Message:
        """Read an answer to its end."""
        with self.reading(message_id) as events:
            return next(event.message for event in events if isinstance(event, AnswerFinished))

    def wait_ended(self) -> int:
        """The exit code, once the process has ended."""
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        self._stack.close()

    def _decoded(self, response: httpx.Response, kind: Any) -> Any:
        assert response.status_code == 200, f"{response.status_code} {response.text}"
        return msgspec.json.decode(response.content, type=kind)


JSON = {"content-type": "application/json"}


@contextlib.contextmanager
def running_backend(home: Path, present: bool = True, **environment: str) -> Iterator[RunningBackend]:
    """A backend of that home, with one client present; ended and reaped at the end whatever happens."""
    process = start_backend_process(home, **environment)
    try:
        backend = RunningBackend(home, process, wait_for_handshake(home, process))
        with contextlib.closing(backend):
            if not present:
                yield backend
            else:
                with backend.present():
                    yield backend
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a process in order, by force where that takes too long."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


def alive(pid: int) -> bool:
    """Whether a process of that id runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
