"""Server-sent events, as bytes: writing one event, and reading a stream whose chunks may end anywhere.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html (only `data` and comments are used here).
"""

PING = b": ping\n\n"


def encode(data: bytes) -> bytes:
    """One event holding a single line of data (JSON has no raw line breaks)."""
    return b"data: " + data + b"\n\n"


class Parser:
    """Collects chunks and gives back the data of each complete event; several data lines are joined by line breaks."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of every event completed by this chunk."""
        *lines, self._rest = (self._rest + chunk).replace(b"\r\n", b"\n").split(b"\n")
        events = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data.clear()
        return events
