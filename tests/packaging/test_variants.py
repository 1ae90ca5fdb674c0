"""Each machine is given the engine that suits it."""

import pytest

from alcove_setup.machine import Machine
from alcove_setup.variants import build_flags, lacks_cuda, prebuilt_variants
from tests.packaging.setup_parts import machine

NVIDIA = machine(cuda_driver=(12, 4), cuda_runtimes=frozenset({12}))
NVIDIA_WITH_COMPILER = machine(cuda_driver=(13, 1), cuda_runtimes=frozenset({13}), nvcc="/usr/local/cuda/bin/nvcc")
NVIDIA_DRIVER_ONLY = machine(cuda_driver=(12, 8))

MACHINES = {
    "no GPU": (machine(), ["cpu"]),
    "a Mac": (machine(system="darwin", architecture="arm64"), ["metal", "cpu"]),
    "Vulkan": (machine(vulkan=True), ["vulkan", "cpu"]),
    "an old NVIDIA driver": (
        machine(cuda_driver=(11, 8), cuda_runtimes=frozenset({11}), vulkan=True),
        ["cu118", "vulkan", "cpu"],
    ),
    "CUDA 12.4": (NVIDIA, ["cu124", "cu123", "cu122", "cu121", "cpu"]),
    "between two builds": (machine(cuda_driver=(13, 1), cuda_runtimes=frozenset({13})), ["cu130", "cpu"]),
    "an older CUDA than the driver": (
        machine(cuda_driver=(13, 2), cuda_runtimes=frozenset({12})),
        ["cu125", "cu124", "cu123", "cu122", "cu121", "cpu"],
    ),
    "a driver without CUDA": (NVIDIA_DRIVER_ONLY, ["cpu"]),
    "a driver without CUDA but Vulkan": (machine(cuda_driver=(12, 8), vulkan=True), ["vulkan", "cpu"]),
    "nvcc builds better than cpu": (NVIDIA_WITH_COMPILER, ["cu130"]),
    "ROCm on its GPU": (
        machine(rocm=(7, 1), amd_targets=frozenset({"gfx1100"}), vulkan=True),
        ["rocm72", "vulkan", "cpu"],
    ),
    "ROCm on another GPU": (machine(rocm=(7, 2), amd_targets=frozenset({"gfx1030"}), vulkan=True), ["vulkan", "cpu"]),
    "ROCm with two kinds of GPU": (machine(rocm=(7, 2), amd_targets=frozenset({"gfx1030", "gfx1100"})), ["cpu"]),
    "an older ROCm": (machine(rocm=(6, 3), amd_targets=frozenset({"gfx1100"})), ["cpu"]),
}


@pytest.mark.parametrize(("which", "variants"), MACHINES.values(), ids=MACHINES.keys())
def test_prebuilt_variants(which: Machine, variants: list[str]) -> None:
    assert list(prebuilt_variants(which)) == variants


def test_a_build_uses_cuda_where_it_can() -> None:
    assert build_flags(machine(), None) == ""
    assert build_flags(NVIDIA, None) == ""
    assert build_flags(NVIDIA_WITH_COMPILER, None) == "-DGGML_CUDA=on"


def test_the_users_flags_come_last() -> None:
    assert (
        build_flags(NVIDIA_WITH_COMPILER, " -DGGML_CUDA=off  -DX='a b'") == "-DGGML_CUDA=on -DGGML_CUDA=off '-DX=a b'"
    )


def test_an_idle_gpu_is_noticed() -> None:
    assert lacks_cuda(NVIDIA_DRIVER_ONLY)
    assert not any(lacks_cuda(which) for which in (machine(), NVIDIA, NVIDIA_WITH_COMPILER))
