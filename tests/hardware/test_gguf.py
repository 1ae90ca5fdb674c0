"""GGUF headers: what a whole file says, and why a broken one is refused."""

import os
import struct
from pathlib import Path

import pytest

from app.errors import AppError
from app.hardware import gguf_bytes
from app.hardware.gguf import join_headers, parse_header, read_header
from app.hardware.gguf_source import PrefixSource
from app.hardware.quantizations import FILE_TYPES, TENSOR_TYPES, quantization_label
from tests.hardware.gguf_files import Gguf, Value, encoded, llama, text


def refused(path: Path) -> str:
    """The reason why that file is refused, in words."""
    with pytest.raises(AppError) as caught:
        read_header(path)
    assert caught.value.code == "model_broken"
    assert caught.value.values["model"] == path.name
    return caught.value.message.removeprefix(f"{path.name}: ")


def test_a_header_says_what_the_model_is(tmp_path: Path) -> None:
    header = read_header(llama().write(tmp_path / "tiny.gguf"))
    assert (header.version, header.kind, header.architecture, header.name) == (3, "model", "llama", "Tiny Test")
    assert header.quantization == "Q4_K_M"
    assert header.parameters == 256 * 64 + 2 * 256 * 256 + 512 * 256 + 256
    assert (header.context_length, header.block_count, header.embedding_length) == (2048, 2, 256)
    assert (header.head_count, header.head_count_kv) == (4, (2, 2))
    assert header.vocabulary_size == 4
    assert header.chat_template == "{{ messages }}"
    assert header.split_count == 1
    assert header.file_size == header.expected_size


def test_sizes_come_from_the_tensor_table(tmp_path: Path) -> None:
    header = read_header(llama().write(tmp_path / "tiny.gguf"))
    q6, q4 = 210 / 256, 144 / 256
    assert header.weights_size == int((256 * 64 + 512 * 256) * q6 + 2 * 256 * 256 * q4 + 256 * 4)
    assert [tensor.type_name for tensor in header.tensors] == ["Q6_K", "Q4_K", "Q6_K", "Q4_K", "F32"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (("B", 200), 200), (("b", -5), -5), (("H", 60000), 60000), (("h", -300), -300), (("I", 2**32 - 1), 2**32 - 1),
        (("i", -7), -7), (("f", 0.5), 0.5), (("?", True), True), (("Q", 2**63), 2**63), (("q", -(2**40)), -(2**40)),
        (("d", 0.1), 0.1), ("显存", "显存"), ([1, 2, 3], (1, 2, 3)), ([True, False], (True, False)),
        ([0.5, 1.5], (0.5, 1.5)), ([], ()),
    ],
)  # fmt: skip
def test_every_type_of_value(tmp_path: Path, value: Value, expected: object) -> None:
    header = read_header(llama(test__value=value, test__after=7).write(tmp_path / "a.gguf"))
    assert header.metadata["test.value"] == expected
    assert header.metadata["test.after"] == 7


def test_long_arrays_and_texts_are_passed_over(tmp_path: Path) -> None:
    many = list(range(gguf_bytes.SHORT_ARRAY + 1))
    header = read_header(llama(test__many=many, test__texts=["x", "y"], test__after=7).write(tmp_path / "a.gguf"))
    assert header.metadata["test.after"] == 7
    assert "test.many" not in header.metadata
    assert "test.texts" not in header.metadata
    assert "tokenizer.ggml.tokens" not in header.metadata


def test_a_vocabulary_larger_than_the_window(tmp_path: Path) -> None:
    """The window is a mebibyte: items straddle its end, and one is larger than it."""
    pieces = [f"piece-{number}" * (number % 7) for number in range(60_000)]
    pieces[30_000] = "long" * 700_000
    header = read_header(llama(tokenizer__ggml__tokens=pieces, test__after="end").write(tmp_path / "a.gguf"))
    assert header.vocabulary_size == 60_000
    assert header.metadata["test.after"] == "end"


def test_values_per_layer(tmp_path: Path) -> None:
    header = read_header(
        llama(llama__attention__head_count_kv=[2, 0], llama__attention__head_count=[4, 8]).write(tmp_path / "a")
    )
    assert header.head_count_kv == (2, 0)
    assert header.head_count == 8


@pytest.mark.parametrize("value", [[1.5, float("nan")], [-1, 2], "two", -3, 2.5])
def test_values_that_are_no_counts_are_unknown(tmp_path: Path, value: Value) -> None:
    header = read_header(
        llama(
            llama__attention__head_count=value, llama__attention__head_count_kv=value, llama__context_length=value
        ).write(tmp_path / "a")
    )
    assert header.head_count_kv == ()
    assert header.context_length is None


def test_kinds_that_are_no_language_models(tmp_path: Path) -> None:
    projector = Gguf({"general.architecture": "clip"}, {})
    assert read_header(projector.write(tmp_path / "a.gguf")).kind == "mmproj"
    assert read_header(llama(general__type="adapter").write(tmp_path / "b.gguf")).kind == "adapter"


def test_split_parts_are_joined(tmp_path: Path) -> None:
    first = Gguf(dict(llama(split__no=("H", 0), split__count=("H", 2)).metadata), {"a": (12, (256, 2))})
    second = Gguf({"split.no": ("H", 1), "split.count": ("H", 2)}, {"b": (12, (256, 4))})
    headers = [read_header(first.write(tmp_path / "1")), read_header(second.write(tmp_path / "2"))]
    assert [header.whole("split.no") for header in headers] == [0, 1]
    joined = join_headers(headers)
    assert joined.parameters == 256 * 6
    assert joined.weights_size == 144 * 6
    assert joined.name == "Tiny Test"


# ---------------------------------------------------------------- sources


class Counting:
    """A server that is asked for ranges, and keeps account."""

    def __init__(self, whole: bytes, size: int | None) -> None:
        self._whole = whole
        self._size = size
        self.ranges: list[tuple[int, int]] = []

    @property
    def size(self) -> int | None:
        return self._size

    def read(self, start: int, size: int) -> bytes:
        self.ranges.append((start, size))
        return self._whole[start : start + size]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_and_byte_order_reads_the_same(version: int, order: str) -> None:
    model, usual = llama(), llama()
    model.version, model.order = version, order
    header = parse_header(PrefixSource(model.header()))
    expected = parse_header(PrefixSource(usual.header()))
    assert (header.version, header.big_endian) == (version, order == ">")
    assert header.metadata == expected.metadata
    assert header.types == expected.types
    assert header.tensors == expected.tensors
    assert (header.vocabulary, header.quantization) == (4, "Q4_K_M")


def test_a_prefix_is_enough() -> None:
    model = llama()
    raw, size = model.header(), len(model.header()) + model.data_size()
    header = parse_header(PrefixSource(raw, size))
    assert header.file_size == size == header.expected_size
    assert header.weights_size == parse_header(PrefixSource(raw)).weights_size
    with pytest.raises(AppError) as caught:
        parse_header(PrefixSource(raw[:-40], size), "far.gguf")
    assert caught.value.values["reason"] == "header_cut_off"
    assert caught.value.values["model"] == "far.gguf"


@pytest.mark.parametrize("known", [True, False])
def test_a_server_is_asked_in_growing_steps_and_for_no_more_than_is_needed(known: bool) -> None:
    pieces = [f"piece-{number}" for number in range(150_000)]
    scores = [0.5] * len(pieces)
    model = llama(tokenizer__ggml__tokens=pieces, tokenizer__ggml__scores=scores, test__after="end")
    raw = model.header()
    size = len(raw) + model.data_size()
    server = Counting(raw + b"\0" * 20_000_000, size if known else None)
    header = parse_header(server)
    assert header.vocabulary == len(pieces)
    assert header.metadata["test.after"] == "end"
    asked = [length for _, length in server.ranges]
    assert asked[0] == gguf_bytes.FIRST_STEP
    assert asked == sorted(asked)
    assert max(asked) <= gguf_bytes.LARGEST_STEP
    fetched = sum(min(length, len(raw)) for length in asked)
    assert fetched <= 2 * len(raw) + gguf_bytes.FIRST_STEP
    covered = {start for start, _ in server.ranges}
    assert len(covered) == len(server.ranges), "nothing is asked for twice"


def test_long_arrays_of_numbers_are_not_fetched() -> None:
    many = [1.5] * 10_000_000
    model = llama(test__many=many, test__after="end")
    server = Counting(model.header(), None)
    assert parse_header(server).metadata["test.after"] == "end"
    assert sum(length for _, length in server.ranges) < 4 * gguf_bytes.FIRST_STEP


def test_what_the_source_raises_comes_through() -> None:
    class Broken(Counting):
        def read(self, start: int, size: int) -> bytes:
            raise AppError("bad_request", reason="gone")

    with pytest.raises(AppError) as caught:
        parse_header(Broken(b"", 100))
    assert caught.value.code == "bad_request"


def test_tensors_of_unknown_types_are_as_large_as_the_room_they_have() -> None:
    tensors = {"a": (12, (256, 2)), "new": (99, (512, 2)), "b": (0, (256,))}
    model = Gguf(llama().metadata, tensors)
    header = parse_header(PrefixSource(model.header(), len(model.header()) + model.data_size()))
    sizes = {tensor.name: tensor.size for tensor in header.tensors}
    assert sizes == {"a": 288, "new": 2048, "b": 1024}
    assert header.tensors[1].type_name == "type 99"
    assert header.weights_size == 288 + 2048 + 1024
    last = Gguf(llama().metadata, {"a": (12, (256, 2)), "new": (99, (512, 2))})
    assert parse_header(PrefixSource(last.header(), len(last.header()) + last.data_size())).tensors[1].size == 2048


# ---------------------------------------------------------------- refused


def test_files_that_are_no_gguf(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(b"")
    assert refused(path) == "the file is empty"
    path.write_bytes(b"PK")
    assert refused(path) == "this is not a GGUF file"
    path.write_bytes(b"<html>Not found</html>")
    assert refused(path) == "this is not a GGUF file"


def test_versions_the_engine_does_not_read(tmp_path: Path) -> None:
    model = llama()
    model.version = 4
    assert "version 4" in refused(model.write(tmp_path / "a.gguf"))
    model.version = 1
    assert "version 1" in refused(model.write(tmp_path / "a.gguf"))
    for version in (1, 2, 3):
        model.version, model.order = version, ">"
        assert "big-endian" in refused(model.write(tmp_path / "a.gguf"))


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    whole = llama().write(tmp_path / "whole.gguf").read_bytes()
    header_size = len(llama().header())
    path = tmp_path / "cut.gguf"
    for size in [*range(0, header_size, 17), header_size, len(whole) - 1]:
        path.write_bytes(whole[:size])
        reason = refused(path)
        assert "not a GGUF" in reason or "empty" in reason or f"{size:,}" in reason


def test_a_cut_off_file_is_told_by_its_sizes(tmp_path: Path) -> None:
    path = llama().write(tmp_path / "a.gguf")
    size = path.stat().st_size
    os.truncate(path, size - 1000)
    assert refused(path) == f"the file is cut off: it has {size - 1000:,} of {size:,} bytes"


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.gguf") == "there is no such file"
    assert refused(tmp_path) == "there is no such file"


def test_a_pipe_does_not_hang_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    assert refused(tmp_path / "pipe.gguf") == "there is no such file"


HUGE = struct.pack("<Q", 2**63)
COUNTS = struct.pack("<IQQ", 3, 0, 1)


@pytest.mark.parametrize(
    "header",
    [
        b"GGUF" + struct.pack("<IQQ", 3, 2**40, 0),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 2**40),
        b"GGUF" + COUNTS + HUGE,
        b"GGUF" + COUNTS + text("k") + struct.pack("<I", 8) + HUGE,
        b"GGUF" + COUNTS + text("k") + struct.pack("<II", 9, 8) + HUGE,
        b"GGUF" + COUNTS + text("k") + struct.pack("<II", 9, 4) + HUGE,
        b"GGUF" + COUNTS + text("k") + struct.pack("<IIQ", 9, 9, 5),
        b"GGUF" + COUNTS + text("k") + struct.pack("<I", 99),
        b"GGUF" + COUNTS + text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 3) + HUGE,
    ],
)
def test_absurd_lengths_are_refused(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(header + b"\0" * 4096)
    refused(path)


@pytest.mark.parametrize(
    "table",
    [
        text("t") + struct.pack("<I", 5),
        text("t") + struct.pack("<IQQQQIQ", 4, 2**62, 2**62, 2**62, 2**62, 0, 0),
        text("t") + struct.pack("<IQIQ", 1, 256, 12, 2**63),
        text("t") + struct.pack("<IQIQ", 1, 255, 12, 0),
        text("t" * 5000) + struct.pack("<IQIQ", 1, 256, 12, 0),
    ],
    ids=["dimensions", "elements", "offset", "block", "name"],
)
def test_absurd_tensors_are_refused(tmp_path: Path, table: bytes) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + table + b"\0" * 4096)
    assert "damaged" in refused(path)


def test_names_that_stand_there_twice_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    key = text("k") + encoded(1)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + key + key)
    assert "twice" in refused(path)
    tensor = text("t") + struct.pack("<IQIQ", 1, 32, 0, 0)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 2, 0) + tensor + tensor + b"\0" * 512)
    assert "same name" in refused(path)


@pytest.mark.parametrize("alignment", [0, 3, 2**31, "32"])
def test_an_impossible_alignment_is_refused(tmp_path: Path, alignment: Value) -> None:
    assert "alignment" in refused(llama(general__alignment=alignment).write(tmp_path / "a.gguf"))


def test_another_alignment_moves_the_data(tmp_path: Path) -> None:
    model = llama(general__alignment=128)
    model.alignment = 128
    header = read_header(model.write(tmp_path / "a.gguf"))
    assert header.data_offset % 128 == 0
    assert header.expected_size == header.file_size


def test_much_metadata_is_refused_before_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_bytes, "KEPT_LIMIT", 2000)
    assert "more metadata" in refused(llama(test__long="x" * 3000).write(tmp_path / "a.gguf"))


def test_too_many_texts_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_bytes, "ITEMS_LIMIT", 100)
    assert "texts" in refused(llama(test__texts=["x"] * 101).write(tmp_path / "a.gguf"))


def test_text_that_is_no_utf8_does_not_stop_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(
        b"GGUF" + COUNTS + text("general.name") + struct.pack("<I", 8) + text(b"\xff\xfe name") + b"\0" * 64
    )
    assert read_header(path).name.endswith(" name")


# ---------------------------------------------------------------- quantization


@pytest.mark.parametrize(
    ("file_type", "sizes", "label"),
    [
        (15, {"Q4_K": 100, "Q6_K": 50, "F32": 1}, "Q4_K_M"),
        (15, {"Q5_0": 100, "Q4_K": 1}, "Q4_K_M"),
        (15 + 1024, {"Q4_K": 1}, "Q4_K_M"),
        (1, {"Q8_0": 100, "F32": 1}, "Q8_0"),
        (None, {"Q8_0": 100, "F32": 1}, "Q8_0"),
        (999, {"IQ4_XS": 5, "F32": 1}, "IQ4_XS"),
        (38, {"MXFP4": 100, "Q8_0": 3}, "MXFP4"),
        (7, {}, "Q8_0"),
        (None, {}, ""),
        (32, {"BF16": 3}, "BF16"),
        (22, {"IQ3_XXS": 3, "Q4_K": 1}, "IQ3_XS"),
    ],
)
def test_quantization_is_named_as_people_know_it(file_type: int | None, sizes: dict[str, int], label: str) -> None:
    assert quantization_label(file_type, sizes) == label


def test_the_type_tables_agree_with_the_engine() -> None:
    llama_cpp = pytest.importorskip("llama_cpp.llama_cpp")
    names = {
        getattr(llama_cpp, name): name.removeprefix("LLAMA_FTYPE_MOSTLY_").removeprefix("LLAMA_FTYPE_ALL_")
        for name in dir(llama_cpp)
        if name.startswith("LLAMA_FTYPE_") and not name.endswith("GUESSED")
    }
    names = {number: name.replace("MXFP4_MOE", "MXFP4") for number, name in names.items()}
    assert {number: FILE_TYPES.get(number) for number in names} == names
    types = {
        name.removeprefix("GGML_TYPE_"): getattr(llama_cpp, name)
        for name in dir(llama_cpp)
        if name.startswith("GGML_TYPE_")
    }
    assert {kind.name: number for number, kind in TENSOR_TYPES.items() if kind.name in types}.items() <= types.items()
