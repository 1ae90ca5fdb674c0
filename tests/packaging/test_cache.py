"""Engine wheels are found again under the same key, never damaged, never half."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from alcove_setup.cache import RECORD, SOURCE, EngineKey, WheelCache, held
from tests.packaging.setup_parts import VERSION, machine, make_wheel

KEY = EngineKey(VERSION, SOURCE, "-DGGML_CUDA=on", "linux x86_64 glibc 2.36", "Test 1")


def test_the_key_stays_the_same_from_release_to_release() -> None:
    """Everyone would build again if it changed by accident."""
    assert KEY.name == "0.3.36-source-09fc64617c5e983f"


@pytest.mark.parametrize("part", ["version", "variant", "flags", "system", "processor"])
def test_every_part_of_the_key_counts(part: str) -> None:
    assert replace(KEY, **{part: "other"}).name != KEY.name


def test_the_key_holds_what_a_native_build_depends_on() -> None:
    here = EngineKey.of(machine(), VERSION, SOURCE)
    assert here == EngineKey.of(machine(), VERSION, SOURCE)
    others = [machine(processor="Test 2"), machine(libc="glibc 2.41"), machine(architecture="aarch64")]
    assert len({here, *(EngineKey.of(other, VERSION, SOURCE) for other in others)}) == 4


def test_a_stored_wheel_is_found(tmp_path: Path) -> None:
    cache = WheelCache(tmp_path / "engine")
    wheel = make_wheel(tmp_path, "")
    assert cache.find(KEY) is None
    stored = cache.store(KEY, wheel)
    assert cache.find(KEY) == stored
    assert stored.read_bytes() == wheel.read_bytes()
    assert cache.find(replace(KEY, processor="Test 2")) is None


def test_storing_again_replaces(tmp_path: Path) -> None:
    cache = WheelCache(tmp_path / "engine")
    cache.store(KEY, make_wheel(tmp_path / "one", "one = 1"))
    second = make_wheel(tmp_path / "two", "two = 2")
    assert cache.store(KEY, second).read_bytes() == second.read_bytes()


def test_a_damaged_wheel_is_thrown_away(tmp_path: Path) -> None:
    cache = WheelCache(tmp_path / "engine")
    stored = cache.store(KEY, make_wheel(tmp_path, ""))
    stored.write_bytes(stored.read_bytes()[:-1] + b"?")
    assert cache.find(KEY) is None
    assert not stored.exists()


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b"{}", b'{"wheel": "missing.whl", "sha256": ""}'])
def test_a_damaged_record_counts_as_missing(tmp_path: Path, record: bytes) -> None:
    cache = WheelCache(tmp_path / "engine")
    stored = cache.store(KEY, make_wheel(tmp_path, ""))
    (stored.parent / RECORD).write_bytes(record)
    assert cache.find(KEY) is None


def test_what_a_killed_run_left_is_no_wheel_and_is_cleared(tmp_path: Path) -> None:
    cache = WheelCache(tmp_path / "engine")
    with cache.workspace(KEY, "build") as space:
        left = space
    left.mkdir()
    make_wheel(left, "")
    assert cache.find(KEY) is None
    with cache.workspace(KEY, "build") as space:
        assert list(space.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a POSIX signal")
def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    code = (
        "import pathlib, sys, time; from alcove_setup.cache import held\n"
        "with held(pathlib.Path(sys.argv[1]), lambda: None):\n    print('held', flush=True); time.sleep(600)"
    )
    setup = Path(__file__).parents[2] / "packaging" / "setup"
    holder = subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, cwd=setup)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    waited = []

    def kill_the_holder() -> None:
        waited.append(True)
        holder.send_signal(signal.SIGKILL)

    with held(lock, kill_the_holder), holder.stdout:
        assert holder.wait() == -signal.SIGKILL
    assert waited == [True]
