"""A rehearsal tells what llama.cpp would take, of models that are nowhere but in a header; level 0 says the same."""

import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import msgspec
import pytest

from app.backends.rehearsal import Rehearsed, device_layers, rehearse, rehearse_all
from app.errors import AppError
from app.hardware.defaults import placement_of
from app.hardware.geometry import geometry_of
from app.hardware.gguf import Header, parse_header
from app.hardware.gguf_source import PrefixSource
from app.hardware.need import memory_use
from app.protocol import CPU, KvType, LoadParams, Machine, MemoryUse
from tests.hardware.architectures import MODELS, SIZES, header_of
from tests.hardware.gguf_files import Gguf, llama

MIB = 1024**2
MACHINE = Machine(os="Linux", cpu_features=("avx2",))
ROUNDING = 0.02 * MIB
"""llama.cpp writes hundredths of a MiB."""


def header_from(model: Gguf) -> Header:
    """By its first bytes, as one that is not downloaded."""
    raw = model.header()
    return parse_header(PrefixSource(raw, len(raw) + model.data_size()))


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def ways(slots: int) -> Iterator[LoadParams]:
    """Contexts, micro-batches, and types of cache with and without flash attention."""
    kinds: list[tuple[bool, KvType | None]] = [(True, None), (True, KvType.Q8_0), (True, KvType.Q4_0), (False, None)]
    sizes = [*product((2048, 8192, 32_768, 131_072), (512, 2048)), (8192, 128)]
    for (context, micro), (flash, kind) in product(sizes, kinds):
        yield LoadParams(
            context_length=context,
            micro_batch=micro,
            slots=slots,
            flash_attention=flash,
            kv_type_k=kind,
            kv_type_v=kind,
        )


def predicted(header: Header, params: LoadParams) -> MemoryUse:
    geometry = geometry_of(header)
    return memory_use(geometry, placement_of(params, geometry), MACHINE)[-1]


@pytest.mark.parametrize("name", MODELS)
async def test_level_0_says_what_llama_cpp_says(name: str) -> None:
    """Weights, caches, states and logits to the byte (llama.cpp rounds to 0.01 MiB), scratch to 1 % or 40 MiB."""
    header = header_from(header_of(name))
    params = tuple(ways(1 if geometry_of(header).largest_state else 4))
    assert len(params) == 36
    await check(header, params)


@pytest.mark.parametrize("name", SIZES)
async def test_it_does_for_models_of_other_sizes(name: str) -> None:
    header = header_from(header_of(name))
    every = ways(1 if geometry_of(header).largest_state else 4)
    await check(header, [one for one in every if one.context_length != 2048][::3])


async def check(header: Header, params: Sequence[LoadParams]) -> None:
    geometry = geometry_of(header)
    answers = await rehearse_all(header, params, limit_s=120)
    for one, answer in zip(params, answers, strict=True):
        ours, theirs = predicted(header, one), answer.memory[-1]
        assert answer.model_size == geometry.weights + geometry.skipped
        assert answer.layers == (CPU,) * (len(geometry.layers) + 1)
        assert ours.cache == pytest.approx(theirs.cache, abs=ROUNDING), one
        assert ours.state == pytest.approx(theirs.state, abs=ROUNDING), one
        assert ours.output == pytest.approx(theirs.output, abs=ROUNDING), one
        assert ours.compute == pytest.approx(theirs.compute, abs=max(0.01 * theirs.compute, 40 * MIB)), one


async def test_windows_grow_with_slots_and_can_be_kept_whole() -> None:
    header = header_from(header_of("gemma3"))
    params = [
        LoadParams(context_length=32_768, slots=slots, swa_full=full) for slots in (1, 8) for full in (False, True)
    ]
    answers = await rehearse_all(header, params)
    caches = [answer.memory[-1].cache for answer in answers]
    assert caches[0] < caches[2] < caches[1] == caches[3]
    assert caches == [predicted(header, one).cache for one in params]


async def test_states_grow_with_slots() -> None:
    header = header_from(header_of("falcon-h1"))
    params = [LoadParams(context_length=2048, slots=slots) for slots in (1, 3)]
    answers = await rehearse_all(header, params)
    for one, answer in zip(params, answers, strict=True):
        assert answer.memory[-1].state == pytest.approx(predicted(header, one).state, abs=ROUNDING)
        assert answer.memory[-1].compute == pytest.approx(predicted(header, one).compute, abs=40 * MIB)


async def test_a_rehearsal_joins_both_reckonings() -> None:
    header = header_from(header_of("llama"))
    machine = Machine(os="Linux", cpu_features=("avx2",), ram_total=64 * 1024 * MIB, ram_available=32 * 1024 * MIB)
    (host,) = await rehearse(header, LoadParams(context_length=8192, slots=4), machine)
    assert host.device == CPU
    assert host.weights == geometry_of(header).weights
    assert host.cache == 1024 * MIB
    assert host.compute == pytest.approx(124 * MIB, abs=MIB / 10)
    assert host.free == 32 * 1024 * MIB
    assert host.fits


async def test_what_llama_cpp_refuses_is_told() -> None:
    with pytest.raises(AppError) as caught:
        await rehearse(header_from(llama(general__architecture="no-such")), LoadParams(), MACHINE)
    assert caught.value.code == "model_load_failed"
    assert caught.value.values["reason"] == "model_unsupported"
    with pytest.raises(AppError) as caught:
        await rehearse(header_from(llama()), LoadParams(), MACHINE)  # most of its tensors are missing
    assert caught.value.values["reason"] == "model_damaged"


async def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(AppError) as caught:
        await rehearse(header_from(header_of("lfm2")), LoadParams(devices=("CUDA7",)), MACHINE)
    assert caught.value.code == "bad_request"
    assert "CUDA7" in str(caught.value.values["reason"])


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import signal; signal.pause()", "did not answer"),
        ("import os; os.abort()", "SIGABRT"),
        ("print('no json')", ""),
        ("import sys; sys.exit('out of order')", "out of order"),
    ],
)
async def test_a_probe_that_dies_or_hangs_is_an_error(code: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(AppError) as caught:
        await rehearse_all(header_from(llama()), [LoadParams()], 0.5, [sys.executable, "-c", code])
    assert caught.value.code == "engine_missing"
    assert said in str(caught.value.values["reason"])


async def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    await rehearse_all(header_from(header_of("lfm2")), [LoadParams(context_length=2048)])
    with pytest.raises(AppError):
        await rehearse_all(header_from(llama()), [LoadParams()], 5, [sys.executable, "-c", "import os; os.abort()"])
    assert names_in(tmp_path) == []


def test_layers_are_counted_by_device() -> None:
    assert device_layers((CPU, CPU, "CUDA0", "CUDA0", "CUDA1")) == (("CUDA0", 2), ("CUDA1", 1))
    assert device_layers((CPU, CPU)) == ()


def test_answers_cross_the_border_unchanged() -> None:
    answer = Rehearsed(model_size=5, layers=(CPU,), memory=(MemoryUse(cache=7),))
    assert msgspec.json.decode(msgspec.json.encode(answer), type=Rehearsed) == answer
