"""How long advice takes: pure, for one use and for all, on machines from small to large, and the whole command.

The command is `alcove recommend --machine …` against a backend that is running; `first_s` is with the backend's start.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from app.hardware.candidates import usable_files
from app.hardware.catalogued import geometry_of_file
from app.hardware.describe import machine_from_text
from app.hardware.needs import NEEDS
from app.hardware.planning import Planning
from app.hardware.recommend import advise_all
from app.launch import own_command
from app.models.catalogue import BUNDLED, bundled_catalogue, read_catalogue
from app.protocol import Machine, Use

_MACHINES = (
    "8 GB laptop",
    "Ryzen 5600G 16 GB, no GPU",
    "RTX 4070 12 GB, 32 GB RAM",
    "M3 Max 64GB",
    "2x RTX 3090, 64GB RAM",
)
_ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print the medians as one JSON object, in milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    found: dict[str, object] = {
        "read_catalogue_ms": _median(lambda: read_catalogue(BUNDLED.read_bytes()), repeats),
        "describe_ms": _median(lambda: machine_from_text(_MACHINES[2]), repeats),
        "geometry_of_all_files_ms": _median(_all_geometries, repeats),
    }
    for text in _MACHINES:
        machine = machine_from_text(text).machine
        found[text] = _advice(machine, repeats)
    print(json.dumps(found | {"command_ms": _command(repeats)}, indent=2, ensure_ascii=False))


def _advice(machine: Machine, repeats: int) -> dict[str, float]:
    catalogue = bundled_catalogue()
    return {
        "plan_every_file_ms": _median(lambda: _plan_all(machine), 1),
        "one_use_ms": _median(lambda: advise_all((Use.CHAT,), machine, catalogue), repeats),
        "all_uses_ms": _median(lambda: advise_all(tuple(Use), machine, catalogue), repeats),
    }


def _all_geometries() -> None:
    for model in bundled_catalogue().models:
        for _, file in usable_files(model):
            geometry_of_file(model, file)


def _plan_all(machine: Machine) -> None:
    """What it would cost without pruning: every file is planned."""
    planning = Planning(machine)
    for model in bundled_catalogue().models:
        for _, file in usable_files(model):
            planning.plan(model, file, NEEDS[Use.CHAT])


def _command(repeats: int) -> dict[str, float]:
    """The whole command, the first time and while a backend runs."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"ALCOVE_HOME": home, "ALCOVE_FAKE_ENGINE": "0"}

        def run(*more: str) -> None:
            arguments = own_command("recommend", "--machine", _MACHINES[2], *more)
            subprocess.run(arguments, cwd=_ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)

        first = _median(run, 1)
        keeper = subprocess.Popen(
            own_command("serve", "--port", "0"), cwd=_ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        try:
            assert keeper.stdout is not None
            keeper.stdout.readline()  # it serves
            all_uses, one_use = _median(run, repeats), _median(lambda: run("--for", "chat"), repeats)
        finally:
            keeper.terminate()
            keeper.wait()
    return {"first": first, "all_uses": all_uses, "one_use": one_use}


def _median(act: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun)
    return round(median(times) * 1000, 1)


if __name__ == "__main__":
    main()
