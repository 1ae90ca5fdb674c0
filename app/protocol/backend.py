"""The backend process: how it is reached, its state, and the events it sends to every client."""

from typing import TypeAlias

from app.protocol.base import Wire
from app.protocol.conversations import Conversation, Message
from app.protocol.measuring import BenchChanged, CalibrationChanged
from app.protocol.models import ModelEntry


class Handshake(Wire, frozen=True, kw_only=True):
    """Content of backend.json (0600): where the running backend listens and what proves that one may talk to it."""

    port: int
    token: str
    pid: int
    version: str
    created: float
    """Start time of the process: a recycled pid is not mistaken for it."""


class PortRequest(Wire, frozen=True, kw_only=True):
    """Open the public port; `port` 0 takes any free one."""

    host: str = "127.0.0.1"
    port: int = 8484
    api_key: str = ""


class PortState(Wire, frozen=True, kw_only=True):
    host: str
    port: int
    needs_key: bool = False


class Status(Wire, frozen=True, kw_only=True):
    version: str
    pid: int
    home: str
    uptime_s: float
    clients: int
    answering: int
    """Answers being written at this moment."""
    loaded: tuple[ModelEntry, ...] = ()
    worker_pids: tuple[int, ...] = ()
    port: PortState | None = None


class Hello(Wire, frozen=True, kw_only=True, tag="hello"):
    """First event: the id under which this client's presence is known (header `X-Alcove-Client`)."""

    client_id: str
    status: Status


class ConversationChanged(Wire, frozen=True, kw_only=True, tag="conversation_changed"):
    conversation: Conversation


class ConversationRemoved(Wire, frozen=True, kw_only=True, tag="conversation_removed"):
    conversation_id: int


class MessageChanged(Wire, frozen=True, kw_only=True, tag="message_changed"):
    """A message was added, finished, edited or failed; text in progress comes over the answer's own stream."""

    message: Message


class MessageRemoved(Wire, frozen=True, kw_only=True, tag="message_removed"):
    conversation_id: int
    message_id: int


class ModelChanged(Wire, frozen=True, kw_only=True, tag="model_changed"):
    model: ModelEntry


class LibraryChanged(Wire, frozen=True, kw_only=True, tag="library_changed"):
    """Files came or went: fetch the list again."""


class SettingsChanged(Wire, frozen=True, kw_only=True, tag="settings_changed"):
    """Fetch the settings again."""


class PortChanged(Wire, frozen=True, kw_only=True, tag="port_changed"):
    port: PortState | None = None


Event: TypeAlias = (
    Hello
    | ConversationChanged
    | ConversationRemoved
    | MessageChanged
    | MessageRemoved
    | ModelChanged
    | LibraryChanged
    | SettingsChanged
    | PortChanged
    | CalibrationChanged
    | BenchChanged
)
