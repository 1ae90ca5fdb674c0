"""The shape of a model from its header: where its bytes lie, and what each layer keeps of a token."""

import pytest

from app.hardware.caches import kept_by_layers
from app.hardware.geometry import Geometry, geometry_of
from app.hardware.gguf import Header, Tensor, parse_header
from app.hardware.gguf_source import PrefixSource
from tests.hardware.architectures import MODELS, Q4_K, Q8_0, header_of
from tests.hardware.gguf_files import Gguf


def shape(name: str) -> Geometry:
    return geometry_of(header_from(header_of(name)))


def header_from(model: Gguf) -> Header:
    raw = model.header()
    return parse_header(PrefixSource(raw, len(raw) + model.data_size()))


def bare(architecture: str, tensors: tuple[Tensor, ...] = (), /, **own: object) -> Header:
    """A header with these values under the architecture's prefix; `__` stands for a dot."""
    fields = {f"{architecture}.{key.replace('__', '.')}": value for key, value in own.items()}
    metadata = {"general.architecture": architecture} | fields
    return Header(3, 0, 0, metadata, tensors, None)  # type: ignore[arg-type]


USUAL = {"block_count": 8, "embedding_length": 64, "attention__head_count": 4, "attention__head_count_kv": 2}


def windows(architecture: str, /, **own: object) -> list[int | None]:
    return [kept.window for kept in kept_by_layers(bare(architecture, **(USUAL | own)))]


def test_every_tensor_lies_somewhere() -> None:
    for name in MODELS:
        geometry = shape(name)
        header = header_from(header_of(name))
        assert geometry.weights == header.weights_size, name
        assert geometry.parameters == header.parameters
        assert len(geometry.layers) == header.block_count


def test_experts_are_apart_from_the_rest() -> None:
    geometry = shape("qwen3moe")
    expected = 3 * 2048 * 768 * 128 * 144 // 256
    assert {layer.experts.size for layer in geometry.layers} == {expected}
    assert all(0 < layer.dense.size < expected // 10 for layer in geometry.layers)
    assert (geometry.expert_count, geometry.experts_used, geometry.expert_share) == (128, 8, 1 / 16)
    assert 2.8e9 < geometry.active_parameters < 3.6e9 < 30e9 < geometry.parameters < 31e9


def test_shared_experts_are_read_by_every_token() -> None:
    layer = shape("deepseek2").layers[1]
    shared = 3 * 2048 * 2816 * 144 // 256
    assert shared < layer.dense.size < 2 * shared
    assert shape("deepseek2").graph.shared_experts


def test_tied_embeddings_are_the_output_too() -> None:
    geometry = shape("gemma3")
    assert geometry.tied
    assert geometry.output.size > geometry.embedding.size > 0
    apart = shape("llama")
    assert not apart.tied
    assert apart.output.size != apart.embedding.size


@pytest.mark.parametrize(
    ("name", "widths"),
    [
        ("llama", {(1024, 1024, None): 32}),
        ("qwen3", {(1024, 1024, None): 36}),
        ("gpt-oss", {(512, 512, None): 12, (512, 512, 128): 12}),
        ("gemma2", {(1024, 1024, None): 13, (1024, 1024, 4096): 13}),
        ("gemma3", {(2048, 2048, None): 8, (2048, 2048, 1024): 40}),
        ("gemma4", {(1024, 1024, None): 4, (512, 512, 512): 20, (0, 0, None): 18}),
        ("deepseek2", {(576, 0, None): 27}),
        ("phi3", {(1280, 1280, None): 40}),
        ("lfm2", {(512, 512, None): 6, (0, 0, None): 10}),
        ("qwen35moe", {(512, 512, None): 10, (0, 0, None): 30}),
        ("falcon-h1", {(256, 256, None): 32}),
        ("mamba2", {(0, 0, None): 24}),
    ],
)
def test_what_a_token_keeps_in_each_layer(name: str, widths: dict[tuple[int, int, int | None], int]) -> None:
    found: dict[tuple[int, int, int | None], int] = {}
    for layer in shape(name).layers:
        found[layer.cache_kind] = found.get(layer.cache_kind, 0) + 1
    assert found == widths


def test_a_pattern_per_layer_goes_before_the_architectures_own() -> None:
    usual = windows("gemma3", attention__sliding_window=512)
    assert usual == [512, 512, 512, 512, 512, None, 512, 512]
    listed = windows("gemma3", attention__sliding_window=512, attention__sliding_window_pattern=(True, False) * 4)
    assert listed == [512, None] * 4
    numbers = windows("gemma3", attention__sliding_window=512, attention__sliding_window_pattern=(0, 1) * 4)
    assert numbers == [None, 512] * 4
    every = windows("gemma3", attention__sliding_window=512, attention__sliding_window_pattern=2)
    assert every == [512, None] * 4


def test_windows_llama_cpp_does_not_heed() -> None:
    assert windows("phi3", attention__sliding_window=2048) == [None] * 8
    assert windows("llama", attention__sliding_window=4096) == [None] * 8
    assert windows("exaone4", attention__sliding_window=4096) == [None] * 8


def test_windows_that_are_the_architectures_own() -> None:
    assert windows("gemma2") == [4096, None] * 4
    assert windows("llama4") == [8192, 8192, 8192, None] * 2
    assert windows("llama4", attention__sliding_window=0) == [None] * 8
    assert windows("smallthinker", attention__sliding_window=100) == [None, 4096, 4096, 4096] * 2
    assert windows("cohere2moe", attention__sliding_window=100) == [None, 100, 100, 100] * 2
    assert windows("no-such", attention__sliding_window=100) == [None] * 8
    assert windows("no-such", attention__sliding_window=9, attention__sliding_window_pattern=(True,) * 8) == [9] * 8


def test_layers_that_share_a_cache_keep_none() -> None:
    kept = kept_by_layers(bare("gemma4", **USUAL, attention__shared_kv_layers=3))
    assert [bool(one.key_width) for one in kept] == [True] * 5 + [False] * 3
    kept = kept_by_layers(bare("gemma3n", **(USUAL | {"block_count": 30}), attention__sliding_window=512))
    assert sum(bool(one.key_width) for one in kept) == 20


def test_heads_may_differ_by_layer() -> None:
    kept = kept_by_layers(bare("deci", **(USUAL | {"attention__head_count_kv": (4, 0, 2, 2, 4, 0, 1, 1)})))
    assert [one.key_width for one in kept] == [64, 0, 32, 32, 64, 0, 16, 16]


def test_which_layers_of_a_hybrid_scan() -> None:
    scan = {"ssm__conv_kernel": 4, "ssm__inner_size": 128, "ssm__state_size": 16, "ssm__group_count": 2}
    by_interval = kept_by_layers(bare("qwen3next", **USUAL, **scan))
    assert [bool(one.state) for one in by_interval] == [True, True, True, False] * 2
    by_list = kept_by_layers(bare("qwen35", **USUAL, **scan, attention__recurrent_layers=(True, False) * 4))
    assert [bool(one.state) for one in by_list] == [True, False] * 4
    heads = {"attention__head_count_kv": (0, 0, 2, 0, 0, 2, 0, 0)}
    by_heads = kept_by_layers(bare("granitehybrid", **(USUAL | heads), **scan))
    assert [bool(one.state) for one in by_heads] == [not one.key_width for one in by_heads]
    assert by_heads[0].state == (3 * (128 + 2 * 2 * 16) + 16 * 128) * 4


def test_states_of_other_kinds() -> None:
    usual = {"block_count": 2, "embedding_length": 64}
    assert kept_by_layers(bare("rwkv7", **usual, wkv__head_size=16))[0].state == (2 * 64 + 64 * 16) * 4
    assert kept_by_layers(bare("arwkv7", **usual, wkv__head_size=16, token_shift_count=1))[0].state == 64 * 17 * 4
    short = kept_by_layers(bare("lfm2", **usual, attention__head_count=2, attention__head_count_kv=(0, 2),
                                shortconv__l_cache=3))  # fmt: skip
    assert [one.state for one in short] == [2 * 64 * 4, 0]
    delta = kept_by_layers(bare("kimi-linear", **usual, attention__head_count=2, attention__head_count_kv=(0, 2),
                                ssm__conv_kernel=4, kda__head_dim=8))  # fmt: skip
    assert delta[0].state == (3 * 3 * 2 * 8 + 8 * 8 * 2) * 4


def test_heads_that_predict_further_tokens_are_not_loaded() -> None:
    tensors = tuple(Tensor(f"blk.{layer}.attn_q.weight", (256, 8), Q4_K, 0) for layer in range(3))
    geometry = geometry_of(bare("glm4moe", tensors, **(USUAL | {"block_count": 3}), nextn_predict_layers=1))
    assert [bool(layer.dense.size) for layer in geometry.layers] == [True, True, False]
    assert geometry.layers[2].key_width == 0
    assert geometry.skipped == geometry.layers[0].dense.size
    assert geometry.parameters == 3 * 256 * 8


def test_readers_of_whole_texts_keep_nothing() -> None:
    assert {one.key_width for one in kept_by_layers(bare("bert", **USUAL))} == {0}


def test_rounds_over_the_same_layers_count_each_time() -> None:
    kept = kept_by_layers(bare("nanbeige", **USUAL, num_loops=2))
    assert len(kept) == 16
    assert {one.key_width for one in kept} == {32}


def test_which_weights_a_processor_may_repack() -> None:
    def repackable(name: str, dimensions: tuple[int, ...], kind: int = Q4_K) -> bool:
        tensor = Tensor(name, dimensions, kind, 0)
        header = bare("llama", (tensor,), **USUAL)
        layer = geometry_of(header).layers[0]
        return bool(layer.dense.repackable or layer.experts.repackable or geometry_of(header).output.repackable)

    assert repackable("blk.0.ffn_up.weight", (256, 64))
    assert repackable("output.weight", (256, 64))
    assert repackable("blk.0.ffn_up_exps.weight", (256, 64, 4))
    assert not repackable("blk.0.ffn_up.weight", (256, 63))
    assert not repackable("blk.0.attn_k_b.weight", (256, 64, 4))
    assert not repackable("blk.0.ffn_up.weight", (256, 64), 0)


def test_rows_that_cuda_lengthens() -> None:
    tensor = Tensor("blk.0.ffn_down.weight", (2880, 10), Q8_0, 0)
    geometry = geometry_of(bare("llama", (tensor,), **USUAL))
    assert geometry.layers[0].dense.cuda_padding == (3072 - 2880) // 32 * 34
