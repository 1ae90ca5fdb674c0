"""The Chinese of the window: `update` collects new strings and compiles, `--check` fails where something is missing."""

import argparse
import ast
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "app" / "ui"
FOLDER = ROOT / "resources" / "translations"
TS = FOLDER / "alcove_zh_CN.ts"

SPOKEN_CALLS = {
    "setText": 0,
    "setToolTip": 0,
    "setAccessibleName": 0,
    "setAccessibleDescription": 0,
    "setPlaceholderText": 0,
    "setWindowTitle": 0,
    "setTitle": 0,
    "setLabelText": 0,
    "setStatusTip": 0,
    "set_label": 0,
    "set_words": 0,
    "addAction": -1,
    "addMenu": -1,
    "show_toast": 1,
}
"""Calls whose argument at that place a person reads."""


def main() -> int:
    """Run as a script; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, report what is wrong")
    if parser.parse_args().check:
        problems = [*untranslated(), *missing_words(), *stale_files()]
        print("\n".join(problems) or "translations: complete")
        return 1 if problems else 0
    collect(TS)
    compile_ts(TS, TS.with_suffix(".qm"))
    print("\n".join(unfinished(TS)) or "translations: complete")
    return 0


def collect(target: Path) -> None:
    """Bring a .ts file in step with the sources; what is no longer said goes."""
    files = [str(path.relative_to(ROOT)) for path in sorted(SOURCES.rglob("*.py"))]
    options = ["-no-obsolete", "-locations", "none", "-source-language", "en", "-target-language", "zh_CN"]
    _run("lupdate", *files, *options, "-ts", str(target))


def compile_ts(source: Path, target: Path) -> None:
    """Compile a .ts into a .qm; unfinished strings stay out of it."""
    _run("lrelease", str(source), "-qm", str(target))


def messages(path: Path) -> dict[tuple[str, str], str | None]:
    """(context, source) to translation, None where it is unfinished."""
    found: dict[tuple[str, str], str | None] = {}
    for context in ET.parse(path).getroot().iter("context"):
        for message in context.iter("message"):
            element = message.find("translation")
            text = "" if element is None else "".join(element.itertext())
            done = element is not None and element.get("type") is None and bool(text)
            found[context.findtext("name", ""), message.findtext("source", "")] = text if done else None
    return found


def unfinished(path: Path) -> list[str]:
    """One line for each string without words."""
    return [f"no Chinese for {context}: {source!r}" for (context, source), text in messages(path).items() if not text]


def missing_words() -> list[str]:
    """Strings of the sources that the .ts does not hold or leaves unfinished, and placeholders that differ."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / TS.name
        fresh.write_bytes(TS.read_bytes())
        collect(fresh)
        known = messages(TS)
        problems = [
            f"not in {TS.name}, run packaging/translations.py: {key}" for key in messages(fresh) if key not in known
        ]
    problems += unfinished(TS)
    for (context, source), text in known.items():
        if text and placeholders(source) != placeholders(text):
            problems.append(f"other placeholders in the Chinese of {context}: {source!r}")
    return problems


def placeholders(text: str) -> list[str]:
    """The names in braces, sorted."""
    return sorted(part.split("}")[0] for part in text.split("{")[1:])


def stale_files() -> list[str]:
    """Whether the .qm is what the .ts compiles to."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "fresh.qm"
        compile_ts(TS, fresh)
        current = TS.with_suffix(".qm")
        if not current.exists() or current.read_bytes() != fresh.read_bytes():
            return [f"{current.name} is stale: run packaging/translations.py"]
    return []


def untranslated(folder: Path = SOURCES) -> list[str]:
    """Words given to a widget without `tr`."""
    problems = []
    for path in sorted(folder.rglob("*.py")):
        for line, text in bare_words(ast.parse(path.read_text(encoding="utf-8"))):
            problems.append(f"{path.relative_to(folder)}:{line}: not translated: {text!r}")
    return problems


def bare_words(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, text) of each literal with letters that is said to a person as it stands."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = SPOKEN_CALLS.get(name)
        if place is None or not node.args or place >= len(node.args):
            continue
        for said in node.args if name == "set_words" else [node.args[place]]:
            text = _literal(said)
            if _is_prose(text):
                yield node.lineno, text


def _literal(node: ast.expr) -> str:
    """The fixed text of a string or an f-string; empty for everything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_literal(part) for part in node.values)
    return ""


def _is_prose(text: str) -> bool:
    """Names of ours and signs are not translated."""
    return any(character.isalpha() for character in text.replace("Alcove", ""))


def _run(tool: str, *arguments: str) -> None:
    """Run one of PySide6's own tools. Raises CalledProcessError."""
    command = [sys.executable, "-c", f"from PySide6.scripts.pyside_tool import {tool}; {tool}()", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
