"""The machine, and what was found wrong with it."""

from enum import StrEnum
from typing import Literal

from msgspec import field

from app.protocol.base import Value, Wire


class Device(Wire, frozen=True, kw_only=True):
    """A GPU as the engine, its driver and the system report it; unknown is None (or empty), never a default."""

    name: str
    kind: Literal["discrete", "integrated", "unified", "unknown"] = "unknown"
    """Unified: it has no memory of its own and computes in the machine's (Apple, GB10); integrated: a small part of
    the machine's memory is set aside for it, and it may borrow more."""
    backend: str = ""
    """ggml's backend that uses it: "CUDA", "ROCm", "Vulkan", "Metal", "SYCL"; empty where the engine cannot use it."""
    engine_name: str = ""
    """ggml's own name of it, such as "CUDA0", as `LoadParams.devices` takes it; empty where the engine cannot."""
    vendor: str = ""
    """"nvidia", "amd", "intel", "apple", "qualcomm"."""
    architecture: str = ""
    """What decides about kernels: CUDA compute capability "8.9", "gfx1100", "RDNA3", "Apple M2", "Xe2"."""
    memory_total: int | None = None
    memory_free: int | None = None
    """Now, for a new process."""
    memory_used_by_others: int | None = None
    """Taken by programs that are not Alcove."""
    memory_shared: int | None = None
    """Bytes of `memory_total` that are part of the machine's RAM (borrowed, GTT, unified): not counted twice."""
    bandwidth: float | None = None
    """Bytes per second that its memory can deliver at most (decimal, as makers state it)."""
    compute: float | None = None
    """FP16 operations per second outside of tensor units, as in Hugging Face's table and `bench_points.csv`."""
    pci_id: str = ""
    """"0000:01:00.0"."""
    driver: str = ""
    """Version of its driver."""
    sources: tuple[str, ...] = ()
    """Who told of it: "ggml", "nvml", "sysfs", "kfd", "dxgi", "metal", "vulkan", "table"."""

    @property
    def usable(self) -> bool:
        """Whether the engine can compute on it."""
        return bool(self.backend)


class Disk(Wire, frozen=True, kw_only=True):
    """The disk a folder lies on."""

    path: str
    total: int | None = None
    free: int | None = None
    kind: Literal["ssd", "hdd", "network", "memory", "unknown"] = "unknown"


class Machine(Wire, frozen=True, kw_only=True):
    """The machine as Alcove sees it; unknown is None, never a made-up default."""

    os: str
    cpu_name: str | None = None
    physical_cores: int | None = None
    performance_cores: int | None = None
    """Of the physical ones; as many as these where all are alike."""
    logical_cores: int | None = None
    cpu_features: tuple[str, ...] = ()
    """Vector extensions ggml uses: "avx2", "avx512f", "avx512_vnni", "amx_int8", "neon", "dotprod", "i8mm"."""
    cache_l3: int | None = None
    """Bytes of the largest last-level cache."""
    ram_total: int | None = None
    ram_available: int | None = None
    """What a process here may still take: the kernel's figure, lowered by container limits."""
    ram_bandwidth: float | None = None
    """Bytes per second, measured or told by the firmware."""
    ram_channels: int | None = None
    """Memory channels that have modules, where the firmware tells; its `ram_bandwidth` is then the makers' peak."""
    container: str = ""
    """"docker", "podman", "flatpak", "snap", "lxc", "wsl", "kubernetes", or "cgroup" where only limits show it."""
    disk_free: int | None = None
    """On the disk of the model folder."""
    disks: tuple[Disk, ...] = ()
    devices: tuple[Device, ...] = ()
    described: bool = False
    """Made from a person's words, not looked at."""

    @property
    def usable_devices(self) -> tuple[Device, ...]:
        """Those the engine computes on."""
        return tuple(device for device in self.devices if device.usable)


class CheckState(StrEnum):
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


class Check(Wire, frozen=True, kw_only=True):
    """One line of `alcove doctor`: `code` with `values` says what was found, and for warn and bad how to mend it."""

    code: str
    state: CheckState
    values: dict[str, Value] = field(default_factory=dict)
