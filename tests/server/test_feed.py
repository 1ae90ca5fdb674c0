import asyncio

from starlette.types import Message

from app.server.feed import Feed, FeedResponse


async def test_what_waits_comes_joined_and_the_end_comes_last() -> None:
    feed = Feed()
    feed.put(b"one ")
    feed.put(b"two")
    feed.close()
    assert await feed.take(1) == b"one two"
    assert await feed.take(1) is None


async def test_silence_is_told_apart_from_the_end() -> None:
    feed = Feed()
    assert await feed.take(0.001) == b""
    feed.close()
    assert await feed.take(0.001) is None


async def test_a_reader_that_waits_is_woken() -> None:
    feed = Feed()
    reading = asyncio.create_task(feed.take(60))
    await asyncio.sleep(0)
    feed.put(b"now")
    assert await reading == b"now"


async def test_a_reader_too_far_behind_is_dropped_with_all_that_waited() -> None:
    feed = Feed(limit=10)
    feed.put(b"12345")
    feed.put(b"123456")
    assert feed.closed
    assert await feed.take(1) is None
    feed.put(b"more")
    assert await feed.take(1) is None


class Connection:
    """The two ends of an ASGI connection, in a test's hands."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.arrived = asyncio.Event()
        self.left = asyncio.Event()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        self.arrived.set()

    async def wait_for(self, count: int) -> None:
        while len(self.sent) < count:
            self.arrived.clear()
            await self.arrived.wait()


async def test_headers_go_out_before_anything_is_known() -> None:
    feed, connection = Feed(), Connection()
    left: list[str] = []
    response = FeedResponse(feed, lambda: left.append("once"))
    serving = asyncio.create_task(response({"type": "http"}, connection.receive, connection.send))
    await connection.wait_for(1)
    headers = dict(connection.sent[0]["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert headers[b"cache-control"] == b"no-store"
    feed.put(b"data: 1\n\n")
    await connection.wait_for(2)
    feed.close()
    await serving
    assert [message.get("body") for message in connection.sent[1:]] == [b"data: 1\n\n", b""]
    assert connection.sent[-1].get("more_body", False) is False
    assert left == ["once"]


async def test_silence_is_filled_with_comments() -> None:
    feed, connection = Feed(), Connection()
    response = FeedResponse(feed, ping_every_s=0.001)
    serving = asyncio.create_task(response({"type": "http"}, connection.receive, connection.send))
    await connection.wait_for(4)
    assert connection.sent[2]["body"].startswith(b":")
    feed.close()
    await serving


async def test_a_reader_that_leaves_ends_the_stream() -> None:
    feed, connection = Feed(), Connection()
    left: list[str] = []
    response = FeedResponse(feed, lambda: left.append("once"))
    serving = asyncio.create_task(response({"type": "http"}, connection.receive, connection.send))
    await connection.wait_for(1)
    connection.left.set()
    await serving
    assert feed.closed
    assert left == ["once"]
