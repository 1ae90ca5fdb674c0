"""The machine with the memory of this moment."""

from msgspec.structs import replace

from app.protocol import DeviceSample, MemorySample
from app.server.shelf import with_sample
from tests.hardware.shapes import GIB, card, computer


def test_what_is_free_now_takes_the_place_of_what_was_free() -> None:
    machine = computer(card(8 * GIB), card(6 * GIB, number=1), ram=32 * GIB)
    now = MemorySample(
        ram_total=32 * GIB,
        ram_available=7 * GIB,
        devices=(
            DeviceSample(name="Card 0", engine_name="CUDA0", free=2 * GIB),
            DeviceSample(name="Card 1", engine_name="CUDA1", free=None),
        ),
    )
    after = with_sample(machine, now)
    assert (after.ram_available, after.ram_total) == (7 * GIB, 32 * GIB)
    assert [device.memory_free for device in after.devices] == [2 * GIB, 6 * GIB]
    assert replace(after, devices=machine.devices, ram_available=machine.ram_available) == machine
