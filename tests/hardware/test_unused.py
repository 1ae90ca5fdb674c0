"""Why a card is not used: for each hindrance the right words, with what to do."""

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as changed

from app.format import Language
from app.hardware.detection.access import Access
from app.hardware.detection.answers import BackendFault, EngineBuild, NvmlAnswers, NvmlCard
from app.hardware.machine import machine_from
from app.hardware.unused import Surroundings, graphics_checks, missing_library
from app.protocol import Check, CheckState, Device, Machine
from app.words import text
from tests.hardware.machines import machines
from tests.hardware.machines.recording import recorded

NVIDIA = Device(name="NVIDIA X", kind="discrete", vendor="nvidia", architecture="8.6", sources=("nvml",))
RADEON = Device(name="Radeon Y", kind="discrete", vendor="amd", driver="6.8", sources=("sysfs",))
INSIDE = Device(name="UHD Z", kind="integrated", vendor="intel", architecture="Gen9", driver="6.8", sources=("sysfs",))
XE = changed(INSIDE, name="Iris Xe", architecture="Xe-LP")
TOLD = NvmlAnswers(driver="535.1", cuda=12020, cards=(NvmlCard(name="NVIDIA X"),))
CUDA = EngineBuild(backends=("CUDA",), cuda=12040)
VULKAN = EngineBuild(backends=("Vulkan",))
WELL = Surroundings(CUDA, TOLD)


def why(device: Device, around: Surroundings, container: str = "") -> Check:
    machine = Machine(os="x", container=container, devices=(device,))
    (check,) = graphics_checks(machine, around)
    return check


@pytest.mark.parametrize(
    ("device", "around", "container", "code"),
    [
        (NVIDIA, replace(WELL, build=EngineBuild()), "", "gpu_not_built"),
        (NVIDIA, replace(WELL, nvml=None), "", "gpu_driver_missing"),
        (NVIDIA, replace(WELL, nvml=NvmlAnswers()), "", "gpu_driver_missing"),
        (NVIDIA, replace(WELL, nvml=NvmlAnswers(fault="version mismatch")), "", "gpu_driver_broken"),
        (NVIDIA, replace(WELL, build=changed(CUDA, cuda=13000)), "", "gpu_driver_old"),
        (NVIDIA, replace(WELL, access=Access(nvidia=False)), "docker", "gpu_not_in_container"),
        (
            NVIDIA,
            replace(WELL, build=changed(CUDA, faults=(BackendFault("CUDA", silent=True),))),
            "",
            "gpu_backend_silent",
        ),
        (
            NVIDIA,
            replace(WELL, build=changed(CUDA, faults=(BackendFault("CUDA", "unknown error"),))),
            "",
            "gpu_backend_failed",
        ),
        (NVIDIA, WELL, "", "gpu_unused"),
        (RADEON, Surroundings(EngineBuild()), "", "gpu_not_built"),
        (RADEON, Surroundings(CUDA), "", "gpu_not_built"),
        (RADEON, Surroundings(VULKAN, access=Access(forbidden=("/dev/kfd",))), "", "gpu_no_permission"),
        (RADEON, Surroundings(VULKAN, access=Access(render=False)), "podman", "gpu_not_in_container"),
        (changed(RADEON, driver=""), Surroundings(VULKAN), "", "gpu_driver_missing"),
        (RADEON, Surroundings(VULKAN), "", "gpu_unused"),
        (XE, Surroundings(EngineBuild()), "", "gpu_not_built"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_hindrance_has_its_words(
    device: Device, around: Surroundings, container: str, code: str, language: Language
) -> None:
    check = why(device, around, container)
    assert (check.code, check.state) == (code, CheckState.WARN)
    said = text("check", check.code, check.values, language)
    assert device.name in said
    assert "{" not in said


def test_an_old_driver_is_told_what_it_lacks() -> None:
    check = why(NVIDIA, replace(WELL, build=changed(CUDA, cuda=13000)))
    assert check.values == {"device": "NVIDIA X", "driver": "535.1", "has": "12.2", "needs": "13.0"}
    newer_minor = replace(WELL, build=changed(CUDA, cuda=12080))
    assert why(NVIDIA, newer_minor).code == "gpu_unused", "CUDA's minor versions are compatible"


def test_slow_graphics_are_not_missed() -> None:
    assert why(INSIDE, Surroundings()).state is CheckState.GOOD
    used = changed(NVIDIA, backend="CUDA", engine_name="CUDA0")
    assert list(graphics_checks(Machine(os="x", devices=(used, XE)), WELL)) == []


def test_a_card_older_than_the_engine() -> None:
    build = changed(CUDA, cuda_archs=("7.5", "8.6", "12.0"))
    for architecture, codes in (("6.1", ["gpu_too_old"]), ("8.9", []), ("7.5", []), ("", [])):
        card = changed(NVIDIA, backend="CUDA", engine_name="CUDA0", architecture=architecture)
        found = graphics_checks(Machine(os="x", devices=(card,)), replace(WELL, build=build))
        assert [check.code for check in found] == codes


@pytest.mark.parametrize(
    ("reason", "library"),
    [
        (
            "Failed to load /x/libllama.so: libcudart.so.12: cannot open shared object file: No such file",
            "libcudart.so.12",
        ),
        ("libgomp.so.1: cannot open shared object file", "libgomp.so.1"),
        ("Could not find module 'C:\\x\\ggml-cuda.dll' (or one of its dependencies).", "C:\\x\\ggml-cuda.dll"),
        ("llama-cpp-python is not installed", None),
    ],
)
def test_a_missing_library_is_named_with_its_package(reason: str, library: str | None) -> None:
    check = missing_library(reason)
    if library is None:
        assert check is None
        return
    assert check is not None
    assert check.values["library"] == library
    assert check.state is CheckState.BAD
    assert library in text("check", check.code, check.values, "zh")


@pytest.mark.parametrize(
    ("name", "build", "codes"),
    [
        ("broken_nvidia_driver", CUDA, ["gpu_driver_broken"]),
        ("hanging_driver", EngineBuild(backends=("CUDA", "Vulkan")), ["gpu_driver_broken"]),
        ("docker_4gb_limit", CUDA, ["gpu_not_in_container"]),
        ("laptop_16gb_no_gpu", EngineBuild(), ["gpu_slow"]),
        ("desktop_rtx4090", changed(CUDA, cuda_archs=("8.9",)), []),
        ("laptop_rtx4070", CUDA, ["gpu_spills"]),
        ("mac_m2_16gb", EngineBuild(backends=("Metal",)), []),
    ],
)
def test_recorded_machines(name: str, build: EngineBuild, codes: list[str], tmp_path: Path) -> None:
    recording = recorded(name, tmp_path)
    around = Surroundings(build, recording.answers.drivers.nvml, Access(nvidia=name != "docker_4gb_limit"))
    machine = machine_from(recording.answers, recording.root, recording.model_folder)
    assert machine == machines()[name]
    assert [check.code for check in graphics_checks(machine, around)] == codes
