"""Which builds of the engine suit a machine: the wheel index's variants in order of preference, and our own flags."""

import shlex

from alcove_setup.machine import Machine

CUDA_VARIANTS = ((13, 2), (13, 0), (12, 5), (12, 4), (12, 3), (12, 2), (12, 1), (11, 8))
"""The CUDA versions the llama-cpp-python project builds for (`build-wheels-cuda.yaml` there), newest first."""
ROCM_VARIANTS = {(7, 2): frozenset({"gfx1100"})}
"""Its ROCm builds and the GPUs they are for (`build-wheels-rocm.yaml`): on any other they abort at run time."""


def prebuilt_variants(machine: Machine) -> tuple[str, ...]:
    """The folders of the wheel index that suit the machine, best first; no `cpu` where our own build uses a GPU."""
    if machine.system == "darwin":
        return ("metal", "cpu")
    gpu = (*_cuda(machine), *_rocm(machine), *(("vulkan",) if machine.vulkan else ()))
    return gpu if _builds_cuda(machine) else (*gpu, "cpu")


def build_flags(machine: Machine, wished: str | None) -> str:
    """The CMake arguments of a build from source; `wished` (`ALCOVE_ENGINE_FLAGS`) has the last word."""
    ours = ["-DGGML_CUDA=on"] if _builds_cuda(machine) else []
    return shlex.join([*ours, *shlex.split(wished or "")])


def uses_gpu(variant: str) -> bool:
    """Whether an engine of that variant is for a GPU whatever its flags."""
    return variant not in {"cpu", "source"}


def lacks_cuda(machine: Machine) -> bool:
    """Whether an NVIDIA GPU lies idle because neither CUDA's libraries nor Vulkan are there."""
    return machine.cuda_driver is not None and not machine.cuda_runtimes and not machine.vulkan and not machine.nvcc


def _builds_cuda(machine: Machine) -> bool:
    return machine.cuda_driver is not None and machine.nvcc is not None


def _cuda(machine: Machine) -> list[str]:
    if machine.cuda_driver is None:
        return []
    fits = [v for v in CUDA_VARIANTS if v <= machine.cuda_driver and v[0] in machine.cuda_runtimes]
    return [f"cu{major}{minor}" for major, minor in fits]


def _rocm(machine: Machine) -> list[str]:
    return [
        f"rocm{major}{minor}"
        for (major, minor), targets in ROCM_VARIANTS.items()
        if machine.rocm and machine.rocm[0] == major and machine.amd_targets and machine.amd_targets <= targets
    ]
