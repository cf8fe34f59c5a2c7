"""Settings: one table, three sources, and a sentence for every wrong value."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from locator.cli import main
from locator.errors import SettingsError
from locator.settings import Settings, describe_settings, read_settings


def test_the_environment_wins_over_the_file_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "locator.toml"
    file.write_text('ride_speed_kmh = 20\nlanguage = "en"\n', encoding="utf-8")
    found = read_settings({"LOCATOR_LANGUAGE": "zh"}, file)
    assert (found.ride_speed_kmh, found.language, found.detour_factor) == (20.0, "zh", 1.3)
    assert read_settings({"LOCATOR_CONFIG": str(file)}).language == "en"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("TIMEZONE", "Mars/Base", "name of a time zone"),
        ("COUNTRY", "China", "two letters"),
        ("LANGUAGE", "fr", "zh or en"),
        ("RIDE_SPEED_KMH", "0", "above 0"),
        ("RIDE_SPEED_KMH", "fast", "fast"),
        ("RIDE_SPEED_KMH", "nan", "above 0"),
        ("DETOUR_FACTOR", "0.9", "1 or more"),
        ("MIN_MINUTES_LEFT", "-1", "0 or more"),
        ("PROFILE", "walking", "e-bike, walk"),
        ("PROFILE", "walk", "RIDE_SPEED_KMH 18 is no walker's"),
        ("PUSH_SPEED_KMH", "11", "1 to 10"),
        ("TRUNK_ROADS", "yes", "tagged, open"),
        ("PRIVATE_WAYS", "", "push, closed"),
        ("FERRY_WAIT_MINUTES", "-5", "0 or more"),
        ("BASEMAP", "google", "osm, tianditu"),
        ("BASEMAP", "javascript:alert(1)//{z}", "osm, tianditu"),
        ("BASEMAP", "https://x.org;script-src/{z}/{x}/{y}", "osm, tianditu"),
        ("BASEMAP", "https://a b/{z}/{x}/{y}", "osm, tianditu"),
        ("BASEMAP", "https://x.org/{z}", "osm, tianditu"),
        ("BASEMAP", "tianditu", "needs LOCATOR_BASEMAP_KEY"),
        ("FRAME_ANCESTORS", "*; script-src *", "origins"),
        ("CONTACT_EMAIL", "data at example.org", "e-mail address"),
        ("CONTACT_EMAIL", "<script>@example.org", "e-mail address"),
        ("DATA_LICENCE", "do what you want", "SPDX"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_must_be(name: str, value: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=f"LOCATOR_{name}.*{reason}"):
        read_settings({f"LOCATOR_{name}": value})


def test_a_misspelt_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="LOCATOR_SPEED: there is no such setting"):
        read_settings({"LOCATOR_SPEED": "20"})
    ours = (
        "LOCATOR_REALDATA",
        "LOCATOR_REQUIRE_ALL",
        "LOCATOR_TEST_PATIENCE",
        "LOCATOR_TEST_THOROUGH",
        "PATH",
    )
    read_settings(dict.fromkeys(ours, "1"))


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("speed = 3", encoding="utf-8")
    with pytest.raises(SettingsError, match="no such setting"):
        read_settings({}, tmp_path / "a.toml")
    (tmp_path / "b.toml").write_text("not toml", encoding="utf-8")
    with pytest.raises(SettingsError, match="not TOML"):
        read_settings({}, tmp_path / "b.toml")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings({}, tmp_path / "none.toml")


def test_the_command_line_says_it_in_one_sentence() -> None:
    result = CliRunner(env={"LOCATOR_COUNTRY": "China"}).invoke(main, ["settings"])
    assert result.exit_code == 2
    assert result.stderr.startswith("locator: LOCATOR_COUNTRY is 'China'")
    assert "Traceback" not in result.output


def test_keys_are_masked(cli: Callable[..., Result]) -> None:
    rows = describe_settings(Settings(basemap_key="secret"))
    assert {row.value for row in rows if row.name == "LOCATOR_BASEMAP_KEY"} == {"***"}
    assert "LOCATOR_RIDE_SPEED_KMH = '18.0'" in cli("settings").stdout


@pytest.mark.parametrize("value", ["[" * 3000, "1" * 5000])
def test_a_settings_file_too_deep_or_too_long_to_read_is_one_sentence(
    tmp_path: Path, value: str
) -> None:
    file = tmp_path / "locator.toml"
    file.write_text(f"ride_speed_kmh = {value}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="is not TOML"):
        read_settings({}, file)
