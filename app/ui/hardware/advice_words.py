"""Advice in words: uses, speeds, sizes and reasons in the language of the window."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from app.format import download_size, memory_size, seconds
from app.protocol import Advice, MemoryUse, Range, Reason, Suggestion, Use
from app.ui.hardware.parts import device_name
from app.ui.translate import language
from app.words import text


def use_name(use: Use) -> str:
    """ "Conversation", "Programming" …"""
    return text("cli", f"use_{use.value.replace('-', '_')}", {}, language())


def system_said(system: str) -> str:
    """Who measured the quality; a system that only a newer catalogue knows is called by its id."""
    try:
        return text("system", system, {}, language())
    except KeyError:
        return system


def reasons_said(reasons: Sequence[Reason]) -> str:
    """The sentences one after the other."""
    chinese = language() == "zh"
    return ("" if chinese else " ").join(_sentence(reason, "。" if chinese else ".") for reason in reasons)


def _sentence(reason: Reason, stop: str) -> str:
    """Some reasons are worded to follow others: each becomes a sentence of its own."""
    said = text("reason", reason.code, reason.values, language())
    return said[:1].upper() + said[1:] + ("" if said.endswith((".", "。")) else stop)


def rate_said(rate: Range) -> str:
    """A range of speeds: "31–45 tok/s"; one figure where both ends round to the same."""
    digits = 1 if rate.high < 10 else 0
    low, high = f"{rate.low:.{digits}f}", f"{rate.high:.{digits}f}"
    span = low if low == high else f"{low}–{high}"
    return QCoreApplication.translate("Advice", "{span} tok/s").format(span=span)


def speed_said(suggestion: Suggestion) -> str:
    """How fast it writes."""
    prediction = suggestion.plan.prediction
    unknown = QCoreApplication.translate("Advice", "speed unknown")
    return unknown if prediction is None else rate_said(prediction.decode)


def first_word_said(suggestion: Suggestion) -> str:
    """When the answer to a 1,000-token prompt begins; empty where nobody knows."""
    prediction = suggestion.plan.prediction
    if prediction is None:
        return ""
    words = QCoreApplication.translate("Advice", "first word after {time}")
    return words.format(time=seconds(prediction.ttft_s.expected, language()))


def download_said(suggestion: Suggestion) -> str:
    """The download, and what is left of the disk after it."""
    size, left = download_size(suggestion.download_bytes), suggestion.disk_left
    if left is None:
        return QCoreApplication.translate("Advice", "{size} to download").format(size=size)
    if left < 0:
        words = QCoreApplication.translate("Advice", "{size} to download, {missing} too much for the disk")
        return words.format(size=size, missing=download_size(-left))
    words = QCoreApplication.translate("Advice", "{size} to download, then {left} left on the disk")
    return words.format(size=size, left=download_size(left))


def use_said(use: MemoryUse) -> str:
    """What is taken of a device's memory: "main memory: 5.9 GiB, 7.2 GiB free"."""
    name, taken = device_name(use.device), memory_size(use.total)
    if use.free is None:
        return QCoreApplication.translate("Advice", "{name}: {taken}").format(name=name, taken=taken)
    words = QCoreApplication.translate("Advice", "{name}: {taken} of {free} free")
    return words.format(name=name, taken=taken, free=memory_size(use.free))


def picks(advice: Advice) -> list[tuple[str, Suggestion]]:
    """The picks with their headings, each model once: "Balanced", or "Balanced and best"."""
    named = (("balanced", advice.balanced), ("fast", advice.fast), ("best", advice.best))
    found: dict[str, tuple[list[str], Suggestion]] = {}
    for name, suggestion in named:
        if suggestion is not None:
            names, _ = found.setdefault(f"{suggestion.model} {suggestion.quantization}", ([], suggestion))
            names.append(text("cli", f"pick_{name}", {}, language()))
    comma = "、" if language() == "zh" else ", "
    headings = ((comma.join(names), suggestion) for names, suggestion in found.values())
    return [(heading[:1].upper() + heading[1:], suggestion) for heading, suggestion in headings]
