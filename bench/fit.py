"""Predicted against real memory: level 0 beside llama.cpp's own figures, and models that are really loaded.

`python -m bench.fit` prints one JSON object; `--table` prints the rows of docs/fit.md instead. Nothing is downloaded:
the models are headers of real ones with holes for their weights, and a few hundred megabytes of zeros. With
`--device NAME` placements on that device are compared, where the engine has one.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import psutil

from app.backends.llama.process import LlamaBackend
from app.backends.rehearsal import combined, device_layers, rehearse_all
from app.hardware.defaults import placement_of
from app.hardware.geometry import geometry_of
from app.hardware.gguf import Header, parse_header, read_header
from app.hardware.gguf_source import PrefixSource
from app.hardware.need import memory_use
from app.protocol import ChatTurn, Generate, KvType, LoadParams, Machine, MemoryUse, Role, Sampling
from bench.common import print_result
from tests.gguf import TinyModel, write_tiny_model
from tests.hardware.architectures import MODELS, header_of
from tests.hardware.large_files import write_large_model

MIB = 1024**2
MACHINE = Machine(os="Linux", cpu_features=("avx2",))
_F16, _Q8_0, _Q4_K = 1, 8, 12
_REPEATS = 50


@dataclass(frozen=True)
class Row:
    """One way to load one model, in MiB."""

    model: str
    context: int
    micro_batch: int
    flash_attention: bool
    cache_type: str
    cache: float
    cache_real: float
    scratch: float
    scratch_real: float

    @property
    def error(self) -> float:
        """Of cache and scratch together: a share of the real ones."""
        real = self.cache_real + self.scratch_real
        return (self.cache + self.scratch - real) / real


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", action="store_true", help="print the table of docs/fit.md")
    parser.add_argument("--device", default="", help="ggml's name of a device: compare placements on it")
    arguments = parser.parse_args()
    if arguments.device:
        print_result("fit_device", device=arguments.device, models=asyncio.run(on_device(arguments.device)))
        return
    rows = [row for name in MODELS for row in asyncio.run(compared(name))]
    if arguments.table:
        sys.stdout.write("\n".join(table(rows)) + "\n")
        return
    print_result(
        "fit",
        configurations=len(rows),
        architectures=len({name.split("-small")[0] for name in MODELS}),
        cache_wrong=sum(abs(row.cache - row.cache_real) > 0.02 for row in rows),
        scratch_mib_off_mean=round(statistics.mean(abs(row.scratch - row.scratch_real) for row in rows), 2),
        scratch_beyond_tolerance=sum(beyond(row) for row in rows),
        error_mean_percent=round(100 * statistics.mean(abs(row.error) for row in rows), 3),
        error_worst_percent=round(100 * max(abs(row.error) for row in rows), 2),
        level_0_ms=round(1000 * seconds_of_level_0(), 3),
        real_loads=asyncio.run(real_loads()),
    )


def beyond(row: Row) -> bool:
    """Whether scratch memory is off by more than 1 % and more than 40 MiB."""
    return abs(row.scratch - row.scratch_real) > max(0.01 * row.scratch_real, 40)


async def compared(name: str) -> list[Row]:
    """That model in several ways, by level 0 and by llama.cpp."""
    raw = header_of(name).header()
    header = parse_header(PrefixSource(raw, len(raw) + header_of(name).data_size()))
    geometry = geometry_of(header)
    params = list(ways(1 if geometry.largest_state else 4))
    answers = await rehearse_all(header, params, limit_s=300)
    return [
        _row(name, one, memory_use(geometry, placement_of(one, geometry), MACHINE)[-1], answer.memory[-1])
        for one, answer in zip(params, answers, strict=True)
    ]


def ways(slots: int) -> Sequence[LoadParams]:
    """Contexts, micro-batches, flash attention and types of cache."""
    kinds = [(True, None), (True, KvType.Q8_0), (False, None)]
    return [
        LoadParams(
            context_length=context,
            micro_batch=micro,
            flash_attention=flash,
            slots=slots,
            kv_type_k=kind,
            kv_type_v=kind,
        )
        for context, micro, (flash, kind) in product((2048, 8192, 32_768, 131_072), (512, 2048), kinds)
    ]


def _row(name: str, params: LoadParams, ours: MemoryUse, theirs: MemoryUse) -> Row:
    kept, kept_real = ours.cache + ours.state, theirs.cache + theirs.state
    return Row(
        model=name,
        context=params.context_length or 0,
        micro_batch=params.micro_batch or 0,
        flash_attention=bool(params.flash_attention),
        cache_type=params.kv_type_k or KvType.F16,
        cache=round(kept / MIB, 2),
        cache_real=round(kept_real / MIB, 2),
        scratch=round(ours.compute / MIB, 1),
        scratch_real=round(theirs.compute / MIB, 1),
    )


def table(rows: Sequence[Row]) -> list[str]:
    """Markdown: each model at 8,192 tokens and, where it is longest, at 131,072."""
    lines = [
        "| model | context | flash attention | cache: predicted | real | scratch: predicted | real |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        if row.micro_batch == 512 and row.cache_type == KvType.F16 and row.context in (8192, 131_072):
            flash = "on" if row.flash_attention else "off"
            sizes = (row.cache, row.cache_real, row.scratch, row.scratch_real)
            cells = " | ".join(f"{size:,.1f}" for size in sizes)
            lines.append(f"| {row.model} | {row.context:,} | {flash} | {cells} |")
    return lines


def seconds_of_level_0() -> float:
    """Once over everything, from a parsed header: the slowest of the models."""
    slowest = 0.0
    for name in MODELS:
        raw = header_of(name).header()
        header = parse_header(PrefixSource(raw))
        started = time.perf_counter()
        for _ in range(_REPEATS):
            geometry = geometry_of(header)
            memory_use(geometry, placement_of(LoadParams(), geometry), MACHINE)
        slowest = max(slowest, (time.perf_counter() - started) / _REPEATS)
    return slowest


# ---------------------------------------------------------------- a device


@dataclass(frozen=True)
class Placed:
    """Parts of one device's memory for one placement, in MiB."""

    model: str
    gpu_layers: int
    cpu_experts: int
    device: str
    cache: float
    cache_real: float
    scratch: float
    scratch_real: float


async def on_device(device: str) -> list[dict[str, object]]:
    """Every model with nothing, the output, half and all of it on the device, and with experts left behind."""
    found: list[dict[str, object]] = []
    for name in MODELS:
        raw = header_of(name).header()
        header = parse_header(PrefixSource(raw, len(raw) + header_of(name).data_size()))
        geometry = geometry_of(header)
        blocks = len(geometry.layers)
        wanted = [(0, 0), (1, 0), (blocks // 2, 0), (blocks + 1, 0)]
        wanted += [(blocks + 1, blocks)] if geometry.expert_count else []
        params = [
            LoadParams(context_length=8192, slots=1, devices=(device,), gpu_layers=layers, cpu_experts=experts or None)
            for layers, experts in wanted
        ]
        answers = await rehearse_all(header, params, limit_s=300)
        for one, answer in zip(params, answers, strict=True):
            ours = combined(answer, header, one, MACHINE)
            level_0 = memory_use(geometry, placement_of(one, geometry, device_layers(answer.layers)), MACHINE)
            found += [_placed(name, one, *pair) for pair in zip(level_0, ours, strict=True)]
    return found


def _placed(name: str, params: LoadParams, ours: MemoryUse, theirs: MemoryUse) -> dict[str, object]:
    row = Placed(
        model=name,
        gpu_layers=params.gpu_layers or 0,
        cpu_experts=params.cpu_experts or 0,
        device=ours.device,
        cache=round((ours.cache + ours.state) / MIB, 2),
        cache_real=round((theirs.cache + theirs.state) / MIB, 2),
        scratch=round(ours.compute / MIB, 1),
        scratch_real=round(theirs.compute / MIB, 1),
    )
    return asdict(row)


# ---------------------------------------------------------------- really loaded


async def real_loads() -> list[dict[str, object]]:
    """Models that are loaded and answer once: the memory of the worker above its own base."""
    with tempfile.TemporaryDirectory(prefix="alcove-bench-fit-") as folder:
        tiny = write_tiny_model(Path(folder) / "tiny.gguf", TinyModel(seed=5))
        params = LoadParams(context_length=8192, slots=1, micro_batch=64, mmap=False)
        base = await _resident(tiny, params) - _need(read_header(tiny), params)
        found = []
        for label, kind, layers in (("q8_0", _Q8_0, 14), ("f16", _F16, 14), ("q4_K", _Q4_K, 40)):
            path = write_large_model(Path(folder) / f"{label}.gguf", kind, layers=layers)
            predicted, real = _need(read_header(path), params), await _resident(path, params) - base
            found.append(asdict(RealLoad(label, round(predicted / MIB, 1), round(real / MIB, 1))))
            path.unlink()
        return found


@dataclass(frozen=True)
class RealLoad:
    """In MiB."""

    model: str
    predicted: float
    real: float


def _need(header: Header, params: LoadParams) -> int:
    geometry = geometry_of(header)
    use = memory_use(geometry, placement_of(params, geometry), MACHINE)[-1]
    return use.total - use.residual


async def _resident(path: Path, params: LoadParams) -> int:
    backend = LlamaBackend()
    await backend.load(str(path), params, lambda _share: None)
    try:
        turns = (ChatTurn(role=Role.USER, content="hello " * 60),)
        async for _ in backend.generate(Generate(request_id=1, turns=turns, sampling=Sampling(max_tokens=4))):
            pass
        assert backend.pid is not None
        return int(psutil.Process(backend.pid).memory_info().rss)
    finally:
        await backend.unload()


if __name__ == "__main__":
    main()
