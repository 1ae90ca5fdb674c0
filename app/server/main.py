"""The backend process from its first to its last moment: lock, store, private port, handshake, and an orderly end.

Exit codes: 0 ended in order, or another backend holds the lock; 3 cannot run: one ErrorInfo as JSON on standard output.
"""

import asyncio
import logging
import os
import secrets
import signal
import sys
from collections.abc import Callable, Mapping

import msgspec

import app
from app.backends.base import BackendFactory
from app.backends.fake import FakePlan, fake_backend
from app.backends.llama.process import llama_backend
from app.errors import AppError
from app.files import write_atomically
from app.launch import process_start
from app.logs import set_up_logging
from app.paths import Paths
from app.protocol import Handshake
from app.server.access import Gate
from app.server.asking import Asking
from app.server.benching import Benching
from app.server.calibrating import Calibrating, Parts
from app.server.endpoint import application
from app.server.engines import Engines
from app.server.events import Broadcaster
from app.server.generation import Answers
from app.server.listener import Listener, bind
from app.server.lock import HeldElsewhere, Lock
from app.server.measuring import Measuring
from app.server.port import PublicPort
from app.server.preferences import Preferences
from app.server.presence import Presence
from app.server.routes.advice import AdviceRoutes
from app.server.routes.answers import AnswerRoutes
from app.server.routes.conversations import ConversationRoutes
from app.server.routes.fit import FitRoutes
from app.server.routes.images import UPLOAD_LIMIT, UPLOAD_PATH, ImageRoutes
from app.server.routes.manage import ManageRoutes
from app.server.routes.measuring import MeasuringRoutes
from app.server.services import Services
from app.server.shelf import Shelf
from app.server.statuses import error_response
from app.server.storage import Storage
from app.server.tools import Tools

REFUSED = 3
FAKE_ENGINE = "ALCOVE_FAKE_ENGINE"
"""Hidden: "tokens_per_second[:characters]" runs without an engine, for tests and benchmarks of everything else."""

_log = logging.getLogger(__name__)


def main() -> None:
    """Run the backend of this home until its last client has gone. Ends the process."""
    paths = Paths.current()
    set_up_logging("backend", paths.logs)
    try:
        with Lock(paths.lock), asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(paths))
    except HeldElsewhere:
        sys.exit(0)
    except AppError as error:
        _log.error("cannot run: %s", error)
        sys.stdout.write(msgspec.json.encode(error.info).decode() + "\n")
        sys.exit(REFUSED)


async def _run(paths: Paths) -> None:
    """Open, serve, close. Raises AppError where something cannot be opened."""
    preferences = Preferences(paths)
    storage = Storage(paths.database)
    try:
        if unfinished := await storage.open():
            _log.info("%d answers were unfinished", unfinished)
        services = assemble(paths, preferences, storage, choose_factory(os.environ))
        await services.measuring.open()
        services.calibrating.open()
        await services.sweep_states()
        token = secrets.token_urlsafe(32)
        listener = Listener(private_port(services, token), bind("127.0.0.1", 0))
        listener.open()
        handshake = _write_handshake(paths, listener.port, token)
        _log.info("listening on port %d", listener.port)
        try:
            _on_signals(services.presence.alone.set)
            await services.presence.alone.wait()
        finally:
            _remove_handshake(paths, handshake)
            await _close(services, listener)
    finally:
        await storage.close()
        _log.info("ended")


def assemble(paths: Paths, preferences: Preferences, storage: Storage, factory: BackendFactory) -> Services:
    """The parts of a backend whose storage is open, nothing running yet."""
    events = Broadcaster()
    shelf = Shelf(preferences)
    measuring = Measuring(storage, shelf)
    engines = Engines(shelf, factory, events.publish, preferences.states, measuring)
    tools = Tools(shelf, engines)
    asking = Asking(storage, engines, tools)
    calibrating = Calibrating(
        Parts(
            measuring=measuring,
            machine=shelf.machine,
            factory=factory,
            folder=paths.cache / "calibration",
            busy=lambda: engines.busy,
            publish=events.publish,
        )
    )
    return Services(
        paths=paths,
        preferences=preferences,
        storage=storage,
        shelf=shelf,
        engines=engines,
        measuring=measuring,
        calibrating=calibrating,
        benching=Benching(engines, measuring, events.publish),
        tools=tools,
        asking=asking,
        answers=Answers(storage, engines, tools, asking, events.publish),
        events=events,
        presence=Presence(),
        port=PublicPort(engines),
    )


def private_port(services: Services, token: str) -> Gate:
    """The private API behind its gate."""
    rooms = (ManageRoutes, ConversationRoutes, AnswerRoutes, ImageRoutes, AdviceRoutes, FitRoutes, MeasuringRoutes)
    routes = [route for room in rooms for route in room(services).routes()]
    return Gate(application(routes), token, error_response, uploads={UPLOAD_PATH: UPLOAD_LIMIT})


def choose_factory(environment: Mapping[str, str]) -> BackendFactory:
    """The local engine, or the fake one where the hidden variable asks for it."""
    option = environment.get(FAKE_ENGINE)
    return fake_backend(FakePlan.parse(option)) if option else llama_backend()


def _on_signals(stop: Callable[[], None]) -> None:
    """Call it when the system asks the process to end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform == "win32":
            signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(stop))
        else:
            loop.add_signal_handler(number, stop)


async def _close(services: Services, listener: Listener) -> None:
    """End what runs, the answers first: their last words are stored before anything they need goes away."""
    await services.answers.close()
    await services.calibrating.cancel()
    await services.benching.cancel()
    await services.measuring.close()
    await asyncio.gather(services.port.close(), services.engines.close())
    await services.sweep_states()
    services.events.close()
    await listener.close()


def _write_handshake(paths: Paths, port: int, token: str) -> Handshake:
    handshake = Handshake(
        port=port,
        token=token,
        pid=os.getpid(),
        version=app.__version__,
        created=process_start(os.getpid()) or 0.0,
    )
    write_atomically(paths.handshake, msgspec.json.encode(handshake))
    return handshake


def _remove_handshake(paths: Paths, handshake: Handshake) -> None:
    """Take the file away so that nobody attaches to a backend that is ending; one written by another stays."""
    try:
        if msgspec.json.decode(paths.handshake.read_bytes(), type=Handshake).token == handshake.token:
            paths.handshake.unlink()
    except (OSError, msgspec.MsgspecError):
        _log.warning("backend.json was gone or changed before the end")


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it exists (not on Windows), else asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 (it does not exist on Windows)
    except ImportError:
        return None
    return uvloop.new_event_loop
