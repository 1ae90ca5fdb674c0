"""GGUF headers: what a whole file says, and why a broken one is refused."""

import os
import struct
from pathlib import Path

import pytest

from app.errors import AppError
from app.hardware import gguf_bytes
from app.hardware.gguf import join_headers, read_header
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


def test_version_two_reads_the_same(tmp_path: Path) -> None:
    older = llama()
    older.version = 2
    assert (
        read_header(older.write(tmp_path / "two.gguf")).parameters
        == read_header(llama().write(tmp_path / "three.gguf")).parameters
    )


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


# ---------------------------------------------------------------- refused


def test_files_that_are_no_gguf(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(b"")
    assert refused(path) == "the file is empty"
    path.write_bytes(b"PK")
    assert refused(path) == "this is not a GGUF file"
    path.write_bytes(b"<html>Not found</html>")
    assert refused(path) == "this is not a GGUF file"


@pytest.mark.parametrize(
    ("version", "words"), [(1, "version 1"), (4, "version 4"), (0x03000000, "big-endian"), (0x02000000, "big-endian")]
)
def test_versions_that_are_not_read(tmp_path: Path, version: int, words: str) -> None:
    model = llama()
    model.version = version
    assert words in refused(model.write(tmp_path / "a.gguf"))


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
