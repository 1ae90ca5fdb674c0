"""A header written anew says the same as the one it was made from, without the vocabulary and as one file."""

from pathlib import Path

from app.hardware.gguf import Header, join_headers, parse_header, read_header
from app.hardware.gguf_hollow import data_size, hollow_header, write_hollow
from app.hardware.gguf_source import PrefixSource
from tests.hardware.gguf_files import Gguf, llama


def parsed(model: Gguf) -> Header:
    raw = model.header()
    return parse_header(PrefixSource(raw, len(raw) + model.data_size()))


def rewritten(header: Header) -> Header:
    raw = hollow_header(header)
    return parse_header(PrefixSource(raw, len(raw) + data_size(header)))


def test_fields_keep_their_values_and_types() -> None:
    header = parsed(
        llama(test__a=("B", 3), test__b=("q", -5), test__c=[1, 2], test__d=[True, False], test__e=0.5, test__f="x")
    )
    again = rewritten(header)
    for name in "abcdef":
        assert again.metadata[f"test.{name}"] == header.metadata[f"test.{name}"]
        assert again.types[f"test.{name}"] == header.types[f"test.{name}"]
    assert again.architecture == "llama"
    assert again.own("block_count") == 2


def test_the_vocabulary_becomes_its_size() -> None:
    again = rewritten(parsed(llama(tokenizer__ggml__tokens=[f"t{number}" for number in range(500)])))
    assert again.metadata["tokenizer.ggml.model"] == "no_vocab"
    assert again.own("vocab_size") == 500
    assert [key for key in again.metadata if key.startswith("tokenizer.")] == ["tokenizer.ggml.model"]


def test_tensors_keep_names_shapes_and_sizes() -> None:
    header = parsed(llama())
    again = rewritten(header)
    assert [(one.name, one.shape, one.type_id) for one in again.tensors] == [
        (one.name, one.shape, one.type_id) for one in header.tensors
    ]
    assert again.weights_size == header.weights_size
    assert again.expected_size <= again.file_size


def test_parts_become_one_file() -> None:
    first = Gguf(dict(llama(split__no=("H", 0), split__count=("H", 2)).metadata), {"a": (12, (256, 2))})
    second = Gguf({"split.no": ("H", 1), "split.count": ("H", 2)}, {"b": (12, (256, 4))})
    again = rewritten(join_headers([parsed(first), parsed(second)]))
    assert again.split_count == 1
    assert [one.offset for one in again.tensors] == [0, 288]


def test_a_big_endian_header_is_turned_round() -> None:
    model = llama()
    model.order = ">"
    again = rewritten(parsed(model))
    assert not again.big_endian
    assert again.own("embedding_length") == 256


def test_the_file_is_whole_and_takes_no_room(tmp_path: Path) -> None:
    header = parsed(llama())
    path = tmp_path / "hollow.gguf"
    write_hollow(hollow_header(header), 50 * 1024**3, path)
    assert path.stat().st_size > 50 * 1024**3
    assert path.stat().st_blocks * 512 < 1024**2
    assert read_header(path).parameters == header.parameters
