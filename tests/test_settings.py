"""Settings are typed, survive a round trip and refuse what makes no sense."""

from pathlib import Path

import msgspec
import pytest

from app.errors import AppError
from app.protocol import Options, Preset, Sampling
from app.settings import Accent, LanguageChoice, Settings, Theme, change_settings, load_settings, save_settings


def test_a_new_installation_has_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "settings.json") == Settings()


def test_settings_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "data" / "settings.json"
    settings = Settings(
        language=LanguageChoice.CHINESE, theme=Theme.DARK, accent=Accent.ROSE, text_size=130, model_folder="/m"
    )
    save_settings(path, settings)
    assert load_settings(path) == settings
    assert path.stat().st_mode & 0o777 == 0o600


def test_unknown_fields_of_a_newer_version_are_ignored_on_reading(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"theme": "dark", "invented_later": 1}')
    assert load_settings(path).theme is Theme.DARK


@pytest.mark.parametrize("content", ["{", '{"theme": "purple"}', '{"text_size": 5}', "[]"])
def test_damaged_settings_are_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(content)
    with pytest.raises(AppError) as caught:
        load_settings(path)
    assert caught.value.code == "settings_damaged"
    assert str(path) in caught.value.message


def test_a_change_touches_only_its_fields() -> None:
    changed = change_settings(Settings(text_size=120), b'{"theme": "dark"}')
    assert changed == Settings(text_size=120, theme=Theme.DARK)


@pytest.mark.parametrize("change", [b'{"colour": "red"}', b'{"text_size": 500}', b'{"theme": 3}', b"nonsense", b"[1]"])
def test_a_wrong_change_is_refused(change: bytes) -> None:
    with pytest.raises(AppError) as caught:
        change_settings(Settings(), change)
    assert caught.value.code == "bad_request"


def test_presets_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    preset = Preset(
        name="Strict",
        system_prompt="Be brief.",
        options=Options(sampling=Sampling(temperature=0, logit_bias={7: -2.5}), tools=("get_time",)),
    )
    settings = change_settings(Settings(), msgspec.json.encode({"presets": [preset], "state_disk_mb": 5}))
    assert settings == Settings(presets=(preset,), state_disk_mb=5)
    save_settings(path, settings)
    assert load_settings(path) == settings
    assert change_settings(settings, b'{"theme": "dark"}').presets == (preset,)


@pytest.mark.parametrize(
    "change",
    [
        b'{"presets": [{"name": "a"}, {"name": "a "}]}',
        b'{"presets": [{"name": " "}]}',
        b'{"presets": [{"system_prompt": "x"}]}',
        b'{"state_disk_mb": -1}',
    ],
)
def test_presets_without_a_name_of_their_own_are_refused(change: bytes) -> None:
    with pytest.raises(AppError) as caught:
        change_settings(Settings(), change)
    assert caught.value.code == "bad_request"
