"""The machine and its devices as pairs and lines of words; what is not known is said to be unknown."""

from collections.abc import Iterator

from PySide6.QtCore import QCoreApplication

from app.format import bandwidth, memory_size
from app.protocol import Device, Disk, Machine
from app.ui.translate import language
from app.words import text


def machine_facts(machine: Machine) -> list[tuple[str, str]]:
    """(name, value) of everything but the memories, which have bars."""
    unknown = QCoreApplication.translate("Machine", "unknown")
    pairs = [
        (QCoreApplication.translate("Machine", "Operating system"), machine.os),
        (QCoreApplication.translate("Machine", "Processor"), machine.cpu_name or unknown),
        (QCoreApplication.translate("Machine", "Cores"), _cores(machine) or unknown),
        (QCoreApplication.translate("Machine", "Vector extensions"), " ".join(machine.cpu_features) or unknown),
        (QCoreApplication.translate("Machine", "Largest cache"), _size(machine.cache_l3)),
        (QCoreApplication.translate("Machine", "Memory speed"), _memory_speed(machine)),
        *((QCoreApplication.translate("Machine", "Disk"), _disk(disk)) for disk in machine.disks),
    ]
    if not machine.disks:
        pairs.append((QCoreApplication.translate("Machine", "Disk of the model folder"), _free(machine.disk_free)))
    if machine.container:
        pairs.append((QCoreApplication.translate("Machine", "Container"), machine.container))
    if not machine.devices:
        pairs.append(
            (
                QCoreApplication.translate("Machine", "Graphics card"),
                QCoreApplication.translate("Machine", "none the engine can use"),
            )
        )
    return pairs


def device_facts(device: Device) -> str:
    """Everything known of a device but its memory, in one line."""
    return "  ·  ".join(_device(device))


def _device(device: Device) -> Iterator[str]:
    if device.usable:
        yield device.backend
    else:
        yield QCoreApplication.translate("Machine", "not used by the engine")
    if device.kind != "unknown":
        yield text("cli", f"gpu_{device.kind}", {}, language())
    unknown_speed = QCoreApplication.translate("Machine", "memory speed unknown")
    yield bandwidth(device.bandwidth) if device.bandwidth is not None else unknown_speed
    if device.compute is not None:
        yield f"{device.compute / 1e12:.1f} TFLOPS FP16"
    if device.memory_shared:
        yield text("cli", "gpu_shared", {"size": memory_size(device.memory_shared)}, language())
    yield from filter(None, (device.architecture, device.pci_id))
    driver = text("cli", "gpu_driver", {"driver": device.driver}, language())
    yield driver if device.driver else QCoreApplication.translate("Machine", "driver unknown")


def _cores(machine: Machine) -> str:
    if not machine.physical_cores or not machine.logical_cores:
        return str(machine.logical_cores or machine.physical_cores or "")
    words = QCoreApplication.translate("Machine", "{physical} cores, {logical} threads")
    said = words.format(physical=machine.physical_cores, logical=machine.logical_cores)
    fast = machine.performance_cores
    if fast is None or fast == machine.physical_cores:
        return said
    return said + text("cli", "fast_cores", {"count": fast}, language())


def _memory_speed(machine: Machine) -> str:
    if machine.ram_bandwidth is None:
        return QCoreApplication.translate("Machine", "unknown")
    said = bandwidth(machine.ram_bandwidth)
    if machine.ram_channels is None:
        return said
    words = QCoreApplication.translate("Machine", "{speed} at most, channels in use: {count}")
    return words.format(speed=said, count=machine.ram_channels)


def _disk(disk: Disk) -> str:
    kind = "" if disk.kind == "unknown" else text("cli", f"disk_{disk.kind}", {}, language())
    free = _free(disk.free)
    if disk.free is not None and disk.total is not None:
        words = QCoreApplication.translate("Machine", "{free} of {total} free")
        free = words.format(free=memory_size(disk.free), total=memory_size(disk.total))
    return "  ·  ".join(part for part in (free, kind, disk.path) if part)


def _size(size: int | None) -> str:
    return QCoreApplication.translate("Machine", "unknown") if size is None else memory_size(size)


def _free(size: int | None) -> str:
    if size is None:
        return QCoreApplication.translate("Machine", "unknown")
    return QCoreApplication.translate("Machine", "{free} free").format(free=memory_size(size))
