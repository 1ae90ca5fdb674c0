"""The entry of the window process: the backend is on its way before Qt is even imported."""

import gc
from contextlib import suppress

from app.errors import AppError
from app.launch import Launch
from app.paths import Paths


def main() -> int:
    """Open the window and run until it is closed; the exit code. A second window raises the first and ends with 0."""
    gc.disable()  # Else a fifth of the start goes into looking for garbage among what stays; `run` enables it.
    paths = Paths.current()
    launch = Launch(paths)
    with suppress(AppError):  # The connection polls again, and shows in the window what is wrong.
        launch.poll()
    from app.ui.process import run  # noqa: PLC0415 (imports Qt, while the backend starts)

    return run(paths, launch)
