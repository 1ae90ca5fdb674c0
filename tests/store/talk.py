"""What the store's tests say to the store."""

from msgspec.structs import replace

from app.protocol import Conversation, MessageState, NewConversation, NewMessage, Started
from app.store.store import Store

MODEL = "Starter"


def start(store: Store, title: str = "", now: float = 1.0) -> Conversation:
    return store.create(NewConversation(title=title), now)


def ask(store: Store, conversation_id: int, text: str, now: float = 2.0) -> Started:
    """A question below the shown branch, and its answer in writing."""
    return store.begin_answer(conversation_id, NewMessage(text=text), MODEL, now)


def edit(store: Store, conversation_id: int, parent_id: int | None, text: str, now: float = 3.0) -> Started:
    """A question below a certain message."""
    return store.begin_answer(conversation_id, NewMessage(text=text, parent_id=parent_id), MODEL, now)


def answer(store: Store, started: Started, text: str) -> int:
    """Finish the answer. Returns its id."""
    store.finish(replace(started.answer, text=text, state=MessageState.COMPLETE))
    return started.answer.id


def say(store: Store, conversation_id: int, question: str, reply: str, now: float = 2.0) -> tuple[int, int]:
    """A question and its finished answer. Returns their ids."""
    started = ask(store, conversation_id, question, now)
    assert started.question is not None
    return started.question.id, answer(store, started, reply)


def shown(store: Store, conversation_id: int) -> list[str]:
    """The texts of the shown branch."""
    return [message.text for message in store.page(conversation_id, 1000).messages]
