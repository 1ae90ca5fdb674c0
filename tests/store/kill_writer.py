"""A process that talks to a store until it is killed, and prints each thing after it was committed."""

import sys
from pathlib import Path

from msgspec.structs import replace

from app.protocol import MessageState, NewConversation, NewMessage
from app.store.database import open_database
from app.store.store import Store


def main() -> None:
    store = Store(open_database(Path(sys.argv[1])))
    conversation = store.create(NewConversation(), 1.0)
    round_number = 0
    while True:
        round_number += 1
        started = store.begin_answer(conversation.id, NewMessage(text=f"question {round_number}"), "m", 2.0)
        tell("began", started.answer.id, 0)
        text = ""
        for step in range(1, 20):
            text += f"word{step} " * 50
            store.checkpoint(started.answer.id, text, "")
            tell("stored", started.answer.id, len(text))
        store.finish(replace(started.answer, text=text, state=MessageState.COMPLETE))
        tell("ended", started.answer.id, len(text))


def tell(what: str, message_id: int, length: int) -> None:
    sys.stdout.write(f"{what} {message_id} {length}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
