"""Settings: the file gives way to the environment, that to flags, and each value says where it came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoagent.config import Configuration, Settings, get_default_file, load_configuration
from repoagent.errors import UserError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration file."""
    path = tmp_path / "config.toml"
    path.write_text('samples = 2\nmax_minutes = 3\nmodel = "from-file"\n')
    return path


def found(configuration: Configuration, name: str) -> tuple[object, str]:
    """A setting's value and source."""
    [origin] = [each for each in configuration.origins if each.name == name]
    assert getattr(configuration.settings, name) == origin.value
    return origin.value, origin.source


def test_flags_go_before_the_environment_and_that_before_the_file(file: Path) -> None:
    environment = {"REPOAGENT_MAX_MINUTES": "5", "REPOAGENT_SAMPLES": "4", "UNRELATED": "1"}
    configuration = load_configuration({"samples": 6, "seed": None}, environment, file)
    assert found(configuration, "samples") == (6, "--samples")
    assert found(configuration, "max_minutes") == (5.0, "REPOAGENT_MAX_MINUTES")
    assert found(configuration, "model") == ("from-file", str(file))
    assert found(configuration, "seed") == (0, "default")


def test_every_setting_is_told_once_and_described(file: Path) -> None:
    names = [origin.name for origin in load_configuration({}, {}, file).origins]
    assert names == list(Settings.model_fields)


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    assert {origin.source for origin in load_configuration({}, {}, tmp_path / "none.toml").origins} == {"default"}


def test_the_file_lies_where_settings_of_users_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert get_default_file() == tmp_path / "repoagent" / "config.toml"


@pytest.mark.parametrize(
    ("flags", "environment", "message"),
    [
        ({"sandbox": "chroot"}, {}, r"^sandbox \(--sandbox\): .*'docker'"),
        ({"max_minutes": -1.0}, {}, r"^max_minutes \(--max-minutes\)"),
        ({"samples": 0}, {}, r"^samples \(--samples\)"),
        ({}, {"REPOAGENT_MAX_MINUTES": "abc"}, r"^max_minutes \(REPOAGENT_MAX_MINUTES\): .*number"),
        ({}, {"REPOAGENT_PIDS": "1"}, r"^pids \(REPOAGENT_PIDS\)"),
        ({}, {"REPOAGENT_MAX_MINUTES": "nan"}, r"^max_minutes \(REPOAGENT_MAX_MINUTES\)"),
    ],
)
def test_a_bad_value_is_named_with_its_source(
    flags: dict[str, object], environment: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        load_configuration(flags, environment, tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('colour = "red"', r"^colour \(.*config\.toml\)"),
        ("samples = 'many'", r"^samples \(.*config\.toml\)"),
        ("samples =", r"config\.toml cannot be read as TOML"),
        ("[samples]\nx = 1", r"^samples \(.*config\.toml\)"),
    ],
)
def test_a_bad_file_is_named(text: str, message: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        load_configuration({}, {}, file)


def test_a_file_that_is_a_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        load_configuration({}, {}, tmp_path)
