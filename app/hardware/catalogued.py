"""The likely shape of a model of the catalogue in one of its files, before anything of it was downloaded."""

from dataclasses import replace

from app.hardware.figures import Figures, geometry_from_figures, main_type
from app.hardware.geometry import Geometry, Weights
from app.protocol import CatalogueModel, Experts, GgufFile

_NO_EXPERTS = Experts(count=0, used=0, width=0)


def geometry_of_file(model: CatalogueModel, file: GgufFile) -> Geometry:
    """What memory and speed depend on, from the catalogue's figures and the size of the file."""
    looked_up = _looked_up(model, file)
    geometry = geometry_from_figures(figures_of(model), file.size - looked_up, file.quantization)
    if not looked_up:
        return geometry
    table = Weights(size=looked_up, by_type={main_type(file.quantization): looked_up}, largest=looked_up)
    return replace(geometry, other=table, file_size=file.size, parameters=round(model.parameters * 1e9))


def figures_of(model: CatalogueModel) -> Figures:
    """The catalogue's figures in the form from which a shape is put together."""
    shape, experts = model.shape, model.shape.experts or _NO_EXPERTS
    weights = model.parameters if experts.count else model.active_parameters
    return Figures(
        architecture=shape.architecture,
        layers=shape.layers or 0,
        width=shape.width or 0,
        heads=shape.heads or 0,
        kv_heads=shape.kv_heads or 0,
        vocabulary=shape.vocabulary or 0,
        parameters=round(weights * 1e9),
        active_parameters=round(model.active_parameters * 1e9),
        key_head=shape.key_width or 0,
        value_head=shape.value_width or 0,
        feed_forward=shape.feed_forward or 0,
        trained_context=model.context_length,
        tied=shape.tied,
        expert_count=experts.count,
        experts_used=experts.used,
        expert_feed_forward=experts.width,
        shared_experts=experts.shared,
        window=shape.window,
        full_every=_full_every(model),
        full_kv_heads=shape.kv_heads_global or 0,
        full_key_head=shape.key_width_global or 0,
        state_bytes=shape.recurrence.bytes_per_sequence if shape.recurrence else 0,
        shared_cache_layers=shape.shared_cache_layers,
        compressed_width=shape.latent,
    )


def _full_every(model: CatalogueModel) -> int:
    """Of so many layers one sees everything. Where they lie unevenly it is the nearest even spread with no fewer."""
    shape = model.shape
    if shape.recurrence is not None and shape.recurrence.interval:
        return shape.recurrence.interval
    return (shape.layers or 0) // shape.global_layers if shape.global_layers else 0


def _looked_up(model: CatalogueModel, file: GgufFile) -> int:
    """Bytes of tables from which a token takes a few rows: what a model without experts has beside its active weights
    (Gemma's E models keep embeddings for every layer)."""
    if model.shape.experts is not None:
        return 0
    return round(file.size * (1 - model.active_parameters / model.parameters))
