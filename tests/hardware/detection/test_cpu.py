"""Processors, by the texts of their kernels."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hardware.detection.answers import Answers
from app.hardware.detection.cpu import features, processor, processor_name
from app.hardware.detection.files import listed, number, size
from tests.hardware.laying import lay

ARM = "processor\t: 0\nBogoMIPS\t: 108.00\nCPU part\t: 0xd0b\n\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n"
INTEL = "processor\t: 0\nmodel\t\t: 142\nmodel name\t: Intel(R)  Core(TM) i7-8565U CPU @ 1.80GHz\n"
SERVER = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"
LINUX = Answers(platform="linux", processor="aarch64", physical_cores=3, logical_cores=6)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (INTEL, "Intel(R) Core(TM) i7-8565U CPU @ 1.80GHz"),
        (ARM, "Raspberry Pi 5 Model B Rev 1.0"),
        (SERVER, "Neoverse N1"),
        ("", None),
        ("garbage\n:\n", None),
    ],
)
def test_names_of_processors(text: str, name: str | None) -> None:
    assert processor_name(text) == name


def test_extensions_have_one_name_each() -> None:
    assert features("flags\t: fpu pni avx avx2 avx512_vnni amx_int8 smap") == (
        *("sse3", "avx", "avx2", "avx512_vnni", "amx_int8"),
    )
    assert features("Features\t: fp asimd asimddp i8mm") == ("neon", "dotprod", "i8mm")
    assert features("") == ()


def test_cores_that_share_and_cores_that_are_slow(tmp_path: Path) -> None:
    base = "sys/devices/system/cpu"
    lay(tmp_path, {f"{base}/online": "0-4\n"})
    for cpu, (siblings, clock) in enumerate([("0-1", 5000), ("0-1", 5000), ("2", 4900), ("3", 3000), ("4", 3000)]):
        lay(
            tmp_path,
            {
                f"{base}/cpu{cpu}/topology/core_cpus_list": siblings,
                f"{base}/cpu{cpu}/cpufreq/cpuinfo_max_freq": str(clock),
            },
        )
    found = processor(LINUX, tmp_path)
    assert (found.physical, found.performance, found.logical) == (4, 2, 5)
    lay(tmp_path, {"sys/devices/cpu_atom/cpus": "2-4"})
    assert processor(LINUX, tmp_path).performance == 1


def test_the_last_level_is_the_cache_that_counts(tmp_path: Path) -> None:
    base = "sys/devices/system/cpu"
    lay(tmp_path, {f"{base}/online": "0-1"})
    for cpu, l3 in ((0, "32768K"), (1, "96M")):
        for level, kind, amount in ((1, "Data", "32K"), (2, "Unified", "1024K"), (3, "Unified", l3)):
            place = f"{base}/cpu{cpu}/cache/index{level}"
            lay(tmp_path, {f"{place}/level": str(level), f"{place}/type": kind, f"{place}/size": amount})
    assert processor(LINUX, tmp_path).cache_l3 == 96 * 1024**2


def test_where_files_tell_nothing_the_answers_count(tmp_path: Path) -> None:
    found = processor(LINUX, tmp_path)
    assert (found.name, found.physical, found.logical, found.cache_l3) == ("aarch64", 3, 6, None)
    assert processor(Answers(platform="win32"), tmp_path).name is None


def test_a_mac(tmp_path: Path) -> None:
    told = {
        "machdep.cpu.brand_string": "Apple M4 Pro",
        "hw.physicalcpu": "14",
        "hw.logicalcpu": "14",
        "hw.perflevel0.physicalcpu": "10",
        "hw.perflevel0.l2cachesize": "16777216",
        "hw.optional.AdvSIMD": "1",
        "hw.optional.arm.FEAT_I8MM": "0",
    }
    found = processor(Answers(platform="darwin", sysctl=told), tmp_path)
    assert (found.name, found.physical, found.performance) == ("Apple M4 Pro", 14, 10)
    assert found.features == ("neon",)
    assert found.cache_l3 == 16 * 1024**2


@pytest.mark.parametrize(("words", "bytes_"), [("32768K", 2**25), ("36M", 36 * 2**20), ("512", 512), ("x", None)])
def test_sizes_of_caches(words: str, bytes_: int | None) -> None:
    assert size(words) == bytes_


@given(st.text(alphabet="0123456789-, \n", max_size=30))
def test_any_list_of_processors(words: str) -> None:
    parts = [part for part in words.split(",") if len(part) < 8]
    assert all(index >= 0 for index in listed(",".join(parts)))


@given(st.text(max_size=300))
def test_any_text_is_a_cpuinfo(content: str) -> None:
    name = processor_name(content)
    assert name is None or name
    assert len(features(content)) <= 20


def test_numbers_in_any_notation(tmp_path: Path) -> None:
    lay(tmp_path, {"a": "0x10de\n", "b": "42\n", "c": "none\n"})
    assert [number(tmp_path / name) for name in "abcd"] == [0x10DE, 42, None, None]
