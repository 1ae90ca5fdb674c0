"""Models really loaded take what level 0 said: the memory of the worker's process above its own base, within 3 %."""

import sys
from pathlib import Path

import psutil
import pytest

from app.backends.llama.process import LlamaBackend
from app.hardware.defaults import placement_of
from app.hardware.geometry import geometry_of
from app.hardware.gguf import read_header
from app.hardware.need import memory_use
from app.hardware.residual import WORKER
from app.protocol import LoadParams, Machine, MemoryUse, Sampling
from tests.backends.contract import answer_of, question
from tests.hardware.architectures import Q4_K, Q8_0
from tests.hardware.large_files import write_large_model

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the parts of a process are read from /proc")

MIB = 1024**2
F16 = 1
MACHINE = Machine(os="Linux", cpu_features=("avx2",))
FEW = LoadParams(context_length=8192, slots=1, micro_batch=64)
"""A small micro-batch, which a short prompt fills: what was reserved but never touched is no memory of the process."""


async def resident(path: Path, params: LoadParams) -> tuple[int, int]:
    """Bytes of its own and of files that a worker has after an answer with that model."""
    backend = LlamaBackend()
    await backend.load(str(path), params, lambda _share: None)
    try:
        await answer_of(backend, question(text="hello " * 60, sampling=Sampling(max_tokens=4)))
        assert backend.pid is not None
        memory = psutil.Process(backend.pid).memory_info()
        return memory.rss - memory.shared, memory.shared
    finally:
        await backend.unload()


def predicted(path: Path, params: LoadParams) -> MemoryUse:
    geometry = geometry_of(read_header(path))
    return memory_use(geometry, placement_of(params, geometry), MACHINE)[-1]


def above_base(use: MemoryUse) -> int:
    return use.total - use.residual


@pytest.fixture(scope="module")
def bases() -> dict[str, int]:
    """The worker's own memory, measured once."""
    return {}


async def base_of(models: Path, bases: dict[str, int]) -> int:
    if not bases:
        path = models / "random.gguf"
        bases["own"] = sum(await resident(path, FEW)) - above_base(predicted(path, FEW))
    return bases["own"]


@pytest.mark.parametrize(("kind", "mmap"), [(Q8_0, None), (F16, False), (Q4_K, False)], ids=["q8_0", "f16", "q4_K"])
async def test_a_loaded_model_takes_what_was_predicted(
    kind: int, mmap: bool | None, models: Path, bases: dict[str, int], tmp_path: Path
) -> None:
    params = LoadParams(context_length=8192, slots=1, micro_batch=64, mmap=mmap)
    path = write_large_model(tmp_path / "large.gguf", kind, layers=40 if kind == Q4_K else 14)
    assert path.stat().st_size > 200 * MIB
    use = predicted(path, params)
    base = await base_of(models, bases)
    taken = sum(await resident(path, params)) - base
    assert taken == pytest.approx(above_base(use), rel=0.03)


async def test_a_workers_own_memory_is_what_is_added(models: Path, bases: dict[str, int]) -> None:
    assert 0.5 * WORKER < await base_of(models, bases) < WORKER


async def test_pages_of_the_file_are_no_need_once_weights_are_repacked(
    models: Path, bases: dict[str, int], tmp_path: Path
) -> None:
    """With mmap they stay in the process until the system wants them back: they are not counted."""
    path = write_large_model(tmp_path / "large.gguf", Q4_K, layers=40)
    use = predicted(path, FEW)
    assert use.repacked > 0.99 * use.weights - 4 * MIB
    base = await base_of(models, bases)
    own, of_files = await resident(path, FEW)
    assert own + of_files - base > above_base(use) + 0.9 * use.repacked
    assert own + of_files - base - use.repacked == pytest.approx(above_base(use), rel=0.04)
