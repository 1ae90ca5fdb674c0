"""The fields of llama_context_params for what was asked, refused in words where llama.cpp would refuse or abort."""

from typing import Any

from app.backends.llama.binding import llama
from app.errors import AppError
from app.hardware.defaults import BATCH, LEAST_BATCH, MICRO_BATCH
from app.protocol import KvType, LoadParams, RopeScaling

_KV_TYPES = {
    KvType.F32: llama.GGML_TYPE_F32,
    KvType.F16: llama.GGML_TYPE_F16,
    KvType.BF16: 30,  # GGML_TYPE_BF16, which the binding leaves out
    KvType.Q8_0: llama.GGML_TYPE_Q8_0,
    KvType.Q5_1: llama.GGML_TYPE_Q5_1,
    KvType.Q5_0: llama.GGML_TYPE_Q5_0,
    KvType.Q4_1: llama.GGML_TYPE_Q4_1,
    KvType.Q4_0: llama.GGML_TYPE_Q4_0,
    KvType.IQ4_NL: llama.GGML_TYPE_IQ4_NL,
}
_UNQUANTIZED = frozenset({KvType.F32, KvType.F16, KvType.BF16})
_ROPE_SCALING = {
    RopeScaling.NONE: llama.LLAMA_ROPE_SCALING_TYPE_NONE,
    RopeScaling.LINEAR: llama.LLAMA_ROPE_SCALING_TYPE_LINEAR,
    RopeScaling.YARN: llama.LLAMA_ROPE_SCALING_TYPE_YARN,
    RopeScaling.LONGROPE: llama.LLAMA_ROPE_SCALING_TYPE_LONGROPE,
}


def check_params(params: LoadParams) -> None:
    """Raises AppError("bad_request") for parameters that do not go together."""
    quantized = params.kv_type_v is not None and params.kv_type_v not in _UNQUANTIZED
    if quantized and params.flash_attention is False:
        raise _refused(f"kv_type_v {params.kv_type_v} needs flash_attention")
    if params.yarn_original_context is not None and params.rope_scaling not in (None, RopeScaling.YARN):
        raise _refused("yarn_original_context is for rope_scaling yarn")
    batch, micro = params.batch or BATCH, params.micro_batch or MICRO_BATCH
    if params.batch is not None and params.micro_batch is not None and micro > batch:
        raise _refused(f"micro_batch {micro} is larger than batch {batch}")


def context_fields(params: LoadParams, sequences: int, outputs: int) -> dict[str, Any]:
    """All fields but the length. `outputs`: tokens of one step whose logits are wanted.

    Raises AppError("bad_request").
    """
    check_params(params)
    batch = max(params.batch or BATCH, LEAST_BATCH, sequences)
    fields: dict[str, Any] = {
        "n_batch": batch,
        "n_ubatch": min(batch, params.micro_batch or MICRO_BATCH),
        "n_seq_max": sequences,
        "n_outputs_max": min(outputs, batch),
        "kv_unified": True,
        "no_perf": True,
        "offload_kqv": params.kv_offload,
        "swa_full": params.swa_full,
        "flash_attn_type": _flash_attention(params),
        "rope_freq_base": params.rope_frequency_base or 0.0,
        "rope_freq_scale": params.rope_frequency_scale or 0.0,
        "yarn_orig_ctx": params.yarn_original_context or 0,
    }
    if params.kv_type_k is not None:
        fields["type_k"] = _KV_TYPES[params.kv_type_k]
    if params.kv_type_v is not None:
        fields["type_v"] = _KV_TYPES[params.kv_type_v]
    if params.rope_scaling is not None:
        fields["rope_scaling_type"] = _ROPE_SCALING[params.rope_scaling]
    return fields


def _flash_attention(params: LoadParams) -> int:
    if params.flash_attention is None:
        return int(llama.LLAMA_FLASH_ATTN_TYPE_AUTO)
    enabled, disabled = llama.LLAMA_FLASH_ATTN_TYPE_ENABLED, llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
    return int(enabled if params.flash_attention else disabled)


def _refused(reason: str) -> AppError:
    return AppError("bad_request", reason=reason)
