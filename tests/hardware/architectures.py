"""Headers of real models of many architectures, tensor by tensor, as llama.cpp loads them; the data are holes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.hardware.gguf_files import Gguf, Value

Tensors = Iterator[tuple[str, tuple[int, tuple[int, ...]]]]

F32, Q8_0, Q4_K, Q6_K, MXFP4 = 0, 8, 12, 14, 39
EPSILON = "attention.layer_norm_rms_epsilon"


@dataclass(frozen=True)
class Shape:
    """The figures of a model."""

    architecture: str
    layers: int
    width: int
    vocabulary: int
    heads: int = 0
    kv_heads: int = 0
    head: int = 0
    feed_forward: int = 0
    experts: int = 0
    experts_used: int = 0
    expert_feed_forward: int = 0
    shared_feed_forward: int = 0
    context: int = 131_072
    tied: bool = False
    kind: int = Q4_K
    own: Mapping[str, Value] = field(default_factory=dict)
    """Fields under the architecture's prefix."""


def metadata(shape: Shape, **changes: Value) -> dict[str, Value]:
    """The fields of a header without a vocabulary."""
    name = shape.architecture
    fields: dict[str, Value] = {
        "general.architecture": name,
        "general.name": f"Hollow {name}",
        "general.file_type": 15,
        "tokenizer.ggml.model": "no_vocab",
        f"{name}.vocab_size": shape.vocabulary,
        f"{name}.context_length": shape.context,
        f"{name}.block_count": shape.layers,
        f"{name}.embedding_length": shape.width,
        f"{name}.feed_forward_length": shape.feed_forward,
        f"{name}.attention.head_count": shape.heads,
        f"{name}.attention.head_count_kv": shape.kv_heads,
        f"{name}.{EPSILON}": 1e-6,
    }
    if shape.head:
        fields |= {f"{name}.attention.{one}_length": shape.head for one in ("key", "value")}
        fields[f"{name}.rope.dimension_count"] = shape.head
    if shape.experts:
        fields |= {f"{name}.expert_count": shape.experts, f"{name}.expert_used_count": shape.experts_used}
        fields[f"{name}.expert_feed_forward_length"] = shape.expert_feed_forward
    if shape.shared_feed_forward:
        fields[f"{name}.expert_shared_feed_forward_length"] = shape.shared_feed_forward
    fields |= {f"{name}.{key}": value for key, value in shape.own.items()}
    return fields | {f"{name}.{key.replace('__', '.')}": value for key, value in changes.items()}


def frame(shape: Shape, layers: Tensors, norm: str = "output_norm") -> dict[str, tuple[int, tuple[int, ...]]]:
    """Embeddings, the output and what lies between."""
    table = Q8_0 if shape.width % 256 else Q6_K if shape.tied else shape.kind
    tensors: dict[str, tuple[int, tuple[int, ...]]] = {
        "token_embd.weight": (table, (shape.width, shape.vocabulary)),
        f"{norm}.weight": (F32, (shape.width,)),
    }
    if not shape.tied:
        tensors["output.weight"] = (Q6_K if shape.width % 256 == 0 else Q8_0, (shape.width, shape.vocabulary))
    return tensors | dict(layers)


def matrix(name: str, kind: int, *dimensions: int) -> tuple[str, tuple[int, tuple[int, ...]]]:
    """A tensor of that type, or Q8_0 where its rows are no multiple of 256."""
    fits = dimensions[0] % 256 == 0 or kind in (F32, MXFP4)
    return f"{name}.weight", (kind if fits else Q8_0 if dimensions[0] % 32 == 0 else F32, dimensions)


def norms(layer: int, width: int, *names: str) -> Tensors:
    for name in names:
        yield f"blk.{layer}.{name}.weight", (F32, (width,))


def attention(shape: Shape, layer: int, head: int = 0, kv_heads: int = -1) -> Tensors:
    head, at = head or shape.head or shape.width // shape.heads, f"blk.{layer}"
    kv_heads = shape.kv_heads if kv_heads < 0 else kv_heads
    yield matrix(f"{at}.attn_q", shape.kind, shape.width, shape.heads * head)
    yield matrix(f"{at}.attn_k", shape.kind, shape.width, kv_heads * head)
    yield matrix(f"{at}.attn_v", shape.kind, shape.width, kv_heads * head)
    yield matrix(f"{at}.attn_output", shape.kind, shape.heads * head, shape.width)


def dense(shape: Shape, layer: int, width: int = 0, suffix: str = "") -> Tensors:
    inner, at = width or shape.feed_forward, f"blk.{layer}"
    yield matrix(f"{at}.ffn_gate{suffix}", shape.kind, shape.width, inner)
    yield matrix(f"{at}.ffn_up{suffix}", shape.kind, shape.width, inner)
    yield matrix(f"{at}.ffn_down{suffix}", shape.kind, inner, shape.width)


def experts(shape: Shape, layer: int, kind: int = 0) -> Tensors:
    inner, at, kind = shape.expert_feed_forward, f"blk.{layer}", kind or shape.kind
    yield f"{at}.ffn_gate_inp.weight", (F32, (shape.width, shape.experts))
    yield matrix(f"{at}.ffn_gate_exps", kind, shape.width, inner, shape.experts)
    yield matrix(f"{at}.ffn_up_exps", kind, shape.width, inner, shape.experts)
    yield matrix(f"{at}.ffn_down_exps", kind, inner, shape.width, shape.experts)


# ---------------------------------------------------------------- one function per architecture


def llama(shape: Shape) -> Gguf:
    """llama, qwen2 (with biases), qwen3 and qwen3moe (with norms of heads)."""

    def layers() -> Tensors:
        for layer in range(shape.layers):
            yield from norms(layer, shape.width, "attn_norm", "ffn_norm")
            yield from attention(shape, layer)
            yield from experts(shape, layer) if shape.experts else dense(shape, layer)
            if shape.architecture == "qwen2":
                kv_width = shape.kv_heads * shape.width // shape.heads
                for name, width in (("q", shape.width), ("k", kv_width), ("v", kv_width)):
                    yield f"blk.{layer}.attn_{name}.bias", (F32, (width,))
            if shape.architecture.startswith("qwen3"):
                yield from norms(layer, shape.head, "attn_q_norm", "attn_k_norm")

    return Gguf(metadata(shape), frame(shape, layers()))


def gemma(shape: Shape) -> Gguf:
    """gemma2 and gemma3."""

    def layers() -> Tensors:
        for layer in range(shape.layers):
            yield from norms(layer, shape.width, "attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
            yield from attention(shape, layer)
            yield from dense(shape, layer)
            if shape.architecture == "gemma3":
                yield from norms(layer, shape.head, "attn_q_norm", "attn_k_norm")

    return Gguf(metadata(shape), frame(shape, layers()))


def gemma4(shape: Shape) -> Gguf:
    """Windows of five in six layers, wider heads in the sixth, caches shared by the last layers."""
    every, wide, shared = 6, 512, 18
    pattern = [(layer + 1) % every != 0 for layer in range(shape.layers)]
    fields = metadata(
        shape,
        attention__sliding_window=512,
        attention__sliding_window_pattern=pattern,
        attention__shared_kv_layers=shared,
        attention__key_length=wide,
        attention__value_length=wide,
        attention__key_length_swa=shape.head,
        attention__value_length_swa=shape.head,
        rope__dimension_count=wide,
        rope__dimension_count_swa=shape.head,
        embedding_length_per_layer_input=256,
    )

    def layers() -> Tensors:
        yield "per_layer_token_embd.weight", (Q8_0, (256 * shape.layers, shape.vocabulary))
        yield "per_layer_model_proj.weight", (Q8_0, (shape.width, 256 * shape.layers))
        yield "per_layer_proj_norm.weight", (F32, (256,))
        for layer in range(shape.layers):
            head = shape.head if pattern[layer] else wide
            names = ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm", "post_norm")
            yield from norms(layer, shape.width, *names)
            yield from norms(layer, head, "attn_q_norm", "attn_k_norm")
            yield from attention(shape, layer, head)
            yield from dense(shape, layer)
            yield matrix(f"blk.{layer}.inp_gate", Q8_0, shape.width, 256)
            yield matrix(f"blk.{layer}.proj", Q8_0, 256, shape.width)
        yield "rope_freqs.weight", (F32, (wide // 2,))

    return Gguf(fields, frame(shape, layers()))


def phi3(shape: Shape) -> Gguf:
    def layers() -> Tensors:
        head = shape.width // shape.heads
        for layer in range(shape.layers):
            yield from norms(layer, shape.width, "attn_norm", "ffn_norm")
            joined = shape.width + 2 * shape.kv_heads * head
            yield matrix(f"blk.{layer}.attn_qkv", shape.kind, shape.width, joined)
            yield matrix(f"blk.{layer}.attn_output", shape.kind, shape.width, shape.width)
            yield matrix(f"blk.{layer}.ffn_up", shape.kind, shape.width, 2 * shape.feed_forward)
            yield matrix(f"blk.{layer}.ffn_down", shape.kind, shape.feed_forward, shape.width)

    return Gguf(metadata(shape), frame(shape, layers()))


def gpt_oss(shape: Shape) -> Gguf:
    def layers() -> Tensors:
        for layer in range(shape.layers):
            at = f"blk.{layer}"
            yield from norms(layer, shape.width, "attn_norm", "post_attention_norm")
            yield from attention(shape, layer)
            yield from experts(shape, layer, MXFP4)
            yield f"{at}.attn_sinks.weight", (F32, (shape.heads,))
            for name, width in (
                ("attn_q", shape.heads * shape.head),
                ("attn_k", shape.kv_heads * shape.head),
                ("attn_v", shape.kv_heads * shape.head),
                ("attn_output", shape.width),
                ("ffn_gate_inp", shape.experts),
            ):
                yield f"{at}.{name}.bias", (F32, (width,))
            for name, width in (("gate", shape.expert_feed_forward), ("up", shape.expert_feed_forward)):
                yield f"{at}.ffn_{name}_exps.bias", (F32, (width, shape.experts))
            yield f"{at}.ffn_down_exps.bias", (F32, (shape.width, shape.experts))

    return Gguf(metadata(shape), frame(shape, layers()))


def deepseek2(shape: Shape) -> Gguf:
    """Multi-head latent attention: keys of 576 numbers for all heads together."""
    rank, rope, key, value = 512, 64, 192, 128
    fields = metadata(
        shape,
        attention__key_length=rank + rope,
        attention__value_length=rank,
        attention__key_length_mla=key,
        attention__value_length_mla=value,
        attention__kv_lora_rank=rank,
        rope__dimension_count=rope,
        leading_dense_block_count=1,
        expert_shared_count=2,
        expert_weights_scale=1.0,
    )

    def layers() -> Tensors:
        for layer in range(shape.layers):
            at = f"blk.{layer}"
            yield from norms(layer, shape.width, "attn_norm", "ffn_norm")
            yield from norms(layer, rank, "attn_kv_a_norm")
            yield matrix(f"{at}.attn_q", shape.kind, shape.width, shape.heads * key)
            yield matrix(f"{at}.attn_kv_a_mqa", shape.kind, shape.width, rank + rope)
            yield matrix(f"{at}.attn_k_b", shape.kind, key - rope, rank, shape.heads)
            yield matrix(f"{at}.attn_v_b", shape.kind, rank, value, shape.heads)
            yield matrix(f"{at}.attn_output", shape.kind, shape.heads * value, shape.width)
            if layer == 0:
                yield from dense(shape, layer)
            else:
                yield from experts(shape, layer)
                yield from dense(shape, layer, 2 * shape.expert_feed_forward, "_shexp")

    return Gguf(fields, frame(shape, layers()))


def lfm2(shape: Shape) -> Gguf:
    """Short convolutions, and attention in six of sixteen layers."""
    attending = {2, 5, 8, 10, 12, 14}
    heads = [shape.kv_heads if layer in attending else 0 for layer in range(shape.layers)]
    fields = metadata(shape, attention__head_count_kv=heads, shortconv__l_cache=3)

    def layers() -> Tensors:
        for layer in range(shape.layers):
            at = f"blk.{layer}"
            yield from norms(layer, shape.width, "attn_norm", "ffn_norm")
            yield from dense(shape, layer)
            if layer in attending:
                yield from attention(shape, layer)
                yield from norms(layer, shape.width // shape.heads, "attn_q_norm", "attn_k_norm")
            else:
                yield f"{at}.shortconv.conv.weight", (F32, (3, shape.width))
                yield matrix(f"{at}.shortconv.in_proj", shape.kind, shape.width, 3 * shape.width)
                yield matrix(f"{at}.shortconv.out_proj", shape.kind, shape.width, shape.width)

    return Gguf(fields, frame(shape, layers(), "token_embd_norm"))


@dataclass(frozen=True)
class Scan:
    """The figures of a recurrent layer."""

    inner: int
    state: int
    groups: int
    rank: int
    kernel: int = 4

    @property
    def convolved(self) -> int:
        return self.inner + 2 * self.groups * self.state

    @property
    def fields(self) -> dict[str, Value]:
        return {
            "ssm__conv_kernel": self.kernel,
            "ssm__inner_size": self.inner,
            "ssm__state_size": self.state,
            "ssm__group_count": self.groups,
            "ssm__time_step_rank": self.rank,
        }


def scanned(shape: Shape, layer: int, scan: Scan) -> Tensors:
    """A Mamba-2 layer."""
    at = f"blk.{layer}"
    yield matrix(f"{at}.ssm_in", shape.kind, shape.width, scan.inner + scan.convolved + scan.rank)
    yield f"{at}.ssm_conv1d.weight", (F32, (scan.kernel, scan.convolved))
    yield f"{at}.ssm_conv1d.bias", (F32, (scan.convolved,))
    yield f"{at}.ssm_dt.bias", (F32, (scan.rank,))
    yield f"{at}.ssm_a", (F32, (1, scan.rank))
    yield f"{at}.ssm_d", (F32, (1, scan.rank))
    yield f"{at}.ssm_norm.weight", (F32, (scan.inner // scan.groups, scan.groups))
    yield matrix(f"{at}.ssm_out", shape.kind, scan.inner, shape.width)


def mamba2(shape: Shape) -> Gguf:
    scan = Scan(2 * shape.width, 128, 8, 2 * shape.width // 64)

    def layers() -> Tensors:
        for layer in range(shape.layers):
            yield from norms(layer, shape.width, "attn_norm")
            yield from scanned(shape, layer, scan)

    return Gguf(metadata(shape, **scan.fields), frame(shape, layers()))


def falcon_h1(shape: Shape) -> Gguf:
    """Attention and a scan in every layer."""
    scan = Scan(3072, 256, 1, 24)

    def layers() -> Tensors:
        for layer in range(shape.layers):
            yield from norms(layer, shape.width, "attn_norm")
            yield f"blk.{layer}.ffn_norm", (F32, (shape.width,))
            yield from scanned(shape, layer, scan)
            yield from attention(shape, layer)
            yield from dense(shape, layer)

    return Gguf(metadata(shape, **scan.fields), frame(shape, layers()))


def granite_hybrid(shape: Shape) -> Gguf:
    """Scans, and attention in every tenth layer."""
    scan, attending = Scan(2 * shape.width, 128, 1, 2 * shape.width // 64), range(5, shape.layers, 10)
    heads = [shape.kv_heads if layer in attending else 0 for layer in range(shape.layers)]

    def layers() -> Tensors:
        for layer in range(shape.layers):
            yield from norms(layer, shape.width, "attn_norm", "ffn_norm")
            yield from attention(shape, layer) if layer in attending else scanned(shape, layer, scan)
            yield from dense(shape, layer)

    return Gguf(metadata(shape, attention__head_count_kv=heads, **scan.fields), frame(shape, layers()))


def nemotron_h(shape: Shape) -> Gguf:
    """Layers that scan, attend or feed forward, one thing each."""
    scan = Scan(8192, 128, 8, 128)
    kinds = ["*" if layer % 9 == 7 else "-" if layer % 2 else "M" for layer in range(shape.layers)]
    fields = metadata(
        shape,
        attention__head_count_kv=[shape.kv_heads if kind == "*" else 0 for kind in kinds],
        feed_forward_length=[shape.feed_forward if kind == "-" else 0 for kind in kinds],
        attention__layer_norm_epsilon=1e-5,
        **scan.fields,
    )

    def layers() -> Tensors:
        for layer, kind in enumerate(kinds):
            yield from norms(layer, shape.width, "attn_norm")
            if kind == "M":
                yield from scanned(shape, layer, scan)
            elif kind == "*":
                yield from attention(shape, layer)
            else:
                yield matrix(f"blk.{layer}.ffn_up", shape.kind, shape.width, shape.feed_forward)
                yield matrix(f"blk.{layer}.ffn_down", shape.kind, shape.feed_forward, shape.width)

    return Gguf(fields, frame(shape, layers()))


def qwen35moe(shape: Shape) -> Gguf:
    """Gated delta nets, and gated attention in every fourth layer; experts, one of them shared."""
    scan = Scan(4096, 128, 16, 32)
    fields = metadata(shape, full_attention_interval=4, rope__dimension_sections=[11, 11, 10, 0], **scan.fields)

    def layers() -> Tensors:
        for layer in range(shape.layers):
            at = f"blk.{layer}"
            yield from norms(layer, shape.width, "attn_norm", "post_attention_norm", "ffn_gate_inp_shexp")
            yield from experts(shape, layer)
            yield from dense(shape, layer, shape.shared_feed_forward, "_shexp")
            if (layer + 1) % 4 == 0:
                yield from attention(shape, layer)
                yield matrix(f"{at}.attn_q", shape.kind, shape.width, 2 * shape.heads * shape.head)
                yield from norms(layer, shape.head, "attn_q_norm", "attn_k_norm")
            else:
                yield matrix(f"{at}.attn_qkv", shape.kind, shape.width, scan.convolved)
                yield matrix(f"{at}.attn_gate", shape.kind, shape.width, scan.inner)
                yield f"{at}.ssm_conv1d.weight", (F32, (scan.kernel, scan.convolved))
                yield f"{at}.ssm_dt.bias", (F32, (scan.rank,))
                yield f"{at}.ssm_a", (F32, (scan.rank,))
                yield matrix(f"{at}.ssm_beta", shape.kind, shape.width, scan.rank)
                yield matrix(f"{at}.ssm_alpha", shape.kind, shape.width, scan.rank)
                yield f"{at}.ssm_norm.weight", (F32, (scan.state,))
                yield matrix(f"{at}.ssm_out", shape.kind, scan.inner, shape.width)

    return Gguf(fields, frame(shape, layers()))


def rwkv7(shape: Shape) -> Gguf:
    decay, rate, mix, gate = 64, 64, 32, 128
    fields = metadata(
        shape,
        attention__layer_norm_epsilon=1e-5,
        attention__decay_lora_rank=decay,
        attention__iclr_lora_rank=rate,
        attention__value_residual_mix_lora_rank=mix,
        attention__gate_lora_rank=gate,
        wkv__head_size=64,
    )
    width = shape.width

    def layers() -> Tensors:
        yield "output_norm.bias", (F32, (width,))
        yield "token_embd_norm.weight", (F32, (width,))
        yield "token_embd_norm.bias", (F32, (width,))
        for layer in range(shape.layers):
            at = f"blk.{layer}"
            for name in ("attn_norm", "attn_norm_2", "time_mix_ln"):
                yield f"{at}.{name}.weight", (F32, (width,))
                yield f"{at}.{name}.bias", (F32, (width,))
            yield from norms(layer, width, *(f"time_mix_{name}" for name in ("w0", "a0", "v0", "k_k", "k_a", "r_k")))
            for name, rank in (("w", decay), ("a", rate), ("v", mix if layer else rate), ("g", gate)):
                yield f"{at}.time_mix_{name}1.weight", (F32, (width, rank))
                yield f"{at}.time_mix_{name}2.weight", (F32, (rank, width))
            yield f"{at}.time_mix_lerp_fused.weight", (F32, (width, 1, 1, 6))
            for name in ("key", "value", "receptance", "output"):
                yield matrix(f"{at}.time_mix_{name}", shape.kind, width, width)
            yield f"{at}.channel_mix_lerp_k.weight", (F32, (width, 1, 1))
            yield matrix(f"{at}.channel_mix_key", shape.kind, width, shape.feed_forward)
            yield matrix(f"{at}.channel_mix_value", shape.kind, shape.feed_forward, width)

    return Gguf(fields, frame(shape, layers()))


# ---------------------------------------------------------------- the models

MODELS: Mapping[str, tuple[Callable[[Shape], Gguf], Shape]] = {
    "llama": (llama, Shape("llama", 32, 4096, 128_256, 32, 8, 128, 14_336)),
    "llama-small": (llama, Shape("llama", 16, 2048, 128_256, 32, 8, 64, 8192, tied=True)),
    "qwen2": (llama, Shape("qwen2", 28, 3584, 152_064, 28, 4, 0, 18_944)),
    "qwen3": (llama, Shape("qwen3", 36, 4096, 151_936, 32, 8, 128, 12_288)),
    "qwen3moe": (llama, Shape("qwen3moe", 48, 2048, 151_936, 32, 4, 128, 6144, 128, 8, 768)),
    "gemma2": (gemma, Shape("gemma2", 26, 2304, 256_000, 8, 4, 256, 9216, tied=True,
                            own={"attention.sliding_window": 4096})),
    "gemma3": (gemma, Shape("gemma3", 48, 3840, 262_208, 16, 8, 256, 15_360, tied=True,
                            own={"attention.sliding_window": 1024})),
    "gemma4": (gemma4, Shape("gemma4", 42, 2560, 262_144, 8, 2, 256, 10_240, tied=True)),
    "phi3": (phi3, Shape("phi3", 40, 5120, 100_352, 40, 10, 128, 17_920)),
    "gpt-oss": (gpt_oss, Shape("gpt-oss", 24, 2880, 201_088, 64, 8, 64, 0, 32, 4, 2880, kind=Q8_0,
                               own={"attention.sliding_window": 128})),
    "deepseek2": (deepseek2, Shape("deepseek2", 27, 2048, 102_400, 16, 1, 0, 10_944, 64, 6, 1408)),
    "lfm2": (lfm2, Shape("lfm2", 16, 2048, 65_536, 32, 8, 0, 8192, tied=True)),
    "qwen35moe": (qwen35moe, Shape("qwen35moe", 40, 2048, 248_320, 16, 2, 256, 0, 256, 8, 512, 512)),
    "granitehybrid": (granite_hybrid, Shape("granitehybrid", 40, 2048, 100_352, 32, 8, 64, 8192, tied=True)),
    "nemotron_h": (nemotron_h, Shape("nemotron_h", 52, 4096, 131_072, 32, 8, 128, 21_504)),
    "falcon-h1": (falcon_h1, Shape("falcon-h1", 32, 2560, 65_536, 12, 2, 128, 9216)),
    "mamba2": (mamba2, Shape("mamba2", 24, 2560, 50_288, tied=True)),
    "rwkv7": (rwkv7, Shape("rwkv7", 32, 2560, 65_536, feed_forward=10_240)),
}  # fmt: skip

SIZES: Mapping[str, tuple[Callable[[Shape], Gguf], Shape]] = {
    "llama-70b": (llama, Shape("llama", 80, 8192, 128_256, 64, 8, 128, 28_672)),
    "llama-3b": (llama, Shape("llama", 28, 3072, 128_256, 24, 8, 128, 8192, tied=True)),
    "smollm2": (llama, Shape("llama", 24, 2048, 49_152, 32, 32, 64, 8192)),
    "qwen2-0.5b": (llama, Shape("qwen2", 24, 896, 151_936, 14, 2, 0, 4864, tied=True)),
    "qwen2-32b": (llama, Shape("qwen2", 64, 5120, 152_064, 40, 8, 0, 27_648)),
    "qwen3-0.6b": (llama, Shape("qwen3", 28, 1024, 151_936, 16, 8, 128, 3072, tied=True)),
    "qwen3-4b": (llama, Shape("qwen3", 36, 2560, 151_936, 32, 8, 128, 9728, tied=True)),
    "qwen3-32b": (llama, Shape("qwen3", 64, 5120, 151_936, 64, 8, 128, 25_600)),
    "qwen3-235b": (llama, Shape("qwen3moe", 94, 4096, 151_936, 64, 4, 128, 12_288, 128, 8, 1536)),
    "gemma2-9b": (gemma, Shape("gemma2", 42, 3584, 256_000, 16, 8, 256, 14_336, tied=True,
                               own={"attention.sliding_window": 4096})),
    "gemma3-270m": (gemma, Shape("gemma3", 18, 640, 262_144, 4, 1, 256, 2048, tied=True,
                                 own={"attention.sliding_window": 512})),
    "gemma3-27b": (gemma, Shape("gemma3", 62, 5376, 262_144, 32, 16, 128, 21_504, tied=True,
                                own={"attention.sliding_window": 1024})),
    "phi3-mini": (phi3, Shape("phi3", 32, 3072, 32_064, 32, 32, 96, 8192)),
    "gpt-oss-120b": (gpt_oss, Shape("gpt-oss", 36, 2880, 201_088, 64, 8, 64, 0, 128, 4, 2880, kind=Q8_0,
                                    own={"attention.sliding_window": 128})),
    "lfm2-350m": (lfm2, Shape("lfm2", 16, 1024, 65_536, 16, 8, 0, 4608, tied=True)),
    "granite-h-1b": (granite_hybrid, Shape("granitehybrid", 40, 1536, 100_352, 12, 4, 128, 4096, tied=True)),
    "mamba2-130m": (mamba2, Shape("mamba2", 24, 768, 50_288, tied=True)),
    "rwkv7-7b": (rwkv7, Shape("rwkv7", 12, 4096, 65_536, feed_forward=16_384)),
}  # fmt: skip
"""Other sizes: what was learnt from MODELS must hold for them too."""


def header_of(name: str) -> Gguf:
    """The file of the model of that name among MODELS or SIZES."""
    build, shape = MODELS[name] if name in MODELS else SIZES[name]
    return build(shape)
