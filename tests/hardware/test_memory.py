"""The gate before a load: what is refused, and with which numbers."""

from pathlib import Path

import pytest

from app.errors import AppError
from app.hardware.gguf import Header, read_header
from app.hardware.memory import check_fits, free_memory, needed_bytes
from app.hardware.residual import WORKER
from app.protocol import Device, Machine
from tests.hardware.architectures import header_of
from tests.hardware.gguf_files import Gguf, llama

MIB, GIB = 1024**2, 1024**3


@pytest.fixture(scope="module")
def llama_8b(tmp_path_factory: pytest.TempPathFactory) -> Header:
    return read_header(header_of("llama").write(tmp_path_factory.mktemp("headers") / "llama.gguf"))


def test_the_whole_is_the_sum_of_its_parts(tmp_path: Path) -> None:
    tiny = read_header(llama().write(tmp_path / "a.gguf"))
    cache, logits, worker = 2 * 512 * 2 * (64 + 64) * 2, 8 * 4 * 4, WORKER
    # 512 tokens are computed at once: gate, up and their product, four copies of the stream, and a 16-bit mask
    scratch = 512 * (2 * 512 + 4 * 256) * 4 + 512 * 512 * 2
    assert needed_bytes(tiny, 512) == tiny.weights_size + cache + scratch + logits + worker


def test_without_a_wish_the_context_is_the_engines(llama_8b: Header) -> None:
    assert needed_bytes(llama_8b) == needed_bytes(llama_8b, 8192)
    assert needed_bytes(llama_8b, 16_384) > needed_bytes(llama_8b, 8192) + GIB


def test_no_more_context_than_the_model_was_trained_for(llama_8b: Header) -> None:
    assert needed_bytes(llama_8b, 131_072) == needed_bytes(llama_8b, 2**40)


def test_a_model_that_fits_is_let_through(llama_8b: Header) -> None:
    check_fits(llama_8b, 8192, Machine(os="x", ram_total=16 * GIB, ram_available=8 * GIB))


def test_a_model_that_is_too_large_is_refused_with_the_numbers(llama_8b: Header) -> None:
    machine = Machine(os="x", ram_total=2 * GIB, ram_available=GIB)
    with pytest.raises(AppError) as caught:
        check_fits(llama_8b, 8192, machine, "Llama 8B")
    assert caught.value.code == "model_too_large"
    assert caught.value.values == {
        "model": "Llama 8B",
        "needed_bytes": needed_bytes(llama_8b, 8192),
        "available_bytes": GIB,
        "total_bytes": 2 * GIB,
    }
    assert "1.0 GiB of 2.0 GiB" in caught.value.message


def test_a_longer_context_can_be_what_is_too_much(llama_8b: Header) -> None:
    machine = Machine(os="x", ram_total=16 * GIB, ram_available=8 * GIB)
    check_fits(llama_8b, 8192, machine)
    with pytest.raises(AppError):
        check_fits(llama_8b, 131_072, machine)


def test_own_memory_of_cards_counts_and_shared_memory_does_not() -> None:
    card = Device(name="card", kind="discrete", memory_total=24 * GIB, memory_free=20 * GIB)
    machine = Machine(os="x", ram_total=8 * GIB, ram_available=4 * GIB, devices=(card,))
    assert free_memory(machine) == (24 * GIB, 32 * GIB)
    inside = Device(name="chip", kind="integrated", memory_total=8 * GIB, memory_free=4 * GIB)
    shared = Machine(os="x", ram_total=8 * GIB, ram_available=4 * GIB, devices=(inside,))
    assert free_memory(shared) == (4 * GIB, 8 * GIB)


def test_unknown_memory_refuses_nothing(llama_8b: Header) -> None:
    check_fits(llama_8b, 131_072, Machine(os="x"))
    assert free_memory(Machine(os="x", ram_available=5)) == (5, None)


def test_absurd_headers_give_a_number_that_fits_the_wire(tmp_path: Path) -> None:
    fields = dict(llama().metadata) | {
        "llama.block_count": 900,
        "llama.embedding_length": 2**31,
        "llama.attention.head_count": 1,
        "llama.context_length": 2**31 - 1,
    }
    absurd = read_header(Gguf(fields, llama().tensors).write(tmp_path / "a.gguf"))
    with pytest.raises(AppError) as caught:
        check_fits(absurd, 2**53, Machine(os="x", ram_available=1))
    assert 2**59 < int(caught.value.values["needed_bytes"]) < 2**63
