"""The models Alcove knows of and may recommend: data with a version, kept in resources/catalogue.json."""

from typing import Literal

from app.protocol.advice import Use
from app.protocol.base import Wire
from app.protocol.generation import Sampling

SCHEMA = 1
"""What `Catalogue.schema` says; a catalogue of another schema is not read."""


class Figure(Wire, frozen=True, kw_only=True):
    """A figure that was published of a model."""

    system: str
    """Id of the system of measurement."""
    value: float
    address: str
    """Where it was published."""


class System(Wire, frozen=True, kw_only=True):
    """A system of measurement, and how a rank from 0 to 100 follows from its figures."""

    id: str
    name: str
    says: str
    """What is measured and by whom; for editorial ranks by what rule they were given."""
    address: str = ""
    rule: Literal["saturating", "as-is", "editorial"] = "editorial"
    """Saturating: 100 × (1 − e^(−figure / 25)); as-is: the figure; editorial: no figure, the rule is in `says`."""


class Rank(Wire, frozen=True, kw_only=True):
    """How good a model is for a use, in its best quantization: 0 to 100."""

    score: float
    system: str
    """Id of the system of measurement."""


class Experts(Wire, frozen=True, kw_only=True):
    """The routed experts of every layer."""

    count: int
    used: int
    width: int
    """Of the feed-forward layer of one."""
    shared: int = 0
    dense_width: int = 0
    """Of a feed-forward layer beside them that every token passes."""


class Recurrence(Wire, frozen=True, kw_only=True):
    """Layers that keep a state instead of a cache; every `interval`-th layer is an attention layer."""

    interval: int
    inner: int
    state: int
    groups: int
    kernel: int
    bytes_per_sequence: int = 0


class Shape(Wire, frozen=True, kw_only=True):
    """What is known of a model's geometry without its file; None where only the file tells."""

    architecture: str
    layers: int | None = None
    width: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    kv_heads_global: int | None = None
    """Of layers that see everything, where it differs."""
    key_width: int | None = None
    key_width_global: int | None = None
    value_width: int | None = None
    feed_forward: int | None = None
    vocabulary: int | None = None
    tied: bool = False
    window: int | None = None
    """Tokens a sliding-window layer looks back on."""
    global_layers: int | None = None
    """How many layers see everything, where others slide."""
    shared_cache_layers: int = 0
    """The last so many layers use caches of earlier ones."""
    same_key_value: bool = False
    """Global layers keep one tensor as key and value."""
    latent: int = 0
    """Width of the compressed cache per token (multi-head latent attention)."""
    experts: Experts | None = None
    recurrence: Recurrence | None = None
    cache_bytes_per_token: int | None = None
    """Of a 16-bit cache, over the layers that see everything."""
    window_bytes_per_token: int | None = None
    """The same over the sliding-window layers."""
    exact: bool = True
    """Read from the maker's configuration; False: from other descriptions of the model, or in part unknown."""


class GgufFile(Wire, frozen=True, kw_only=True):
    """One quantization; of a split model `file` is the first part and `size` the sum of all."""

    quantization: str
    file: str
    size: int
    exact: bool = True
    """False: from a rounded figure."""


class GgufRepo(Wire, frozen=True, kw_only=True):
    """A repository of GGUF files."""

    repo: str
    files: tuple[GgufFile, ...]
    revision: str = ""
    """The commit in which the sizes were read; empty: not known."""


class CatalogueModel(Wire, frozen=True, kw_only=True):
    """A model that may be recommended."""

    id: str
    name: str
    maker: str
    licence: str
    """SPDX identifier, or the name of the maker's own licence."""
    parameters: float
    """Billions, all experts."""
    active_parameters: float
    context_length: int
    """The longest context it was trained for."""
    languages: tuple[str, ...]
    """Codes of languages it was made for; "many" for more than a dozen."""
    shape: Shape
    gguf: tuple[GgufRepo, ...]
    ranks: dict[Use, Rank]
    thinks: bool = False
    """It thinks before it answers, or can."""
    tools: bool = False
    projector: GgufFile | None = None
    """The file with which it sees pictures."""
    sampling: Sampling = Sampling()
    """As its maker recommends; nothing where the maker says nothing."""
    sampling_source: str = ""
    figures: tuple[Figure, ...] = ()
    known: bool = False
    """People ask for it by name: told about, where it would disappoint."""


class Outdated(Wire, frozen=True, kw_only=True):
    """A model that people still ask for, although another of the catalogue does the same better."""

    name: str
    parameters: float
    successor: str
    """Id of the better one, which needs no more than it."""


class Catalogue(Wire, frozen=True, kw_only=True):
    """All of them, with the systems of measurement."""

    schema: int
    number: int
    """Higher is newer."""
    date: str
    """When it was put together: year-month-day."""
    systems: tuple[System, ...]
    models: tuple[CatalogueModel, ...]
    outdated: tuple[Outdated, ...] = ()

    def model(self, name: str) -> CatalogueModel | None:
        """The model of that id."""
        return next((model for model in self.models if model.id == name), None)

    def system(self, name: str) -> System | None:
        """The system of measurement of that id."""
        return next((system for system in self.systems if system.id == name), None)


class CatalogueState(Wire, frozen=True, kw_only=True):
    """Which catalogue is in use, and whether an update brought a newer one."""

    number: int
    date: str
    models: int
    updated: bool = False
    bundled: bool = True
    """The one Alcove was delivered with."""
