"""No file can crash, hang or bloat the header reader: mutations of a whole header, and arbitrary bytes."""

import contextlib
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import AppError
from app.hardware.gguf import parse_header, read_header
from app.hardware.gguf_hollow import hollow_header
from app.hardware.gguf_source import PrefixSource
from app.hardware.memory import needed_bytes
from app.models.library import Library
from tests.hardware.gguf_files import Gguf, llama

WHOLE = llama(split__no=("H", 0), llama__attention__head_count=[4, 4]).header() + b"\0" * 200_000
HEADER_SIZE = len(WHOLE) - 200_000
MEMORY = 64 * 1024**2
"""Beyond the input, which lies on the disk."""

changes = st.lists(
    st.tuples(st.integers(0, HEADER_SIZE - 1), st.binary(min_size=1, max_size=9)), min_size=1, max_size=8
)
cuts = st.one_of(st.none(), st.integers(0, len(WHOLE)))


def mutated(edits: list[tuple[int, bytes]], cut: int | None) -> bytes:
    raw = bytearray(WHOLE)
    for at, replacement in edits:
        raw[at : at + len(replacement)] = replacement
    return bytes(raw[:cut])


def survives(path: Path, raw: bytes) -> None:
    """Either a header whose every property can be read, or a reason; nothing else, and never much memory."""
    path.write_bytes(raw)
    reason = ("model_broken", True)
    tracemalloc.start()
    try:
        header = read_header(path)
        numbers = (header.parameters, header.weights_size, needed_bytes(header), needed_bytes(header, 4096))
        assert all(0 <= number < 2**64 for number in numbers)
        again = parse_header(PrefixSource(hollow_header(header)))
        assert [tensor.shape for tensor in again.tensors] == [tensor.shape for tensor in header.tensors]
        assert isinstance(header.quantization + header.name + header.kind + header.chat_template, str)
    except AppError as error:
        reason = (error.code, bool(error.values["reason"]))
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert reason == ("model_broken", True)
    assert peak < MEMORY
    assert len(Library(path.parent, path.parent / "none").entries()) <= 1


QUICK = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LONG = settings(QUICK, max_examples=6000)


@QUICK
@given(edits=changes, cut=cuts)
def test_mutations(tmp_path: Path, edits: list[tuple[int, bytes]], cut: int | None) -> None:
    survives(tmp_path / "a.gguf", mutated(edits, cut))


@QUICK
@given(tail=st.binary(max_size=400))
def test_arbitrary_bytes(tmp_path: Path, tail: bytes) -> None:
    survives(tmp_path / "a.gguf", b"GGUF\x03\0\0\0" + tail)


def peak_of(path: Path) -> int:
    """Bytes the reader takes at most, whatever it says of the file."""
    tracemalloc.start()
    try:
        with contextlib.suppress(AppError):
            read_header(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_largest_header_that_is_read_at_all_takes_little(tmp_path: Path) -> None:
    """As many tensors as are allowed, and texts whose letters take four bytes each in memory."""
    count = 32_768
    model = Gguf(
        {"general.architecture": "llama", **{f"text.{number}": "\U0001f600" * 100_000 for number in range(10)}},
        {f"blk.{number}.a": (0, (number + 2**20, 1, 1, 1)) for number in range(count)},
    )
    path = tmp_path / "a.gguf"
    path.write_bytes(model.header())
    assert 8_000_000 > path.stat().st_size > 5_000_000
    assert peak_of(path) < MEMORY


def test_more_than_that_is_refused_before_it_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    for metadata in (
        {f"text.{number}": "\U0001f600x" * 700_000 for number in range(8)},
        {f"numbers.{number}": list(range(4096)) for number in range(3000)},
        {f"{number}" + "k" * 60_000: 1 for number in range(2000)},
    ):
        path.write_bytes(Gguf(metadata, {}).header())
        assert path.stat().st_size > 20_000_000
        assert peak_of(path) < MEMORY


@pytest.mark.slow
@pytest.mark.timeout(900)
@LONG
@given(edits=changes, cut=cuts)
def test_many_mutations(tmp_path: Path, edits: list[tuple[int, bytes]], cut: int | None) -> None:
    survives(tmp_path / "a.gguf", mutated(edits, cut))
