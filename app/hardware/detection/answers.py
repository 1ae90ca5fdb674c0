"""Everything a machine is asked, as its interfaces answered; files are read below a root that tests lay out."""

from typing import Literal

from msgspec import field

from app.protocol import Device, Wire

Platform = Literal["linux", "darwin", "win32"]


class NvmlProcess(Wire, frozen=True):
    """A process that holds memory of a card; `used` is None where Windows manages it."""

    pid: int
    used: int | None = None


class NvmlSlice(Wire, frozen=True, kw_only=True):
    """One MIG instance: a part of a card that is used like a card of its own."""

    name: str
    memory_total: int
    memory_free: int | None = None
    multiprocessors: int | None = None


class NvmlCard(Wire, frozen=True, kw_only=True):
    """A card as NVML reports it; None is "not supported". Clocks in MHz, memory in bytes, bus width in bits."""

    name: str
    pci_id: str = ""
    memory_total: int | None = None
    memory_free: int | None = None
    memory_used: int | None = None
    """Without what the driver keeps for itself."""
    bus_width: int | None = None
    memory_clock: int | None = None
    cores: int | None = None
    clock: int | None = None
    capability: str = ""
    multiprocessors: int | None = None
    slices: tuple[NvmlSlice, ...] = ()
    processes: tuple[NvmlProcess, ...] | None = None


class NvmlAnswers(Wire, frozen=True, kw_only=True):
    """What NVML told, or why it did not."""

    driver: str = ""
    cuda: int | None = None
    """The newest CUDA the driver speaks, 12040 for 12.4."""
    cards: tuple[NvmlCard, ...] = ()
    fault: str = ""
    """What NVML said instead; empty where it is not installed."""


class DxgiAdapter(Wire, frozen=True, kw_only=True):
    """A graphics adapter of Windows; sizes in bytes."""

    name: str
    vendor_id: int = 0
    dedicated: int = 0
    """Memory of its own, or set aside for it."""
    shared: int = 0
    """How much of the machine's it may borrow."""
    software: bool = False
    budget: int | None = None
    """How much of its own this process may use, other programs considered."""
    usage: int | None = None
    shared_budget: int | None = None
    shared_usage: int | None = None


class DriverAnswers(Wire, frozen=True, kw_only=True):
    """What the drivers of the graphics cards told: asked in a process of its own, since they can hang."""

    nvml: NvmlAnswers | None = None
    dxgi: tuple[DxgiAdapter, ...] = ()


class BackendFault(Wire, frozen=True):
    """Why a backend that is built into the engine has no devices."""

    backend: str
    reason: str = ""
    silent: bool = False
    """It did not answer in time."""


class EngineBuild(Wire, frozen=True, kw_only=True):
    """What the engine was built for, and what became of it here."""

    backends: tuple[str, ...] = ()
    """Those for GPUs: "CUDA", "Vulkan" …"""
    faults: tuple[BackendFault, ...] = ()
    cuda: int | None = None
    """The version of CUDA it was built for, 12040 for 12.4."""
    cuda_archs: tuple[str, ...] = ()
    """The compute capabilities it was compiled for: "8.9"."""


class DiskAnswer(Wire, frozen=True, kw_only=True):
    """The disk of the model folder."""

    total: int | None = None
    free: int | None = None
    kind: Literal["ssd", "hdd", "network", "memory", "unknown"] = "unknown"
    """As Windows and macOS tell; Linux says it in files."""


class Answers(Wire, frozen=True, kw_only=True):
    """What one machine answered, besides its files."""

    platform: Platform
    architecture: str = "x86_64"
    os_name: str = ""
    """The system's name where no file tells."""
    processor: str = ""
    """The processor's name where no file tells."""
    physical_cores: int | None = None
    performance_cores: int | None = None
    logical_cores: int | None = None
    cache_l3: int | None = None
    features: tuple[str, ...] = ()
    memory_total: int | None = None
    memory_available: int | None = None
    """Of Windows and macOS; less where the commit limit is nearer than the end of the memory."""
    environ: dict[str, str] = field(default_factory=dict)
    sysctl: dict[str, str] = field(default_factory=dict)
    gpu_cores: int | None = None
    """Of Apple's chips."""
    smbios: bytes = b""
    """The firmware's tables, where they may be read."""
    ram_bandwidth: float | None = None
    """As measured."""
    disk: DiskAnswer = DiskAnswer()
    engine: tuple[Device, ...] = ()
    """The devices the engine can use."""
    drivers: DriverAnswers = DriverAnswers()
    own_pids: tuple[int, ...] = ()
    """Alcove's own processes: what they hold is not others'."""
