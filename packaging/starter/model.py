"""The starter's network: a small Llama (RMSNorm, rotary positions, grouped queries, SwiGLU, tied embedding)."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """Sizes as GGUF names them."""

    vocabulary: int = 8192
    embedding: int = 256
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    feed_forward: int = 512
    context: int = 2048
    rope_base: float = 10000.0
    epsilon: float = 1e-5

    @property
    def head(self) -> int:
        return self.embedding // self.heads

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


class Norm(nn.Module):
    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


class Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.q = nn.Linear(shape.embedding, shape.heads * shape.head, bias=False)
        self.k = nn.Linear(shape.embedding, shape.kv_heads * shape.head, bias=False)
        self.v = nn.Linear(shape.embedding, shape.kv_heads * shape.head, bias=False)
        self.out = nn.Linear(shape.heads * shape.head, shape.embedding, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x: (batch, tokens, embedding) -> the same shape."""
        batch, tokens, _ = x.shape
        s = self.shape
        q = rotate(self.q(x).view(batch, tokens, s.heads, s.head).transpose(1, 2), cos, sin)
        k = rotate(self.k(x).view(batch, tokens, s.kv_heads, s.head).transpose(1, 2), cos, sin)
        v = self.v(x).view(batch, tokens, s.kv_heads, s.head).transpose(1, 2)
        group = s.heads // s.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, tokens, -1))


class Layer(nn.Module):
    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.attention_norm = Norm(shape.embedding, shape.epsilon)
        self.attention = Attention(shape)
        self.ffn_norm = Norm(shape.embedding, shape.epsilon)
        self.gate = nn.Linear(shape.embedding, shape.feed_forward, bias=False)
        self.up = nn.Linear(shape.embedding, shape.feed_forward, bias=False)
        self.down = nn.Linear(shape.feed_forward, shape.embedding, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x), cos, sin))
        h = self.ffn_norm(x)
        return x + self.dropout(self.down(functional.silu(self.gate(h)) * self.up(h)))


class Starter(nn.Module):
    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.embedding)
        self.layers = nn.ModuleList(Layer(shape, dropout) for _ in range(shape.layers))
        self.norm = Norm(shape.embedding, shape.epsilon)
        self.dropout = nn.Dropout(dropout)
        angles = torch.outer(
            torch.arange(shape.context, dtype=torch.float32),
            shape.rope_base ** (-torch.arange(0, shape.head, 2, dtype=torch.float32) / shape.head),
        )
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)
        for layer in self.layers:
            for matrix in (layer.attention.out, layer.down):
                nn.init.normal_(matrix.weight, std=0.02 / (2 * shape.layers) ** 0.5)

    def hidden(self, ids: Tensor) -> Tensor:
        """ids: (batch, tokens) -> (batch, tokens, embedding), normed."""
        x = self.dropout(self.embedding(ids))
        cos, sin = self.cos[: ids.shape[1]].to(x.dtype), self.sin[: ids.shape[1]].to(x.dtype)
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        return functional.linear(hidden, self.embedding.weight)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions on neighbouring pairs, as llama.cpp's `llama` has them. x: (batch, heads, tokens, head)."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)
