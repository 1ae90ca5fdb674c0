"""The catalogue on this computer: the one Alcove was delivered with, or a newer one that an update has brought."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import msgspec

from app.errors import AppError
from app.paths import RESOURCES
from app.protocol import Catalogue, CatalogueModel, CatalogueState, GgufFile, GgufRepo, Shape
from app.protocol.catalogue import SCHEMA

BUNDLED = RESOURCES / "catalogue.json"
MOST_BYTES = 4 * 1024**2
"""Of a catalogue's file; the bundled one has a fiftieth of it."""

_MOST_MODELS = 500
_MOST_FILES = 100
_LONGEST_NAME = 100
_LARGEST_FILE = 4 * 1024**4
_LARGEST_NUMBER = 2**40
_ID = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
_REPO = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_FILE = re.compile(r"([A-Za-z0-9_+-][A-Za-z0-9_.+-]*/)*[A-Za-z0-9_+-][A-Za-z0-9_.+-]*\.gguf")
_DATE = re.compile(r"20\d\d-[01]\d-[0-3]\d")


def load_catalogue(cached: Path) -> Catalogue:
    """The newer of the bundled one and the one an update left at that path; a broken one there is passed over."""
    bundled = bundled_catalogue()
    try:
        newer = read_catalogue(cached.read_bytes())
    except (OSError, AppError):
        return bundled
    return newer if newer.number > bundled.number else bundled


@cache
def bundled_catalogue() -> Catalogue:
    """The one Alcove was delivered with."""
    return read_catalogue(BUNDLED.read_bytes())


def read_catalogue(content: bytes) -> Catalogue:
    """A catalogue from its JSON. Raises AppError("catalogue_broken") for what is no catalogue or beyond all limits."""
    if len(content) > MOST_BYTES:
        raise AppError("catalogue_broken", reason=f"more than {MOST_BYTES} bytes")
    try:
        catalogue = msgspec.json.decode(content, type=Catalogue)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise AppError("catalogue_broken", reason=str(error)[:200]) from error
    if fault := next(_faults(catalogue), None):
        raise AppError("catalogue_broken", reason=fault)
    return catalogue


def state_of(catalogue: Catalogue, updated: bool = False) -> CatalogueState:
    """What is told about a catalogue."""
    return CatalogueState(
        number=catalogue.number,
        date=catalogue.date,
        models=len(catalogue.models),
        updated=updated,
        bundled=catalogue.number <= bundled_catalogue().number,
    )


def _faults(catalogue: Catalogue) -> Iterator[str]:
    """What is wrong with it; nothing where it can be used."""
    if catalogue.schema != SCHEMA:
        yield f"schema {catalogue.schema}, this Alcove reads {SCHEMA}"
    if catalogue.number < 1 or not _DATE.fullmatch(catalogue.date):
        yield "it has no number or no date"
    if not 1 <= len(catalogue.models) <= _MOST_MODELS or len(catalogue.outdated) > _MOST_MODELS:
        yield f"it has {len(catalogue.models)} models"
    systems, names = _ids(catalogue.systems), _ids(catalogue.models)
    if len(systems) < len(catalogue.systems) or len(names) < len(catalogue.models):
        yield "an id is there twice"
    for model in catalogue.models:
        for fault in chain(_model_faults(model), _rank_faults(model, systems)):
            yield f"{model.id[:_LONGEST_NAME]}: {fault}"
    for old in catalogue.outdated:
        if old.successor not in names or not _is_name(old.name):
            yield f"no model follows {old.name[:_LONGEST_NAME]}"


def _ids(entries: tuple[msgspec.Struct, ...]) -> set[str]:
    return {str(getattr(entry, "id", "")) for entry in entries}


def _model_faults(model: CatalogueModel) -> Iterator[str]:
    if not _ID.fullmatch(model.id) or not all(map(_is_name, (model.name, model.maker, model.licence))):
        yield "no proper id, name, maker or licence"
    if not 0 < model.active_parameters <= model.parameters < 10_000:
        yield "the numbers of parameters cannot be"
    if not 0 < model.context_length < _LARGEST_NUMBER or not _is_shape(model.shape):
        yield "a figure of its shape cannot be"
    if not model.gguf or not model.ranks:
        yield "no files or no ranks"
    for repo in model.gguf:
        yield from _repo_faults(repo)
    if model.projector is not None and not _is_file(model.projector):
        yield "its projector cannot be"


def _repo_faults(repo: GgufRepo) -> Iterator[str]:
    if not _REPO.fullmatch(repo.repo) or ".." in repo.repo or not 1 <= len(repo.files) <= _MOST_FILES:
        yield "no proper repository, or none or too many files"
    for file in repo.files:
        if not _is_file(file):
            yield f"the file {file.file[:_LONGEST_NAME]} cannot be"


def _rank_faults(model: CatalogueModel, systems: set[str]) -> Iterator[str]:
    """Every rank names its system of measurement, and every figure where it was published."""
    for use, rank in model.ranks.items():
        if not 0 <= rank.score <= 100 or rank.system not in systems:
            yield f"its rank for {use} is not from 0 to 100, or of no known system"
    for figure in model.figures:
        if figure.system not in systems or not figure.address.startswith("https://"):
            yield "a figure has no known source"


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_NAME and text.isprintable()


def _is_file(file: GgufFile) -> bool:
    proper = _FILE.fullmatch(file.file) is not None and len(file.file) <= 2 * _LONGEST_NAME
    return proper and 0 < file.size < _LARGEST_FILE and _is_name(file.quantization)


def _is_shape(shape: Shape) -> bool:
    parts = [shape, shape.experts, shape.recurrence]
    numbers = [getattr(part, name) for part in parts if part is not None for name in part.__struct_fields__]
    return all(0 <= number < _LARGEST_NUMBER for number in numbers if isinstance(number, int))
