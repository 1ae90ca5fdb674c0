"""The tool that keeps the Chinese complete: its check must fail where something is missing."""

import ast
import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[2] / "packaging" / "translations.py"
SPEC = importlib.util.spec_from_file_location("translations_tool", PATH)
assert SPEC is not None
assert SPEC.loader is not None
tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tool)


def test_the_window_speaks_chinese_completely() -> None:
    assert [*tool.untranslated(), *tool.missing_words(), *tool.stale_files()] == []


def bare(source: str) -> list[str]:
    return [text for _, text in tool.bare_words(ast.parse(source))]


def test_words_without_tr_are_found() -> None:
    assert bare('label.setText("Hello")') == ["Hello"]
    assert bare('label.setText(f"{count} files")') == [" files"]
    assert bare('menu.addAction(icon, "Delete")') == ["Delete"]
    assert bare('show_toast(self, "Deleted")') == ["Deleted"]
    assert bare('row.set_words(self.tr("A"), "B")') == ["B"]


def test_signs_names_and_translated_words_are_fine() -> None:
    assert bare('label.setText(self.tr("Hello"))') == []
    assert bare('label.setText("· %")') == []
    assert bare('self.setWindowTitle("Alcove")') == []
    assert bare("label.setText(title)") == []


def test_a_file_with_bare_words_fails_the_check(tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text('class A:\n    def f(self):\n        self.b.setToolTip("Press me")\n')
    assert tool.untranslated(tmp_path) == ["page.py:3: not translated: 'Press me'"]


TS = """<?xml version="1.0" encoding="utf-8"?><!DOCTYPE TS>
<TS version="2.1" language="zh_CN"><context><name>A</name>
<message><source>One</source><translation>一</translation></message>
<message><source>Two</source><translation type="unfinished"></translation></message>
<message><source>Three</source><translation type="unfinished">三</translation></message>
</context></TS>"""


def test_unfinished_strings_are_found(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    path.write_text(TS, encoding="utf-8")
    assert tool.messages(path) == {("A", "One"): "一", ("A", "Two"): None, ("A", "Three"): None}
    assert tool.unfinished(path) == ["no Chinese for A: 'Two'", "no Chinese for A: 'Three'"]


def test_a_stale_qm_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.ts"
    path.write_text(TS, encoding="utf-8")
    monkeypatch.setattr(tool, "TS", path)
    assert tool.stale_files() == ["a.qm is stale: run packaging/translations.py"]
    tool.compile_ts(path, path.with_suffix(".qm"))
    assert tool.stale_files() == []
    path.write_text(TS.replace("一", "壹"), encoding="utf-8")
    assert tool.stale_files() == ["a.qm is stale: run packaging/translations.py"]


def test_placeholders_are_compared() -> None:
    assert tool.placeholders("{free} of {total}") == tool.placeholders("{total} 中可用 {free}")
    assert tool.placeholders("{free}") != tool.placeholders("{fre}")
