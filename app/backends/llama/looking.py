"""The answers whose pictures are still to be encoded: one at a time, the window's first, each told its place."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from app.backends.llama.waiting import Waiting
from app.protocol import Queued

if TYPE_CHECKING:
    from app.backends.llama.requests import Answer


class PictureLine:
    """A queue for one thread that takes from it. `tell` is given the places that have changed."""

    def __init__(self, tell: Callable[[list[Queued]], None]) -> None:
        self._tell = tell
        self._waiting = Waiting()
        self._changed = threading.Condition()
        self._taken = False
        """Somebody's pictures are being encoded: who stands here has to wait."""

    def put(self, answer: "Answer") -> None:
        """May be called by any thread."""
        with self._changed:
            self._waiting.add(answer)
            self._changed.notify()
            if self._taken:
                self._tell(self._waiting.news())

    def take(self) -> "Answer":
        """The next one; waits for it. Whoever was taken before is done with."""
        with self._changed:
            self._taken = False
            self._changed.wait_for(lambda: len(self._waiting))
            answer = self._waiting.take(lambda _answer: True)
            assert answer is not None
            self._taken = True
            self._tell(self._waiting.news())
            return answer

    def remove(self, request_id: int) -> "Answer | None":
        """Take this one out of turn, if it stands here. May be called by any thread."""
        with self._changed:
            answer = self._waiting.take(lambda answer: answer.id == request_id)
            if answer is not None:
                self._tell(self._waiting.news())
            return answer
