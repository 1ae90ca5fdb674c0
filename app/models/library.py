"""The library: the models on this disk, each described by the header of its file."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from app.errors import AppError
from app.format import well_formed
from app.hardware.gguf import Header, join_headers, read_header
from app.models.folder import gguf_files
from app.paths import STARTER_MODEL
from app.protocol import ErrorInfo, ModelEntry, ModelState

STARTER_ID = "starter"

_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})", re.IGNORECASE)
_QUANTIZATION = re.compile(r"[-_. ](i?q\d\w*|f16|f32|bf16|mxfp4\w*|tq\d_\d)$", re.IGNORECASE)
_THINKING_SIGNS = ("enable_thinking", "<think>")
"""What the chat template of a model that can think first speaks of."""
_NAME_LIMIT = 120
_PARTS_LIMIT = 1000


@dataclass(frozen=True)
class Group:
    """The files of one model: a single one, or the numbered parts of a split one, of which some may be missing."""

    stem: str
    files: tuple[Path, ...]
    missing: tuple[int, ...] = ()
    """Numbers of parts, from 1, that are not here."""


class Library:
    """Lists the models. Headers are kept by path, size and time of change: listing again reads only new files."""

    def __init__(self, folder: Path, starter: Path = STARTER_MODEL) -> None:
        self._folder = folder
        self._starter = starter
        self._known: dict[tuple[str, int, int], ModelEntry | None] = {}

    @property
    def folder(self) -> Path:
        return self._folder

    def entries(self) -> list[ModelEntry]:
        """All models as they are on the disk now: the built-in one first, then by name; broken ones with the reason."""
        known: dict[tuple[str, int, int], ModelEntry | None] = {}
        found = [entry for group in grouped(gguf_files(self._folder)) if (entry := self._entry(group, known))]
        starter = self._starter_entry(known)
        self._known = known
        taken = {STARTER_ID}
        numbered = [replace(entry, id=_unused(entry.id, taken)) for entry in found]
        return [*starter, *sorted(numbered, key=lambda entry: (entry.name.casefold(), entry.id))]

    def _starter_entry(self, known: dict[tuple[str, int, int], ModelEntry | None]) -> list[ModelEntry]:
        if not self._starter.is_file():
            return []
        entry = self._entry(Group(STARTER_ID, (self._starter,)), known)
        return [] if entry is None else [replace(entry, id=STARTER_ID, builtin=True)]

    def _entry(self, group: Group, known: dict[tuple[str, int, int], ModelEntry | None]) -> ModelEntry | None:
        """The entry of these files, from memory where none of them changed; None where they are no model."""
        keys = [_state_of(path) for path in group.files]
        key = (str(group.files[0]), sum(size for size, _ in keys), max(changed for _, changed in keys))
        known[key] = self._known[key] if key in self._known else _describe(group, key[1])
        return known[key]


def grouped(paths: Iterable[Path]) -> Iterator[Group]:
    """The files by model: parts named NAME-00001-of-00003.gguf belong together."""
    parts: dict[tuple[Path, str, int], dict[int, Path]] = {}
    for path in paths:
        match = _PART.fullmatch(path.stem)
        count = int(match["count"]) if match else 0
        if match is None or not 1 <= int(match["number"]) <= count <= _PARTS_LIMIT:
            yield Group(path.stem, (path,))
        else:
            parts.setdefault((path.parent, match["stem"], count), {})[int(match["number"])] = path
    for (_, stem, count), numbered in parts.items():
        missing = tuple(number for number in range(1, count + 1) if number not in numbered)
        yield Group(stem, tuple(path for _, path in sorted(numbered.items())), missing)


def read_model(path: Path) -> Header:
    """The header of the model whose (first) file this is, all parts joined. Raises AppError("model_broken")."""
    siblings = gguf_files(path.parent) if _PART.fullmatch(path.stem) else [path]
    group = next((group for group in grouped(sorted(siblings)) if path in group.files), Group(path.stem, (path,)))
    return _read(group)


def find(entries: Sequence[ModelEntry], name: str) -> ModelEntry:
    """The model a person means: by id, by name, in any case, or by a beginning that fits only one.

    Raises AppError("model_not_found"), also where several begin so.
    """
    wanted = name.strip().casefold()
    tests = (
        lambda entry: name in (entry.id, entry.name),
        lambda entry: wanted in (entry.id.casefold(), entry.name.casefold(), Path(entry.path).name.casefold()),
    )
    for test in tests:
        if exact := next(filter(test, entries), None):
            return exact
    begun = [entry for entry in entries if entry.id.casefold().startswith(wanted)] or [
        entry for entry in entries if entry.name.casefold().startswith(wanted)
    ]
    if wanted and len(begun) == 1:
        return begun[0]
    raise AppError("model_not_found", model=name)


def _read(group: Group) -> Header:
    if group.missing:
        total = len(group.files) + len(group.missing)
        numbers = ", ".join(str(number) for number in group.missing)
        raise AppError("model_broken", model=group.stem, reason="parts_missing", parts=total, missing=numbers)
    headers = [read_header(path) for path in group.files]
    if headers[0].split_count > len(headers):
        raise AppError("model_broken", model=group.stem, reason="part_alone", parts=headers[0].split_count)
    return join_headers(headers)


def _describe(group: Group, size: int) -> ModelEntry | None:
    """What the library says about a model; None for files that are none: projectors, adapters and the like."""
    if group.stem.lower().startswith("mmproj"):
        return None
    stem, path = well_formed(group.stem), str(group.files[0])
    entry = ModelEntry(id=slug(stem), name=readable(stem), path=well_formed(path), size=size)
    if entry.path != path:  # no message can carry it
        return _broken(entry, AppError("model_broken", model=entry.name, reason="file_name_not_text").info)
    try:
        header = _read(group)
    except AppError as error:
        return _broken(entry, error.info)
    if header.kind != "model":
        return None
    if not header.architecture or not header.tensors:
        reason = "no_weights" if header.architecture else "no_architecture"
        return _broken(entry, AppError("model_broken", model=group.stem, reason=reason).info)
    return replace(
        entry,
        name=_clean(header.name) or entry.name,
        quantization=header.quantization,
        architecture=_clean(header.architecture),
        parameters=header.parameters,
        context_length=header.context_length,
        supports_thinking=any(sign in header.chat_template for sign in _THINKING_SIGNS),
    )


def _broken(entry: ModelEntry, error: ErrorInfo) -> ModelEntry:
    return replace(entry, state=ModelState.BROKEN, error=error)


def slug(stem: str) -> str:
    """What a person types for a file name: lower case, letters, digits and `._-` only."""
    return re.sub(r"[^\w.]+", "-", unicodedata.normalize("NFKC", stem).lower()).strip("-.") or "model"


def readable(stem: str) -> str:
    """A file name as a title: without the quantization at its end, words apart."""
    return re.sub(r"[-_\s]+", " ", _QUANTIZATION.sub("", stem)).strip() or stem


def _clean(text: str) -> str:
    """A text from a file, fit for one line: nothing unprintable, not too long."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:_NAME_LIMIT]


def _unused(wanted: str, taken: set[str]) -> str:
    """That id, or with a number where it is taken; it is taken afterwards."""
    number, candidate = 1, wanted
    while candidate in taken:
        number += 1
        candidate = f"{wanted}-{number}"
    taken.add(candidate)
    return candidate


def _state_of(path: Path) -> tuple[int, int]:
    """Size and time of change (content or rights); zeros for a file that has just gone: it is listed as broken."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, max(status.st_mtime_ns, status.st_ctime_ns)
