"""Frames survive any chunk border; anything else on the pipe is refused, never misread."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.llama import frames
from app.backends.llama.frames import FrameError, FrameReader, encode
from app.protocol import Cancel, ChatTurn, Delta, Generate, GetStats, Load, Role, Sampling, ToWorker, Unload

messages = st.lists(
    st.one_of(
        st.builds(Load, path=st.text(max_size=50)),
        st.builds(Cancel, request_id=st.integers(0, 2**40)),
        st.just(Unload()),
        st.just(GetStats()),
        st.builds(
            Generate,
            request_id=st.integers(0, 1000),
            turns=st.lists(st.builds(ChatTurn, role=st.sampled_from(Role), content=st.text())).map(tuple),
            sampling=st.builds(Sampling, temperature=st.floats(0, 2), stop=st.lists(st.text()).map(tuple)),
        ),
    ),
    max_size=6,
)


@given(messages, st.data())
def test_messages_arrive_whole_and_in_order_whatever_the_chunks(sent: list[ToWorker], data: st.DataObject) -> None:
    stream = b"".join(encode(message) for message in sent)
    borders = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    reader: FrameReader[ToWorker] = FrameReader(ToWorker)
    received: list[ToWorker] = []
    for start, end in zip([0, *borders], [*borders, len(stream)], strict=True):
        received += reader.feed(stream[start:end])
    assert received == sent


@given(st.binary(max_size=2000))
def test_garbage_is_refused_or_waited_for_but_never_believed(garbage: bytes) -> None:
    reader: FrameReader[ToWorker] = FrameReader(ToWorker)
    try:
        believed = reader.feed(garbage)
    except FrameError:
        return
    assert all(isinstance(message, ToWorker) for message in believed)


def test_a_length_beyond_the_limit_is_refused_before_anything_is_collected() -> None:
    reader: FrameReader[ToWorker] = FrameReader(ToWorker)
    with pytest.raises(FrameError, match="larger than"):
        reader.feed((frames.MAX_FRAME + 1).to_bytes(4, "big"))


def test_a_message_beyond_the_limit_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_FRAME", 100)
    with pytest.raises(FrameError, match="larger than"):
        encode(Load(path="x" * 200))


def test_a_message_of_the_other_direction_is_refused() -> None:
    reader: FrameReader[ToWorker] = FrameReader(ToWorker)
    with pytest.raises(FrameError, match="not a message"):
        reader.feed(encode(Delta(request_id=1, text="x")))


def test_deeply_nested_garbage_is_refused() -> None:
    body = b"\x91" * 100_000
    reader: FrameReader[ToWorker] = FrameReader(ToWorker)
    with pytest.raises(FrameError):
        reader.feed(len(body).to_bytes(4, "big") + body)


def test_an_empty_frame_is_refused() -> None:
    reader: FrameReader[ToWorker] = FrameReader(ToWorker)
    with pytest.raises(FrameError):
        reader.feed(bytes(4))


def test_the_length_is_four_bytes_and_the_rest_is_messagepack() -> None:
    frame = encode(Cancel(request_id=5))
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    assert msgspec.msgpack.decode(frame[4:]) == {"type": "cancel", "request_id": 5}
