from dataclasses import replace

import pytest

from app.hardware.traffic import crossings, weights_in, work_by_device
from app.protocol import CPU, KvType
from tests.hardware.speed_parts import GPU, Q4_K, Q8_0, model, placed, weights


def test_a_token_reads_all_weights_but_the_embeddings() -> None:
    geometry = model(layers=10, layer=1_000_000, output=500_000)
    work = work_by_device(geometry, placed(geometry))[CPU]
    assert sum(work.read.values()) == 10 * 1_000_000 + 500_000
    assert work.held == 10 * 1_000_000


def test_tied_embeddings_are_read_as_the_output() -> None:
    geometry = replace(model(layers=2, layer=1_000_000, output=500_000), tied=True, output=weights(0))
    assert sum(work_by_device(geometry, placed(geometry))[CPU].read.values()) == 2_500_000


def test_of_experts_only_those_used_are_read_but_all_are_held() -> None:
    geometry = model(layers=4, layer=1_000_000, output=0, experts=8_000_000)
    work = work_by_device(geometry, placed(geometry))[CPU]
    assert sum(work.read.values()) == 4 * (1_000_000 + 1_000_000)
    assert work.held == 4 * 9_000_000
    assert work.routed == pytest.approx(work.multiplied / 2)
    assert work.expert_layers == 4


def test_layers_are_offloaded_from_the_last_with_the_output_first() -> None:
    geometry = model(layers=4, layer=1_000_000, output=500_000)
    works = work_by_device(geometry, placed(geometry, 3))
    assert sum(works[GPU].read.values()) == 2 * 1_000_000 + 500_000
    assert works[CPU].layers == 2


def test_experts_of_the_first_layers_lie_beside_the_processor() -> None:
    geometry = model(layers=4, layer=1_000_000, output=0, experts=8_000_000)
    works = work_by_device(geometry, placed(geometry, 5, cpu_experts=3))
    assert works[CPU].held == 3 * 8_000_000
    assert works[CPU].layers == 0
    assert works[GPU].held == 4 * 1_000_000 + 8_000_000


@pytest.mark.parametrize(("kind", "number"), [(KvType.F16, 2.0), (KvType.Q8_0, 1.0625), (KvType.Q4_0, 0.5625)])
def test_the_cache_is_read_as_far_as_each_layer_looks_back(kind: KvType, number: float) -> None:
    geometry = model(layers=2, window=512)
    geometry = replace(geometry, layers=(geometry.layers[0], replace(geometry.layers[1], window=None)))
    work = work_by_device(geometry, placed(geometry, kv_type_k=kind, kv_type_v=kind))[CPU]
    assert work.cache_read(100) == 2 * 100 * 2048 * number
    assert work.cache_read(4000) == (512 + 4000) * 2048 * number
    assert work.seen(4000) == 4512


def test_a_cache_kept_beside_the_processor_is_read_there() -> None:
    geometry = model(layers=4)
    works = work_by_device(geometry, placed(geometry, 5, kv_offload=False))
    assert works[CPU].cache_read(10) > 0
    assert works[GPU].cache_read(10) == 0


def test_recurrent_states_are_read_and_written() -> None:
    geometry = model(layers=2)
    layer = replace(geometry.layers[0], key_width=0, value_width=0, state=1000)
    work = work_by_device(replace(geometry, layers=(layer, layer)), placed(geometry))[CPU]
    assert (work.state, work.cache_read(5000)) == (4000, 0)


def test_weights_are_counted_by_their_type() -> None:
    assert weights_in([(Q4_K, 144), (Q8_0, 34)]) == 256 + 32
    assert weights_in([(-1, 600)]) == pytest.approx(1000)


def test_numbers_cross_between_devices_where_they_must() -> None:
    geometry = model(layers=4)
    assert crossings(placed(geometry)) == 0
    assert crossings(placed(geometry, 5)) == 0
    assert crossings(placed(geometry, 2)) == 1
    assert crossings(placed(geometry, 5, cpu_experts=2)) == 4
