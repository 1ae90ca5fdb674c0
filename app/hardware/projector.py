"""What the projector takes that turns pictures into embeddings (an mmproj file)."""

from app.hardware.gguf import Header

_F32 = 4
_STREAMS = 4
"""Copies of the residual stream at the widest moment, as in a language model."""
_USUAL_SIDE, _USUAL_PATCH = 896, 14
_MOST_PATCHES = 16_384


def projector_bytes(header: Header) -> int:
    """Weights of the projector, and scratch for one picture as large as it takes them."""
    return header.weights_size + _scratch(header)


def _scratch(header: Header) -> int:
    side = header.whole("clip.vision.image_size") or _USUAL_SIDE
    patch = header.whole("clip.vision.patch_size") or _USUAL_PATCH
    width = header.whole("clip.vision.embedding_length") or 0
    inner = header.whole("clip.vision.feed_forward_length") or 0
    patches = min((side // max(patch, 1)) ** 2, _MOST_PATCHES)
    return patches * (_STREAMS * width + 2 * inner) * _F32
