"""Bytes of tokens to text, a character at a time: a character split over tokens appears once it is whole."""

import codecs


class Detokenizer:
    """Decodes UTF-8 incrementally; bytes that are no UTF-8 become U+FFFD, an unfinished last character is left out."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, piece: bytes) -> str:
        return self._decoder.decode(piece)
