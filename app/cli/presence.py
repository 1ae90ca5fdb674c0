"""Being present at the backend: a thread that finds or starts it, holds its event stream open, and notices its end."""

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator

import msgspec

import app
from app.cli.connection import SILENCE_S, connect, cut, events, request, url_of
from app.errors import AppError
from app.launch import Launch
from app.paths import Paths
from app.protocol import Event, Handshake, Hello

HELLO_S = 20.0
"""How long a backend that listens may take for its first word."""
_LOOK_S = 0.5


class Presence:
    """Comes back when the backend was killed; gives up, with the reason, when none can be started or it is silent.

    `on_event` and `on_other_version` are called on the thread.
    """

    def __init__(
        self,
        paths: Paths,
        name: str,
        on_event: Callable[[Event], None],
        on_other_version: Callable[[str], None],
    ) -> None:
        self._name = name
        self._on_event = on_event
        self._on_other_version = on_other_version
        self._launch = Launch(paths)
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._handshake: Handshake | None = None
        self._client_id = ""
        self._attached = 0
        self._error: AppError | None = None
        self._open: set[http.client.HTTPConnection] = set()
        """Cut when the backend is lost: this thread alone knows whether it lives."""
        self._thread = threading.Thread(target=self._be_present, name="presence", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._cut_all()
        self._thread.join(timeout=5)

    def attached(self, after: int = 0) -> int:
        """Wait for an attachment later than number `after`; returns its number. They count up from 1."""
        with self._changed:
            while self._handshake is None or self._attached <= after:
                self._check()
                self._changed.wait(_LOOK_S)
            return self._attached

    @property
    def number(self) -> int:
        """How many times it has attached so far. Raises what made it give up."""
        with self._changed:
            self._check()
            return self._attached

    @contextlib.contextmanager
    def connection(self, silence_s: float | None) -> Iterator[tuple[http.client.HTTPConnection, Handshake, str]]:
        """A connection to the backend that ends with it, its handshake, and our id there.

        `silence_s` None: it may be silent as long as the backend is alive.
        """
        self.attached()
        with self._changed:
            handshake, client_id = self._handshake, self._client_id
        if handshake is None:
            raise self._error or AppError("backend_gone")
        with contextlib.closing(connect(handshake, SILENCE_S)) as connection:
            with self._changed:
                if self._handshake is not handshake:
                    raise self._error or AppError("backend_gone")
                self._open.add(connection)
            try:
                if connection.sock is not None:
                    connection.sock.settimeout(silence_s)
                yield connection, handshake, client_id
            except AppError as error:
                raise self._said_of(error) from error
            finally:
                with self._changed:
                    self._open.discard(connection)

    def _said_of(self, error: AppError) -> AppError:
        """Why a connection ended: where it was cut from here, for the reason it was cut."""
        with self._changed:
            return self._error if error.code == "backend_gone" and self._error is not None else error

    def _check(self) -> None:
        """Raise what ended the presence, if anything did."""
        if self._error is not None:
            raise self._error
        if not self._thread.is_alive():
            raise AppError("backend_gone")

    # ---------------------------------------------------------------- on the thread

    def _be_present(self) -> None:
        """Hold the event stream open; when it breaks, find or start the backend again."""
        try:
            while not self._closing.is_set():
                self._visit(self._wait_for_backend())
        except AppError as error:
            with self._changed:
                self._error = error
        finally:
            self._lose()

    def _wait_for_backend(self) -> Handshake | None:
        while not self._closing.is_set():
            if (handshake := self._launch.poll()) is not None:
                return handshake
            self._closing.wait(0.01)
        return None

    def _visit(self, handshake: Handshake | None) -> None:
        """Be present at that backend until its stream ends; one that is just going away is tried again."""
        if handshake is None:
            return
        try:
            if handshake.version == app.__version__ or not self._sent_away(handshake):
                self._stay(handshake)
        except AppError as error:
            if error.code != "backend_gone":
                with self._changed:
                    self._error = error
                raise
            self._closing.wait(0.02)
        finally:
            self._lose()

    def _stay(self, handshake: Handshake) -> None:
        """Read the event stream to its end."""
        with contextlib.closing(connect(handshake, HELLO_S)) as connection:
            with self._changed:
                self._open.add(connection)
            response = request(connection, handshake, "GET", url_of("/api/events", {"client": self._name}))
            for event in events(connection, handshake, response, Event):
                if isinstance(event, Hello):
                    connection.timeout = SILENCE_S
                    connection.sock.settimeout(SILENCE_S)
                self._receive(handshake, event)
                if self._closing.is_set():
                    return

    def _sent_away(self, handshake: Handshake) -> bool:
        """Ask a backend of another version to go: it does where nobody else is there. Else that is said."""
        with contextlib.closing(connect(handshake, HELLO_S)) as connection:
            try:
                response = request(connection, handshake, "POST", "/api/leave")
                leaves = msgspec.json.decode(response.read(), type=dict[str, bool]).get("leaves", False)
            except AppError as error:
                if error.code in ("backend_gone", "backend_silent"):
                    raise
                leaves = False  # It is so old that it does not know how.
        if leaves:
            self._closing.wait(0.05)
        else:
            self._on_other_version(handshake.version)
        return leaves

    def _receive(self, handshake: Handshake, event: Event) -> None:
        if isinstance(event, Hello):
            with self._changed:
                self._handshake, self._client_id = handshake, event.client_id
                self._attached += 1
                self._changed.notify_all()
        self._on_event(event)

    def _lose(self) -> None:
        """The backend is not there any more: whoever waits for its answer is woken."""
        with self._changed:
            self._handshake = None
            self._changed.notify_all()
        self._cut_all()

    def _cut_all(self) -> None:
        with self._changed:
            for connection in self._open:
                cut(connection)
