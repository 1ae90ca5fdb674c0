"""Whether its owner has forbidden every connection beyond this computer."""

import os


def is_offline() -> bool:
    """`ALCOVE_OFFLINE` is set to anything but 0."""
    return os.environ.get("ALCOVE_OFFLINE", "") not in ("", "0")
