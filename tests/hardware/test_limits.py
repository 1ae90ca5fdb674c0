"""Memory limits of control groups, on trees of files as the kernel shows them."""

from pathlib import Path

import pytest

from app.hardware.limits import MemoryLimit, memory_limits
from app.hardware.machine import memory

MIB = 1024**2


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
        sys__fs__cgroup__user_D_slice__app__memory_D_stat=f"anon 5\ninactive_file {40 * MIB}\n",
        sys__fs__cgroup__user_D_slice__memory_D_max=f"{500 * MIB}\n",
        sys__fs__cgroup__user_D_slice__memory_D_current=f"{450 * MIB}\n",
    )
    assert memory_limits(root) == [MemoryLimit(600 * MIB, 540 * MIB), MemoryLimit(500 * MIB, 50 * MIB)]
    assert memory(root) == (500 * MIB, 50 * MIB)


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
        sys__fs__cgroup__memory__a__b__memory_D_stat=f"total_inactive_file {30 * MIB}\n",
    )
    assert memory_limits(root) == [MemoryLimit(200 * MIB, 150 * MIB)]


@pytest.mark.parametrize("membership", ["", "nonsense", "0::", "x:y\n::\n"])
def test_nonsense_is_no_limit(tmp_path: Path, membership: str) -> None:
    assert memory_limits(tree(tmp_path, proc__self__cgroup=membership)) == []


def test_a_limit_above_the_machine_changes_nothing(tmp_path: Path) -> None:
    plain = memory(tmp_path)[0]
    root = tree(tmp_path, proc__self__cgroup="0::/\n", sys__fs__cgroup__memory_D_max=str(2**60))
    assert memory(root)[0] == plain
