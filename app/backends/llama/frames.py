"""Messages on a pipe: four bytes of length (big endian), then one MessagePack struct; chunks may end anywhere."""

from typing import Generic, TypeVar, cast

import msgspec

LENGTH_BYTES = 4
MAX_FRAME = 32 * 1024 * 1024
"""Bytes of one message. A conversation that fills the longest contexts of today stays well below."""
MOST_PICTURES = MAX_FRAME - 4 * 1024 * 1024
"""Bytes of a request's pictures: its text needs room too."""

MessageT = TypeVar("MessageT")

_encoder = msgspec.msgpack.Encoder()


class FrameError(Exception):
    """The bytes on the pipe are no messages; nothing after them can be trusted."""


def encode(message: msgspec.Struct) -> bytes:
    """One frame. Raises FrameError for a message larger than a reader accepts."""
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME:
        raise FrameError(f"a message of {len(body)} bytes is larger than {MAX_FRAME}")
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


class FrameReader(Generic[MessageT]):
    """Collects chunks and gives back the messages they complete. `kind` is the struct or union of structs expected."""

    def __init__(self, kind: object) -> None:
        self._decoder: msgspec.msgpack.Decoder[MessageT] = msgspec.msgpack.Decoder(cast(type[MessageT], kind))
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> list[MessageT]:
        """Every message completed by this chunk. Raises FrameError, after which the pipe must be given up."""
        self._rest += chunk
        messages = []
        while (body := self._next_body()) is not None:
            try:
                messages.append(self._decoder.decode(body))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise FrameError(f"not a message: {error}") from error
        return messages

    def _next_body(self) -> bytes | None:
        if len(self._rest) < LENGTH_BYTES:
            return None
        length = int.from_bytes(self._rest[:LENGTH_BYTES], "big")
        if length > MAX_FRAME:
            raise FrameError(f"a message of {length} bytes is larger than {MAX_FRAME}")
        end = LENGTH_BYTES + length
        if len(self._rest) < end:
            return None
        body = bytes(self._rest[LENGTH_BYTES:end])
        del self._rest[:end]
        return body
