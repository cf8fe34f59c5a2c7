"""The locks: every range of pyproject.toml is met, every package has a hash, nothing is local."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS = ("dev", "geodata", "hotzones")
PLATFORMS = [
    {"sys_platform": system, "platform_system": name, "os_name": kind, "python_version": version,
     "python_full_version": f"{version}.9"}
    for version in ("3.11", "3.12", "3.13", "3.14")
    for system, name, kind in (
        ("linux", "Linux", "posix"), ("darwin", "Darwin", "posix"), ("win32", "Windows", "nt"))
]  # fmt: skip


def entries(name: str) -> list[tuple[Requirement, int]]:
    """Return what a lock pins, each with its number of hashes."""
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return [
        (
            Requirement(line.split("--hash")[0].strip()),
            len(re.findall(r"--hash=sha256:\w{64}", line)),
        )
        for line in lines
    ]


def pinned(name: str, platform: dict[str, str]) -> dict[str, str]:
    """Return the versions that a lock installs on a platform."""
    found: dict[str, str] = {}
    for entry, _hashes in entries(name):
        if entry.marker is None or entry.marker.evaluate(platform):
            key = canonicalize_name(entry.name)
            assert key not in found, f"{name} pins {key} twice on {platform}"
            found[key] = str(entry.specifier).removeprefix("==")
    return found


def wanted(extras: tuple[str, ...]) -> list[Requirement]:
    """Return the ranges of pyproject.toml, the build backend's included."""
    project = PROJECT["project"]
    texts = [*project["dependencies"], *PROJECT["build-system"]["requires"]]
    texts += PROJECT["dependency-groups"]["build"]
    for extra in extras:
        texts += project["optional-dependencies"][extra]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize(
    ("name", "extras"), [("requirements.lock", EXTRAS), ("requirements-serve.lock", ())]
)
def test_a_lock_meets_every_range_on_every_platform(name: str, extras: tuple[str, ...]) -> None:
    for platform in PLATFORMS:
        versions = pinned(name, platform)
        for requirement in wanted(extras):
            if requirement.marker is None or Marker(str(requirement.marker)).evaluate(platform):
                version = versions.get(canonicalize_name(requirement.name), "0")
                assert requirement.specifier.contains(version), f"make update: {requirement}"


def test_what_serves_is_locked_as_what_is_tested() -> None:
    for platform in PLATFORMS:
        tested = pinned("requirements.lock", platform)
        assert pinned("requirements-serve.lock", platform).items() <= tested.items()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-serve.lock"])
def test_a_lock_has_hashes_and_no_address(name: str) -> None:
    assert all(hashes for _entry, hashes in entries(name))
    assert not re.search(r"://|^-|file:", (ROOT / name).read_text("utf-8"), re.MULTILINE)
