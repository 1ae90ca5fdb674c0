"""Writes the trained starter as GGUF: Llama architecture, Q8_0, byte-level BPE (`gpt2`, rules `qwen2`), chat template.

python export.py BUILD_FOLDER ../../resources/starter.gguf
"""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import torch
from model import Shape
from tokenizer import CONTROL, TAGS

NAMES = {
    "embedding.weight": "token_embd.weight",
    "norm.weight": "output_norm.weight",
    "attention_norm.weight": "attn_norm.weight",
    "attention.q.weight": "attn_q.weight",
    "attention.k.weight": "attn_k.weight",
    "attention.v.weight": "attn_v.weight",
    "attention.out.weight": "attn_output.weight",
    "ffn_norm.weight": "ffn_norm.weight",
    "gate.weight": "ffn_gate.weight",
    "up.weight": "ffn_up.weight",
    "down.weight": "ffn_down.weight",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    trained = torch.load(arguments.folder / "starter.pt", weights_only=True)
    writer = gguf.GGUFWriter(arguments.target, "llama")
    describe(writer, Shape(**trained["shape"]))
    add_tokenizer(writer, json.loads((arguments.folder / "tokenizer.json").read_text(encoding="utf-8")))
    add_weights(writer, trained["weights"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{arguments.target.stat().st_size / 1e6:.1f} MB")


def describe(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name("Alcove Starter")
    writer.add_author("The Alcove project")
    writer.add_license("apache-2.0")
    writer.add_description(
        "The small model that ships with Alcove: it knows Alcove and running models locally, in English and Chinese."
    )
    writer.add_languages(["en", "zh"])
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.embedding)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_rope_dimension_count(shape.head)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_float32("general.sampling.temp", 0.2)  # it knows few answers: the likeliest one is meant
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def add_tokenizer(writer: gguf.GGUFWriter, tokenizer: dict) -> None:
    ids = dict(tokenizer["model"]["vocab"])
    ids.update({token["content"]: token["id"] for token in tokenizer["added_tokens"]})
    tokens = sorted(ids, key=ids.__getitem__)
    kinds = [kind_of(token) for token in tokens]
    merges = tokenizer["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(merge) if isinstance(merge, list) else merge for merge in merges])
    writer.add_bos_token_id(ids["<|endoftext|>"])
    writer.add_eos_token_id(ids["<|im_end|>"])
    writer.add_pad_token_id(ids["<|endoftext|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template((Path(__file__).parent / "template.jinja").read_text(encoding="utf-8").rstrip("\n"))


def kind_of(token: str) -> int:
    """Control tokens are never shown; tags are user-defined, so that thinking and tool calls arrive as text."""
    if token in CONTROL:
        return gguf.TokenType.CONTROL
    return gguf.TokenType.USER_DEFINED if token in TAGS else gguf.TokenType.NORMAL


def add_weights(writer: gguf.GGUFWriter, weights: dict[str, torch.Tensor]) -> None:
    for name, weight in weights.items():
        values = weight.float().numpy()
        if values.ndim == 1:
            writer.add_tensor(gguf_name(name), np.ascontiguousarray(values))
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(gguf_name(name), gguf.quantize(values, kind), raw_dtype=kind)


def gguf_name(name: str) -> str:
    if name.startswith("layers."):
        _, number, rest = name.split(".", 2)
        return f"blk.{number}.{NAMES[rest]}"
    return NAMES[name]


if __name__ == "__main__":
    main()
