"""Measurements in words, and how far predictions have been off."""

import statistics
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from app.format import bandwidth, count, memory_size
from app.protocol import CPU, Measurement, MeasurementKind
from app.ui.hardware.parts import device_name

_SPEEDS = (MeasurementKind.DECODE, MeasurementKind.PREFILL)


def speed_of(kind: MeasurementKind, depth: int) -> str:
    """ "Writing, 1,024 tokens before it"."""
    if kind is MeasurementKind.PREFILL:
        words = QCoreApplication.translate("Record", "Reading, {count} tokens before it")
        return words.format(count=count(depth)) if depth else QCoreApplication.translate("Record", "Reading")
    words = QCoreApplication.translate("Record", "Writing, {count} tokens before it")
    return words.format(count=count(depth)) if depth else QCoreApplication.translate("Record", "Writing")


def subject_of(row: Measurement) -> str:
    """What was measured: of a model, or of the machine."""
    names = {
        MeasurementKind.MEMORY: QCoreApplication.translate("Record", "Memory"),
        MeasurementKind.CALIBRATION: QCoreApplication.translate("Record", "Correction"),
        MeasurementKind.BANDWIDTH: QCoreApplication.translate("Record", "Speed of memory"),
        MeasurementKind.LAYER: QCoreApplication.translate("Record", "Time of a layer"),
        MeasurementKind.PRODUCTS: QCoreApplication.translate("Record", "Operations a second"),
    }
    said = names.get(row.kind) or speed_of(row.kind, row.depth)
    device = row.device if row.device != CPU else device_name(CPU)
    if row.kind in _SPEEDS or row.kind in (MeasurementKind.LAYER, MeasurementKind.PRODUCTS):
        device = row.device if row.device != CPU else QCoreApplication.translate("Record", "processor")
    return "  ·  ".join(
        part for part in (row.model or QCoreApplication.translate("Record", "this computer"), said, device) if part
    )


def figure_of(kind: MeasurementKind, value: float | None) -> str:
    """A figure with its unit; empty for None."""
    if value is None:
        return ""
    match kind:
        case MeasurementKind.MEMORY:
            return memory_size(round(value))
        case MeasurementKind.BANDWIDTH:
            return bandwidth(value)
        case MeasurementKind.LAYER:
            return f"{value * 1e6:.0f} µs"
        case MeasurementKind.PRODUCTS:
            return f"{value / 1e12:.2f} TFLOPS"
        case MeasurementKind.CALIBRATION:
            return f"× {value:.2f}"
    rate = QCoreApplication.translate("Advice", "{span} tok/s")
    return rate.format(span=f"{value:.1f}" if value < 100 else f"{value:,.0f}")


def median_error(rows: Sequence[Measurement], kind: MeasurementKind) -> float | None:
    """The median of how far predictions of that kind were off, as a share; None without any."""
    errors = [
        abs(row.predicted / row.measured - 1)
        for row in rows
        if row.kind is kind and row.predicted is not None and row.measured > 0
    ]
    return statistics.median(errors) if errors else None
