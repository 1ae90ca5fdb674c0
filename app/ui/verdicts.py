"""Where a model would run, as a sign with its word, wherever the window says so."""

from PySide6.QtCore import QCoreApplication

from app.protocol import Verdict

SIGNS = {Verdict.GPU: "●", Verdict.PARTLY: "◐", Verdict.CPU: "○", Verdict.NO: "✕"}
TONES = {Verdict.GPU: "good", Verdict.PARTLY: "warn", Verdict.CPU: "muted", Verdict.NO: "bad"}
"""Names of colours; the word always stands beside."""


def verdict_words(verdict: Verdict) -> str:
    """ "● on the graphics card"."""
    translate = QCoreApplication.translate
    words = {
        Verdict.GPU: translate("Verdict", "on the graphics card"),
        Verdict.PARTLY: translate("Verdict", "partly on the graphics card"),
        Verdict.CPU: translate("Verdict", "on the processor"),
        Verdict.NO: translate("Verdict", "does not fit"),
    }
    return f"{SIGNS[verdict]} {words[verdict]}"


def quantization_words(name: str) -> str:
    """What a quantization means for a person, with its name: "smaller file, slightly less exact (Q4_K_M)"."""
    translate = QCoreApplication.translate
    bits = next((character for character in name if character.isdigit()), "")
    meaning = {
        "1": translate("Verdict", "very small file, much less exact"),
        "2": translate("Verdict", "very small file, clearly less exact"),
        "3": translate("Verdict", "small file, noticeably less exact"),
        "4": translate("Verdict", "smaller file, slightly less exact"),
        "5": translate("Verdict", "smaller file, hardly less exact"),
        "6": translate("Verdict", "large file, practically exact"),
        "8": translate("Verdict", "large file, practically exact"),
    }.get(bits, "")
    if name.upper() in ("F16", "BF16", "F32"):
        meaning = translate("Verdict", "very large file, exact")
    return f"{meaning} ({name})" if meaning else name
