"""What loading needs, against the buffers llama.cpp itself reported (knowledge/hardware_fit.md §2)."""

from pathlib import Path

import pytest

from app.errors import AppError
from app.hardware.gguf import Header, Tensor, read_header
from app.hardware.memory import (
    cache_bytes,
    check_fits,
    compute_bytes,
    default_context,
    free_memory,
    need,
    needed_bytes,
)
from app.protocol import Device, Machine
from tests.hardware.gguf_files import llama

MIB = 1024**2
GIB = 1024**3


def header(architecture: str, vocabulary: int = 32_000, **own: int | tuple[bool, ...] | tuple[int, ...]) -> Header:
    """A header with these values under the architecture's prefix; `__` stands for a dot."""
    return Header(
        version=3,
        file_size=5 * GIB,
        data_offset=0,
        metadata={"general.architecture": architecture}
        | {f"{architecture}.{key.replace('__', '.')}": value for key, value in own.items()},
        tensors=(Tensor("weights", (256, 1024 * 1024), 12, 0),),
        vocabulary=vocabulary,
    )


LLAMA_8B = header(
    "llama", 128_256, block_count=32, embedding_length=4096, feed_forward_length=14_336,
    attention__head_count=32, attention__head_count_kv=8, context_length=131_072,
)  # fmt: skip
GEMMA_12B = header(
    "gemma3", 262_208, block_count=48, embedding_length=3840, feed_forward_length=15_360, attention__head_count=16,
    attention__head_count_kv=8, attention__key_length=256, attention__value_length=256, attention__sliding_window=1024,
)  # fmt: skip
GPT_OSS_20B = header(
    "gpt-oss", 201_088, block_count=24, embedding_length=2880, attention__head_count=64, attention__head_count_kv=8,
    attention__key_length=64, attention__value_length=64, attention__sliding_window=128,
)  # fmt: skip
DEEPSEEK_LITE = header(
    "deepseek2", 102_400, block_count=27, embedding_length=2048, attention__head_count=16, attention__head_count_kv=1,
    attention__key_length=576, attention__value_length=512,
    attention__key_length_mla=192, attention__value_length_mla=128,
)  # fmt: skip
QWEN_HYBRID = header(
    "qwen35moe", 248_320, block_count=40, embedding_length=2048, attention__head_count=16, attention__head_count_kv=2,
    attention__key_length=256, attention__value_length=256, ssm__state_size=128, full_attention_interval=4,
)  # fmt: skip


@pytest.mark.parametrize(
    ("model", "context", "mib"),
    [
        (LLAMA_8B, 8192, 1024),
        (LLAMA_8B, 32_768, 4096),
        (GEMMA_12B, 8192, 512 + 480),
        (GPT_OSS_20B, 8192, 192 + 18),
        (DEEPSEEK_LITE, 8192, 243),
        (QWEN_HYBRID, 8192, 160),
    ],
    ids=["llama-8k", "llama-32k", "gemma", "gpt-oss", "deepseek", "hybrid"],
)
def test_the_kv_cache_is_what_llama_cpp_allocates(model: Header, context: int, mib: int) -> None:
    assert cache_bytes(model, context) == mib * MIB


def test_a_pattern_per_layer_goes_before_the_architectures_own() -> None:
    metadata = dict(GEMMA_12B.metadata) | {"gemma3.attention.sliding_window_pattern": (False,) * 48}
    every_layer_global = Header(3, 0, 0, metadata, (), 1)
    assert cache_bytes(every_layer_global, 8192) == 48 * 64 * MIB
    metadata["gemma3.attention.sliding_window_pattern"] = (True,) * 48
    assert cache_bytes(Header(3, 0, 0, metadata, (), 1), 8192) == 480 * MIB // 40 * 48


def test_the_engine_keeps_windows_whole() -> None:
    assert need(GEMMA_12B, 8192).cache == cache_bytes(GEMMA_12B, 8192, whole_windows=True) == 48 * 64 * MIB


def test_layers_without_heads_and_with_shared_caches_cost_nothing() -> None:
    plain = header("x", block_count=4, embedding_length=64, attention__head_count=4, attention__head_count_kv=4)
    zeros = header(
        "x", block_count=4, embedding_length=64, attention__head_count=4, attention__head_count_kv=(4, 0, 4, 0)
    )
    shared = header(
        "x", block_count=4, embedding_length=64, attention__head_count=4, attention__head_count_kv=4,
        attention__shared_kv_layers=3,
    )  # fmt: skip
    assert cache_bytes(zeros, 256) * 2 == cache_bytes(plain, 256) == cache_bytes(shared, 256) * 4


def test_the_context_is_rounded_up_to_whole_steps() -> None:
    assert cache_bytes(LLAMA_8B, 1) == cache_bytes(LLAMA_8B, 256) < cache_bytes(LLAMA_8B, 257)


@pytest.mark.parametrize(("model", "mib"), [(LLAMA_8B, 266.5), (GEMMA_12B, 519.5 + 7.5), (GPT_OSS_20B, 404.0)])
def test_the_compute_buffer_is_close_to_llama_cpps(model: Header, mib: float) -> None:
    assert compute_bytes(model, 8192) / MIB == pytest.approx(mib, rel=0.02)


def test_a_small_vocabulary_leaves_the_widest_layer() -> None:
    narrow = header("llama", 100, block_count=1, embedding_length=1024, feed_forward_length=8192)
    assert compute_bytes(narrow, 4096) >= 3 * 512 * 8192 * 4


def test_the_whole_is_the_sum(tmp_path: Path) -> None:
    tiny = read_header(llama().write(tmp_path / "a.gguf"))
    parts = need(tiny, 512)
    assert parts.weights == tiny.weights_size
    assert parts.cache == 2 * 512 * 2 * (64 + 64) * 2
    assert needed_bytes(tiny, 512) == parts.total == parts.weights + parts.cache + parts.compute + parts.worker


def test_without_a_wish_the_context_is_the_engines() -> None:
    assert default_context(LLAMA_8B) == 8192
    assert default_context(header("llama", context_length=2048)) == 2048
    assert default_context(header("llama")) == 8192
    assert needed_bytes(LLAMA_8B) == needed_bytes(LLAMA_8B, 8192)


def test_an_unknown_tensor_type_falls_back_to_the_files_size() -> None:
    unknown = Header(3, 1000, 200, {}, (Tensor("a", (32,), 0, 0), Tensor("b", (32,), 200, 128)), None)
    assert unknown.weights_size == 800


# ---------------------------------------------------------------- does it fit


def test_a_model_that_fits_is_let_through() -> None:
    check_fits(LLAMA_8B, 8192, Machine(os="x", ram_total=16 * GIB, ram_available=8 * GIB))


def test_a_model_that_is_too_large_is_refused_with_the_numbers() -> None:
    machine = Machine(os="x", ram_total=2 * GIB, ram_available=GIB)
    with pytest.raises(AppError) as caught:
        check_fits(LLAMA_8B, 8192, machine, "Llama 8B")
    assert caught.value.code == "model_too_large"
    assert caught.value.values == {
        "model": "Llama 8B",
        "needed_bytes": needed_bytes(LLAMA_8B, 8192),
        "available_bytes": GIB,
        "total_bytes": 2 * GIB,
    }
    assert "1.0 GiB of 2.0 GiB" in caught.value.message


def test_a_longer_context_can_be_what_is_too_much() -> None:
    machine = Machine(os="x", ram_total=8 * GIB, ram_available=4 * GIB)
    check_fits(LLAMA_8B, 8192, machine)
    with pytest.raises(AppError):
        check_fits(LLAMA_8B, 131_072, machine)


def test_own_memory_of_cards_counts_and_shared_memory_does_not() -> None:
    card = Device(name="card", kind="discrete", memory_total=24 * GIB, memory_free=20 * GIB)
    machine = Machine(os="x", ram_total=8 * GIB, ram_available=4 * GIB, devices=(card,))
    assert free_memory(machine) == (24 * GIB, 32 * GIB)
    inside = Device(name="chip", kind="integrated", memory_total=8 * GIB, memory_free=4 * GIB)
    assert free_memory(Machine(os="x", ram_total=8 * GIB, ram_available=4 * GIB, devices=(inside,))) == (
        4 * GIB,
        8 * GIB,
    )


def test_unknown_memory_refuses_nothing() -> None:
    check_fits(LLAMA_8B, 131_072, Machine(os="x"))
    assert free_memory(Machine(os="x", ram_available=5)) == (5, None)


def test_absurd_headers_give_a_number_that_fits_the_wire() -> None:
    absurd = header("x", block_count=2**53, embedding_length=2**53, attention__head_count=1)
    with pytest.raises(AppError) as caught:
        check_fits(absurd, 2**53, Machine(os="x", ram_available=1))
    assert caught.value.values["needed_bytes"] == 2**62
