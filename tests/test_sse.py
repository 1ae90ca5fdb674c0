"""Server-sent events survive any cut of the byte stream."""

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from app import sse

texts = st.lists(st.text(), max_size=8)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    borders = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[begin:end] for begin, end in itertools.pairwise(borders)]


@given(texts, st.lists(st.integers(0, 10_000), max_size=12), st.sampled_from([b"\n", b"\r\n"]))
def test_events_come_back_whole_however_they_were_cut(values: list[str], places: list[int], end: bytes) -> None:
    stream = b"".join(sse.encode(json.dumps(value).encode()) + sse.PING for value in values).replace(b"\n", end)
    parser = sse.Parser()
    received = [json.loads(event) for chunk in cut(stream, places) for event in parser.feed(chunk)]
    assert received == values


def test_several_data_lines_are_one_event() -> None:
    assert sse.Parser().feed(b"event: x\ndata: one\ndata: two\n\n") == [b"one\ntwo"]


def test_an_unfinished_event_is_kept_back() -> None:
    parser = sse.Parser()
    assert parser.feed("data: 显".encode()[:-1]) == []
    assert parser.feed("显".encode()[-1:] + b"\n") == []
    assert parser.feed(b"\n") == ["显".encode()]
