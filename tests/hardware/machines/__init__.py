"""Recorded machines, from a laptop of 4 GB to a workstation with four cards: what each should be seen as."""

from pathlib import Path

import msgspec

from app.protocol import Machine

FOLDER = Path(__file__).parent


def machines() -> dict[str, Machine]:
    """The expected Machine of each recorded one, by name."""
    return {
        file.parent.name: msgspec.json.decode(file.read_bytes(), type=Machine)
        for file in sorted(FOLDER.glob("*/expected.json"))
    }
