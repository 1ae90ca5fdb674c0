"""What the readers of all layouts have in common: where the text comes from, where its parts go, how far it is."""

from abc import ABC, abstractmethod

from app.backends.llama.output.arriving import ArrivingText, Step
from app.backends.llama.output.parts import Parts


class Reader(ABC):
    """Reads one answer. The parser looks at its state between two pieces of text."""

    def __init__(self, text: ArrivingText, parts: Parts, *, thinking: bool) -> None:
        self.thinking = thinking
        self.call_ended = False
        self.turn_ended = False
        self._text = text
        self._parts = parts

    @abstractmethod
    def read(self) -> Step[None]:
        """The whole answer."""
