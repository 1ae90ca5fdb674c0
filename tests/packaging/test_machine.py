"""What the tools and files of a machine say is read right."""

from pathlib import Path

import pytest

from alcove_setup.machine import amd_targets, inspect_machine, parse_cpuinfo, parse_cuda_version

INTEL = (
    "processor\t: 0\nmodel name\t: Intel(R) Core(TM) i5\nflags\t\t: fpu avx avx2\n\nprocessor\t: 1\nflags\t: other\n"
)
ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"


@pytest.mark.parametrize(
    ("report", "version"),
    [
        ("| NVIDIA-SMI 550.54.14  Driver Version: 550.54.14  CUDA Version: 12.4     |", (12, 4)),
        ("| NVIDIA-SMI 595.10  KMD Version: 595.10  CUDA UMD Version: 13.2 |", (13, 2)),
        ("| NVIDIA-SMI 390  Driver Version: 390 |", None),
        ("", None),
    ],
)
def test_cuda_version_of_the_driver(report: str, version: tuple[int, int] | None) -> None:
    assert parse_cuda_version(report) == version


def test_the_processor_is_model_and_instruction_sets() -> None:
    here = parse_cpuinfo(INTEL)
    assert here.startswith("Intel(R) Core(TM) i5 ")
    assert parse_cpuinfo(INTEL.replace("fpu avx avx2", "avx2 fpu avx")) == here
    assert parse_cpuinfo(INTEL.replace("avx2", "avx2 avx512f")) != here
    assert parse_cpuinfo(ARM).startswith("0x41/0xd0c ")
    assert parse_cpuinfo("").startswith("?/? ")


def test_amd_gpus_are_read_from_the_kernel(tmp_path: Path) -> None:
    files = []
    for name, number in {"cpu": 0, "card": 110000, "integrated": 90012, "server": 90402}.items():
        files.append(tmp_path / name)
        files[-1].write_text(f"cpu_cores_count 8\ngfx_target_version {number}\nvendor_id 4098\n")
    assert amd_targets([*files, tmp_path / "missing"]) == {"gfx1100", "gfx90c", "gfx942"}


def test_this_machine_can_be_inspected() -> None:
    here = inspect_machine({})
    assert here.processor
    assert here.architecture
    assert here == inspect_machine({})
