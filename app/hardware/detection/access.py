"""Whether this process may open the files through which Linux gives out graphics cards."""

import os
from dataclasses import dataclass
from pathlib import Path

_COMPUTE = "dev/kfd"
_RENDER = "dev/dri/renderD*"
_NVIDIA = ("dev/nvidiactl", "dev/dxg")
"""Of the driver, and of WSL's way to Windows' driver."""


@dataclass(frozen=True)
class Access:
    """Which device files are there, and which of them are closed to this user."""

    nvidia: bool = True
    render: bool = True
    forbidden: tuple[str, ...] = ()


def device_access(root: Path = Path("/")) -> Access:
    """What is given out here; without a folder for devices nothing is said to be missing."""
    if not (root / "dev").is_dir():
        return Access()
    render = [*sorted(root.glob(_RENDER)), *root.glob(_COMPUTE)]
    closed = (path for path in render if not os.access(path, os.R_OK | os.W_OK))
    return Access(
        nvidia=any((root / name).exists() for name in _NVIDIA),
        render=any(path.name != "kfd" for path in render),
        forbidden=tuple("/" + str(path.relative_to(root)) for path in closed),
    )
