"""A scenario as a page draws it up: checked by the rules of the file, and written as one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import yaml

from locator.coverage import Scenario
from locator.errors import InputError
from locator.planner.answer import Ask
from locator.study import scenario_of

FILE_NAME = "scenario.yaml"
MAX_ADDED = 50
MAX_CHANGED = 200
_MAX_TEXT = 200
_SOURCE = "The scenario"
_KEYS = ("name", "close", "open", "hours", "services", "move", "add")
_STATION = frozenset(
    {"id", "name", "kind", "host", "lon", "lat", "services", "opening_hours", "platforms"}
)
Plain = str | int | float | list["Plain"] | dict[str, "Plain"]


@dataclass(frozen=True)
class Draft:
    """A scenario with its file.

    Attributes
    ----------
    key
        The same for the same changes, whatever they are called.
    scenario
        What the file says.
    text
        The file: YAML, as ``locator gaps --scenario`` reads it.
    """

    key: str
    scenario: Scenario
    text: str


def read_draft(given: object) -> Draft | None:
    """Read what a page sends; without a change it is no scenario.

    Parameters
    ----------
    given
        Lists, maps, texts and numbers with the keys of a scenario file; its datum is WGS-84.

    Raises
    ------
    InputError
        An entry is wrong, or there are too many.
    """
    if given is None:
        return None
    if not isinstance(given, dict):
        raise InputError(f"{_SOURCE} must be a map with keys such as close, move, add.")
    unknown = sorted(str(key) for key in given if key not in _KEYS)
    if unknown:
        raise InputError(f"{_SOURCE}: {unknown[0][:40]!r} is not one of {', '.join(_KEYS)}.")
    plain = {key: _plain(given[key], key, 0) for key in _KEYS if given.get(key)}
    changes = {key: value for key, value in plain.items() if key != "name"}
    if not changes:
        return None
    _check_counts(changes)
    scenario = scenario_of(_as_texts(plain), source=_SOURCE)
    text = yaml.safe_dump(plain, allow_unicode=True, sort_keys=False, width=100)
    return Draft(json.dumps(changes, ensure_ascii=False, sort_keys=True), scenario, text)


def _check_counts(changes: Mapping[str, Plain]) -> None:
    for key, value in changes.items():
        most = MAX_ADDED if key == "add" else MAX_CHANGED
        if isinstance(value, (list, dict)) and len(value) > most:
            raise InputError(f"{_SOURCE}: {key} has {len(value)} entries; a page takes {most}.")
    added = changes.get("add", [])
    for item in added if isinstance(added, list) else []:
        other = sorted(set(item) - _STATION) if isinstance(item, dict) else []
        if other:
            raise InputError(
                f"{_SOURCE}: add takes {', '.join(sorted(_STATION))}, not {other[0][:40]!r}."
            )


def _plain(value: object, where: str, depth: int) -> Plain:
    """Check that a value is made of lists, maps, short texts and numbers."""
    if isinstance(value, str):
        if len(value) > _MAX_TEXT:
            raise InputError(f"{_SOURCE}: {where} holds a text of more than {_MAX_TEXT} letters.")
        # A lone surrogate cannot be written as UTF-8, a control character not in YAML.
        if not value.isprintable() or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise InputError(f"{_SOURCE}: {where} holds a letter that cannot be written.")
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9:
        return value
    if isinstance(value, list) and depth < 3:
        return [_plain(item, where, depth + 1) for item in value]
    if isinstance(value, dict) and depth < 3:
        return {
            str(_plain(name, where, depth)): _plain(item, where, depth + 1)
            for name, item in value.items()
        }
    raise InputError(f"{_SOURCE}: {where} holds {str(value)[:40]!r}; see docs/planner.md.")


def _as_texts(value: Plain) -> Plain:
    """Return a value as the reader of files gives it: every number is a text."""
    if isinstance(value, list):
        return [_as_texts(item) for item in value]
    if isinstance(value, dict):
        return {name: _as_texts(item) for name, item in value.items()}
    return value if isinstance(value, str) else repr(value)


def study_command(ask: Ask, monday: date, draft: Draft | None) -> str:
    """Return the command whose tables hold the numbers of a question's answer."""
    words = ["locator gaps", f"--minutes {ask.limit_s / 60:g}"]
    words += [f"--kind {kind.value}" for kind in sorted(ask.chosen.kinds)]
    words += [f"--service {service.value}" for service in sorted(ask.chosen.services)]
    words += [f"--hourly --week {monday.isoformat()}"]
    if draft is not None:
        words.append(f"--scenario {FILE_NAME}")
    return " ".join([*words, "--out gaps-scenario" if draft is not None else "--out gaps"])
