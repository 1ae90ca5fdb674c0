"""Where the parts of a model lie: which layers and experts on which device, and how its caches are kept."""

from dataclasses import dataclass
from functools import cached_property

from app.protocol import CPU, KvType


@dataclass(frozen=True)
class Placement:
    """One way to load a model. `devices` are ggml's names; layers beyond them stay beside the processor.

    llama.cpp fills layers from the last to the first: the last `sum(device_layers)` of `blocks + 1` (the output is the
    very last) are offloaded, the earliest of them to the first device.
    """

    context_length: int
    blocks: int
    device_layers: tuple[tuple[str, int], ...] = ()
    """(device, layers on it), the output counted as one."""
    cpu_experts: int = 0
    """The experts of this many first layers stay beside the processor."""
    kv_type_k: KvType = KvType.F16
    kv_type_v: KvType = KvType.F16
    flash_attention: bool = True
    batch: int = 2048
    micro_batch: int = 512
    outputs: int = 0
    """Tokens of one step whose logits are wanted (`n_outputs_max`); 0: as many as the engine takes for its slots."""
    slots: int = 1
    """Sequences that share the cache (unified)."""
    swa_full: bool = False
    kv_offload: bool = True
    mmap: bool = True

    @cached_property
    def gpu_layers(self) -> int:
        return sum(count for _, count in self.device_layers)

    def devices(self) -> list[str]:
        """The device of each block and, last, of the output."""
        counts = [(CPU, max(self.blocks + 1 - self.gpu_layers, 0)), *self.device_layers]
        places = [device for device, count in counts for _ in range(count)]
        return places[: self.blocks + 1]

    def device_of(self, layer: int) -> str:
        """The device of a block (0 …) or of the output (`blocks`)."""
        first = self.blocks + 1 - self.gpu_layers
        if layer < first:
            return CPU
        for device, count in self.device_layers:
            if layer < first + count:
                return device
            first += count
        return CPU
