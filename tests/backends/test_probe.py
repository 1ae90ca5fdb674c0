"""The probe tells what the engine can use, or why it cannot be asked."""

import subprocess
import sys

import msgspec
import pytest

from app.backends.llama import binding
from app.backends.llama.probe import ask_apart, cuda_archs, read_backend, report
from app.backends.probe import BackendAnswer, EngineDevice, EngineReport, probe_drivers, probe_engine
from app.errors import AppError
from app.hardware.detection.answers import DriverAnswers
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


HANGS = [sys.executable, "-c", "import signal; signal.pause()"]
CRASHES = [sys.executable, "-c", "import os, sys; print('ggml_cuda: bad driver', file=sys.stderr); os.abort()"]
CARD = EngineDevice(name="SYCL0", description="Arc", kind="discrete", memory_free=5, memory_total=8)


def answers(answer: BackendAnswer) -> list[str]:
    return [sys.executable, "-c", f"print({msgspec.json.encode(answer).decode()!r})"]


def test_a_backend_that_hangs_and_one_that_crashes_lose_only_their_own() -> None:
    well = answers(BackendAnswer((CARD,), {"ARCHS": "500"}))
    hung, crashed, told = ask_apart([HANGS, CRASHES, well], ["CUDA", "Vulkan", "SYCL"], limit_s=2.0)
    assert hung.fault is not None
    assert (hung.fault.backend, hung.fault.silent) == ("CUDA", True)
    assert crashed.fault is not None
    assert not crashed.fault.silent
    assert crashed.fault.reason
    assert told == BackendAnswer((CARD,), {"ARCHS": "500"})


def test_a_whole_report_with_a_backend_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its child is asked for a backend this build does not have."""
    monkeypatch.setattr(binding, "built_backends", lambda: ["SYCL"])
    found = report()
    assert [device.kind for device in found.devices] == ["cpu"]
    assert found.build.backends == ("SYCL",)
    (fault,) = found.build.faults
    assert fault.backend == "SYCL"
    assert "ggml_backend_sycl_reg" in fault.reason


def test_a_backend_without_devices_says_why() -> None:
    said = (
        b"ggml_cuda_init: failed to initialize CUDA: CUDA driver version is insufficient for CUDA runtime version\n"
        b"goodbye\n"
    )
    fault = read_backend("CUDA", b"{}", said, 0).fault
    assert fault is not None
    assert "insufficient" in fault.reason
    quiet = read_backend("Vulkan", b"{}", b"", 0).fault
    assert quiet is not None
    assert quiet.reason == ""
    assert read_backend("CUDA", b"nonsense", b"libcuda broke\n", 1).fault is not None


def test_capabilities_as_they_are_written() -> None:
    assert cuda_archs("500,610,860,1200") == ("5.0", "6.1", "8.6", "12.0")
    assert cuda_archs("") == cuda_archs("native") == ()


async def test_drivers_are_asked_and_may_fail() -> None:
    told = await probe_drivers(30.0, [sys.executable, "-c", 'print(\'{"nvml": {"driver": "550"}}\')'])
    assert told.nvml is not None
    assert (told.nvml.driver, told.nvml.fault) == ("550", "")
    for command, limit_s, said in ((HANGS, 0.05, "did not answer"), (CRASHES, 30.0, "SIGABRT")):
        told = await probe_drivers(limit_s, command)
        assert told.nvml is not None
        assert said in told.nvml.fault


def test_the_real_probe_of_drivers_ends_well() -> None:
    done = subprocess.run(own_command("probe", "drivers"), cwd=RESOURCES.parent, check=True, capture_output=True)
    msgspec.json.decode(done.stdout, type=DriverAnswers)


def test_a_backend_that_is_not_built_in_is_refused() -> None:
    done = subprocess.run(own_command("probe", "devices", "Nonsense"), cwd=RESOURCES.parent, check=False)
    assert done.returncode == 1


def test_unknown_questions_are_refused() -> None:
    done = subprocess.run(own_command("probe", "everything"), cwd=RESOURCES.parent, check=False)
    assert done.returncode == 2


def test_graphics_cards_are_told_apart() -> None:
    report = EngineReport(
        version="1",
        llama_version="2",
        devices=(
            EngineDevice(name="CPU", description="AMD", kind="cpu"),
            EngineDevice(
                name="CUDA0",
                description="RTX",
                kind="discrete",
                memory_free=5,
                memory_total=8,
                device_id="0000:0A:00.0",
            ),
            EngineDevice(name="Vulkan1", description="Iris", kind="integrated"),
            EngineDevice(name="MTL0", description="Apple M4", kind="discrete", memory_free=1, memory_total=2),
            EngineDevice(name="MTL1", description="AMD Radeon Pro 5500M", kind="discrete"),
            EngineDevice(name="MTL2", description="Intel(R) UHD Graphics 630", kind="discrete"),
        ),
    )
    rtx, iris, apple, radeon, uhd = report.graphics
    assert (radeon.kind, uhd.kind) == ("discrete", "integrated")
    assert (rtx.name, rtx.kind, rtx.backend, rtx.memory_free, rtx.memory_total) == ("RTX", "discrete", "CUDA", 5, 8)
    assert (rtx.engine_name, rtx.pci_id, rtx.sources) == ("CUDA0", "0000:0a:00.0", ("ggml",))
    assert (iris.kind, iris.backend, iris.memory_total) == ("integrated", "Vulkan", None)
    assert (apple.kind, apple.backend) == ("unified", "MTL")
