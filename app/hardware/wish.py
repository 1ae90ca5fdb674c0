"""What somebody wants of a model before it is planned: what was named is kept to, the rest is chosen."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from app.hardware.defaults import BATCH, DEFAULT_CONTEXT, MICRO_BATCH, default_slots, outputs_of
from app.hardware.geometry import Geometry
from app.hardware.placement import Placement
from app.protocol import KvType, LoadParams

LEAST_CONTEXT = 4096
"""Where nobody asked, a context may be shortened to this (as llama.cpp's own --fit-ctx), and it is said."""
DEPTH = 4096
"""Tokens in the context at which speeds are compared, where it is that long."""

_SMALLER_BATCHES = (MICRO_BATCH, 256, 128)
_CELL_STEP = 256
_PLACES = ("gpu_layers", "cpu_experts", "devices", "split_mode", "main_gpu", "tensor_split", "tensor_overrides")


NOTHING_NAMED = LoadParams()


class Setting(NamedTuple):
    """How caches and scratch memory are kept, wherever the layers lie."""

    context: int
    kv: tuple[KvType, KvType]
    micro_batch: int


@dataclass(frozen=True)
class Wish:
    """`context` None: the engine's default. `least_context` None: what was named, else 4,096."""

    context: int | None = None
    least_context: int | None = None
    kv: KvType | None = None
    """None: 16 bits, or 8 where those do not fit. Fewer only where they were named."""
    depth: int | None = None
    """Tokens in the context at which speed counts; None: 4,096, or half the context where that is less."""
    params: LoadParams = NOTHING_NAMED
    """Further parameters that were named."""

    @classmethod
    def of(cls, params: LoadParams) -> "Wish":
        """What loading with these parameters wishes for."""
        return cls(context=params.context_length, params=params)

    def target(self, geometry: Geometry) -> int:
        """Tokens of context that are wanted, no more than the model was trained for unless its reach is stretched."""
        named = self.context or self.params.context_length
        wanted = named or max(DEFAULT_CONTEXT, self.least_context or 0)
        stretched = self.params.rope_scaling is not None
        return wanted if stretched else min(wanted, geometry.trained_context or wanted)

    def least(self, geometry: Geometry) -> int:
        """The shortest context that is acceptable."""
        named = self.least_context or self.context or self.params.context_length
        return min(named or LEAST_CONTEXT, self.target(geometry))

    def expected_depth(self, context: int) -> int:
        return self.depth or min(DEPTH, context // 2)

    def slots(self, geometry: Geometry) -> int:
        return self.params.slots or default_slots(geometry.weights)

    @property
    def names_places(self) -> bool:
        """Whether somebody said where layers or tensors go: nothing is left to plan then."""
        return any(getattr(self.params, name) != getattr(NOTHING_NAMED, name) for name in _PLACES)

    def kinds(self, geometry: Geometry) -> tuple[tuple[KvType, KvType], ...]:
        """The types of cache that are acceptable for that model, best first: of keys and of values."""
        k, v = self.params.kv_type_k or self.kv, self.params.kv_type_v or self.kv
        if k is not None or v is not None:
            return ((k or KvType.F16, v or KvType.F16),)
        plain = (KvType.F16, KvType.F16)
        if self.params.flash_attention is False or not geometry.takes_quantized_cache:
            return (plain,)
        return plain, (KvType.Q8_0, KvType.Q8_0)

    def micro_batches(self) -> tuple[int, ...]:
        """Acceptable sizes, best first."""
        if self.params.micro_batch is not None:
            return (self.params.micro_batch,)
        batch = self.params.batch or BATCH
        return tuple(size for size in _SMALLER_BATCHES if size <= batch) or (batch,)

    def settings(self, context: int, geometry: Geometry) -> Iterator[Setting]:
        """In the order in which they are given up: a large micro-batch first, then a 16-bit cache."""
        for kv in self.kinds(geometry):
            for micro_batch in self.micro_batches():
                yield Setting(context, kv, micro_batch)

    def placement(
        self,
        geometry: Geometry,
        setting: Setting,
        device_layers: tuple[tuple[str, int], ...] = (),
        cpu_experts: int = 0,
    ) -> Placement:
        slots = self.slots(geometry)
        return Placement(
            context_length=setting.context,
            blocks=len(geometry.layers),
            device_layers=device_layers,
            cpu_experts=cpu_experts,
            kv_type_k=setting.kv[0],
            kv_type_v=setting.kv[1],
            flash_attention=self.params.flash_attention is not False,
            batch=self.params.batch or BATCH,
            micro_batch=setting.micro_batch,
            outputs=outputs_of(slots, self.params.batch or BATCH),
            slots=slots,
            swa_full=self.params.swa_full,
            kv_offload=self.params.kv_offload,
            mmap=self.params.mmap is not False,
        )


ANYTHING = Wish()


def shortened(context: int) -> int:
    """A context that cells of the cache can be had for without a rest."""
    return max(context // _CELL_STEP * _CELL_STEP, _CELL_STEP)
