"""How far off the speed model is for hardware it has not seen: one JSON object.

    python -m bench.speed_model [--points FILE] [--shipped]

Each device is left out in turn, all constants are fitted again to the others, and its speeds are predicted with those.
With `--shipped` the constants Alcove ships with are used for every row: for files of devices that were kept aside.
Rows without a known bandwidth are counted, not predicted. `errors` are shares of the measured speed, in per cent.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from app.hardware.speed_classes import SpeedTable, speed_table
from bench.points import POINTS, read_points
from bench.speed_fit import Sample, fit, samples

Predicted = tuple[Sample, SpeedTable]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=Path, default=POINTS, help="a file of the columns of bench/data")
    parser.add_argument("--shipped", action="store_true", help="no fitting: the constants in resources")
    options = parser.parse_args()
    points = read_points(options.points)
    found = samples(points)
    predicted = [(sample, speed_table()) for sample in found] if options.shipped else left_out(found)
    report = {
        "points": len(points),
        "devices": len({point.hardware for point in points}),
        "without_bandwidth": len(points) - len(found),
        "constants": "shipped" if options.shipped else "fitted to the other devices",
        "decode": _by_kind(predicted, decode_error),
        "prefill": _by_kind(predicted, prefill_error),
    }
    json.dump(report, sys.stdout, indent=1)
    sys.stdout.write("\n")


def left_out(found: Sequence[Sample]) -> list[Predicted]:
    """Each sample with constants that were fitted without any point of its device."""
    predicted: list[Predicted] = []
    seeds = speed_table()
    for hardware in sorted({sample.point.hardware for sample in found}):
        own = [sample for sample in found if sample.point.hardware == hardware]
        families = {sample.family for sample in own}
        others = [sample for sample in found if sample.point.hardware != hardware and sample.family in families]
        table = fit(others, seeds)
        predicted += [(sample, table) for sample in own]
    return predicted


def decode_error(sample: Sample, table: SpeedTable) -> float | None:
    """Error of the predicted decode speed as a share of the measured one; None where none was measured."""
    measured = sample.point.decode
    return None if measured is None else sample.decode(table) / measured - 1


def prefill_error(sample: Sample, table: SpeedTable) -> float | None:
    """The same of the prompt's speed."""
    measured = sample.point.prefill
    return None if measured is None else sample.prefill(table) / measured - 1


def _by_kind(
    predicted: Sequence[Predicted], error: Callable[[Sample, SpeedTable], float | None]
) -> dict[str, dict[str, float]]:
    errors = [
        (sample.point.kind, abs(value)) for sample, table in predicted if (value := error(sample, table)) is not None
    ]
    kinds = sorted({kind for kind, _ in errors})
    found = {"all": _summary(value for _, value in errors)}
    return found | {kind: _summary(value for own, value in errors if own == kind) for kind in kinds}


def _summary(errors: Iterable[float]) -> dict[str, float]:
    shares = np.array(list(errors)) * 100
    return {
        "points": len(shares),
        "mean": round(float(shares.mean()), 2),
        "median": round(float(np.median(shares)), 2),
        "p90": round(float(np.percentile(shares, 90)), 2),
    }


if __name__ == "__main__":
    main()
