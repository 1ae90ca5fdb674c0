"""Where a model would run on this machine, in the words of the window, and what a person could do about it."""

from PySide6.QtCore import QCoreApplication

from app.protocol import ModelEntry, Reason, Verdict
from app.ui.translate import language
from app.words import text


def verdict_words(entry: ModelEntry) -> str:
    """In few words, where it is worth saying: not for what simply runs on the processor."""
    match entry.verdict:
        case Verdict.GPU:
            return QCoreApplication.translate("Verdict", "fits the graphics card")
        case Verdict.PARTLY:
            return QCoreApplication.translate("Verdict", "partly on the graphics card")
        case Verdict.NO:
            return QCoreApplication.translate("Verdict", "does not fit")
        case _:
            return ""


def verdict_notes(entry: ModelEntry) -> str:
    """What was or would be given up, and what would change it: a sentence each; empty where there is nothing."""
    if entry.verdict is Verdict.NO:
        short = QCoreApplication.translate("Verdict", "There is not enough memory.")
        return "  ".join([short, *_said(entry.would_change)])
    return "  ".join(_said((*entry.given_up, *entry.would_change)))


def _said(reasons: tuple[Reason, ...]) -> list[str]:
    """Each as a sentence of its own."""
    stop = "。" if language() == "zh" else "."
    found = []
    for reason in reasons:
        words = text("reason", reason.code, reason.values, language())
        found.append(words[:1].upper() + words[1:] + ("" if words.endswith((".", "。")) else stop))
    return found
