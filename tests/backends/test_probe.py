"""The probe tells what the engine can use, or why it cannot be asked."""

import subprocess
import sys

import pytest

from app.backends.probe import EngineDevice, EngineReport, probe_engine
from app.errors import AppError
from app.launch import own_command
from app.paths import RESOURCES


async def test_the_real_engine_names_its_devices() -> None:
    report = await probe_engine()
    assert report.version
    assert report.llama_version
    assert "cpu" in {device.kind for device in report.devices}
    assert all(device.memory_total >= 0 for device in report.devices)


async def _fails(code: str, limit_s: float = 30.0) -> AppError:
    with pytest.raises(AppError) as caught:
        await probe_engine(limit_s, [sys.executable, "-c", code])
    assert caught.value.code == "engine_missing"
    return caught.value


async def test_a_driver_that_hangs_is_given_up() -> None:
    error = await _fails("import signal; signal.pause()", limit_s=0.05)
    assert "did not answer" in str(error.values["reason"])


async def test_a_driver_that_crashes_is_told() -> None:
    error = await _fails("import os; os.abort()")
    assert "SIGABRT" in str(error.values["reason"])


async def test_last_words_are_the_reason() -> None:
    error = await _fails("import sys; sys.exit('libcuda.so.1: wrong version')")
    assert error.values["reason"] == "libcuda.so.1: wrong version"


async def test_nonsense_is_an_error() -> None:
    await _fails("print('no json')")


async def test_what_the_probe_says_is_raised() -> None:
    failure = '{"error":{"code":"engine_missing","values":{"reason":"not installed"}}}'
    error = await _fails(f"import sys; print({failure!r}); sys.exit(1)")
    assert error.values["reason"] == "not installed"


def test_unknown_questions_are_refused() -> None:
    done = subprocess.run(own_command("probe", "everything"), cwd=RESOURCES.parent, check=False)
    assert done.returncode == 2


def test_graphics_cards_are_told_apart() -> None:
    report = EngineReport(
        version="1",
        llama_version="2",
        devices=(
            EngineDevice(name="CPU", description="AMD", kind="cpu"),
            EngineDevice(name="CUDA0", description="RTX", kind="discrete", memory_free=5, memory_total=8),
            EngineDevice(name="Vulkan1", description="Iris", kind="integrated"),
            EngineDevice(name="MTL0", description="Apple M4", kind="discrete", memory_free=1, memory_total=2),
        ),
    )
    rtx, iris, apple = report.graphics
    assert (rtx.name, rtx.kind, rtx.backend, rtx.memory_free, rtx.memory_total) == ("RTX", "discrete", "CUDA", 5, 8)
    assert (iris.kind, iris.backend, iris.memory_total) == ("integrated", "Vulkan", None)
    assert (apple.kind, apple.backend) == ("unified", "MTL")
