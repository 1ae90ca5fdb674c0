"""Memory limits of control groups, on trees of files as the kernel shows them."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hardware.detection.answers import Answers
from app.hardware.detection.ram import memory
from app.hardware.limits import MemoryLimit, memory_limits

MIB = 1024**2
LINUX = Answers(platform="linux", memory_total=4096 * MIB, memory_available=3000 * MIB)


def tree(root: Path, **files: str) -> Path:
    """Write files below `root`; in their names `__` stands for a slash and `_D_` for a dot."""
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_D_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_without_groups_there_are_no_limits(tmp_path: Path) -> None:
    assert memory_limits(tmp_path) == []
    assert memory_limits(tree(tmp_path, proc__self__cgroup="0::/\n")) == []


def test_version_two_takes_every_level(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        proc__self__cgroup="0::/user.slice/app\n",
        sys__fs__cgroup__user_D_slice__app__memory_D_max="max\n",
        sys__fs__cgroup__user_D_slice__app__memory_D_high=f"{600 * MIB}\n",
        sys__fs__cgroup__user_D_slice__app__memory_D_current=f"{100 * MIB}\n",
        sys__fs__cgroup__user_D_slice__app__memory_D_stat=f"anon 5\ninactive_file {30 * MIB}\nactive_file {10 * MIB}\n",
        sys__fs__cgroup__user_D_slice__memory_D_max=f"{500 * MIB}\n",
        sys__fs__cgroup__user_D_slice__memory_D_current=f"{450 * MIB}\n",
    )
    assert memory_limits(root) == [MemoryLimit(600 * MIB, 540 * MIB), MemoryLimit(500 * MIB, 50 * MIB)]
    assert memory(LINUX, root) == (500 * MIB, 50 * MIB)


def test_version_two_inside_a_container_sees_its_own_group_as_root(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        proc__self__cgroup="0::/../../docker/abc\n",
        sys__fs__cgroup__memory_D_max=f"{300 * MIB}",
        sys__fs__cgroup__memory_D_current=f"{400 * MIB}",
    )
    assert memory_limits(root) == [MemoryLimit(300 * MIB, 0)]


def test_version_one_knows_its_own_word_for_no_limit(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        proc__self__cgroup="5:cpu,cpuacct:/a\n4:memory:/a/b\n0::/\n",
        sys__fs__cgroup__memory__memory_D_limit_in_bytes="9223372036854771712\n",
        sys__fs__cgroup__memory__a__b__memory_D_limit_in_bytes=f"{200 * MIB}\n",
        sys__fs__cgroup__memory__a__b__memory_D_usage_in_bytes=f"{80 * MIB}\n",
        sys__fs__cgroup__memory__a__b__memory_D_stat=(
            f"active_file 7\ntotal_active_file {20 * MIB}\ntotal_inactive_file {10 * MIB}\n"
        ),
    )
    assert memory_limits(root) == [MemoryLimit(200 * MIB, 150 * MIB)]


@pytest.mark.parametrize("membership", ["", "nonsense", "0::", "x:y\n::\n"])
def test_nonsense_is_no_limit(tmp_path: Path, membership: str) -> None:
    assert memory_limits(tree(tmp_path, proc__self__cgroup=membership)) == []


def test_a_limit_above_the_machine_changes_nothing(tmp_path: Path) -> None:
    root = tree(tmp_path, proc__self__cgroup="0::/\n", sys__fs__cgroup__memory_D_max=str(2**60))
    assert memory(LINUX, root) == (4096 * MIB, 3000 * MIB)


def test_the_limit_of_the_process_itself(tmp_path: Path) -> None:
    line = "Max address space         {:<20} unlimited            bytes     \n"
    root = tree(tmp_path, proc__self__limits="Limit  Soft Limit  Hard Limit\n" + line.format(700 * MIB))
    assert memory_limits(root) == [MemoryLimit(700 * MIB, 700 * MIB)]
    assert memory(LINUX, root) == (700 * MIB, 700 * MIB)
    tree(tmp_path, proc__self__limits=line.format("unlimited"))
    assert memory_limits(root) == []


def test_the_kernels_own_figures(tmp_path: Path) -> None:
    told = "MemTotal:  2000 kB\nMemFree: 100 kB\nMemAvailable:  900 kB\nBuffers: 10 kB\nCached: 300 kB\n"
    assert memory(LINUX, tree(tmp_path, proc__meminfo=told)) == (2000 * 1024, 900 * 1024)
    old = told.replace("MemAvailable:  900 kB\n", "")
    assert memory(LINUX, tree(tmp_path, proc__meminfo=old)) == (2000 * 1024, 410 * 1024)


@given(st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 2**40)), max_size=5))
def test_the_tightest_of_nested_limits_counts(groups: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        path = "/".join(f"g{depth}" for depth in range(len(groups)))
        tree(root, proc__self__cgroup=f"0::/{path}\n")
        for depth, (limit, used) in enumerate(groups):
            place = root / "sys/fs/cgroup" / "/".join(f"g{step}" for step in range(depth + 1))
            place.mkdir(parents=True, exist_ok=True)
            (place / "memory.max").write_text(f"{limit}\n")
            (place / "memory.current").write_text(f"{used}\n")
        total, available = memory(LINUX, root)
        assert total == min([4096 * MIB, *(limit for limit, _ in groups)])
        assert available == min([3000 * MIB, *(max(limit - used, 0) for limit, used in groups)])
