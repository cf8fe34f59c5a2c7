"""One frozen table of settings, read once from ``LOCATOR_*`` and a TOML file.

A variable of the environment wins over the file, the file over the default. Names, defaults
and explanations stand here and nowhere else; ``locator settings`` prints them.
"""

import ipaddress
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from locator.errors import SettingsError

PREFIX = "LOCATOR_"
_NOT_SETTINGS = frozenset(
    {"CONFIG", "PEERS", "REALDATA", "REQUIRE_ALL", "TEST_PATIENCE", "TEST_THOROUGH"}
)
TRAVELS = ("auto", "roads", "straightline")
WEATHERS = ("none", "heat", "cold", "rain")
PROFILES = ("e-bike", "walk")
TRUNKS = ("tagged", "open")
PRIVATES = ("push", "closed")
_FASTEST_WALK_KMH = 7.0
JOBS = ("local", "everyone", "nobody")
BASEMAPS = ("osm", "tianditu", "none")


def _text(value: str) -> str:
    return value.strip()


def _positive(value: str) -> float:
    number = float(value)
    if not 0 < number < float("inf"):
        raise ValueError("must be a number above 0")
    return number


def _at_least_one(value: str) -> float:
    number = _positive(value)
    if number < 1:
        raise ValueError("must be 1 or more: no way is shorter than the straight line")
    return number


def _minutes(value: str) -> int:
    number = int(value)
    if number < 0:
        raise ValueError("must be 0 or more")
    return number


def _proxies(value: str) -> int:
    number = int(value)
    if not 0 <= number <= 10:
        raise ValueError("must be the number of proxies in front, 0 to 10")
    return number


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("must be the name of a time zone, such as Asia/Shanghai") from error
    return value


def _country(value: str) -> str:
    code = value.strip().upper()
    if len(code) != 2 or not code.isalpha():  # ISO 3166-1 alpha-2
        raise ValueError("must be a country's two letters, such as CN")
    return code


def _language(value: str) -> str:
    if value not in {"zh", "en"}:
        raise ValueError("must be zh or en")
    return value


def _one_of(words: tuple[str, ...]) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return value

    return parse


def _push_speed(value: str) -> float:
    number = float(value)
    if not 1 <= number <= 10:
        raise ValueError("must be 1 to 10 km/h")
    return number


def _basemap(value: str) -> str:
    if value in BASEMAPS:
        return value
    parts = urlsplit(value)
    # The host goes into the pages' Content-Security-Policy, so nothing else may stand in it.
    host = re.fullmatch(r"[A-Za-z0-9.-]+(:\d+)?", parts.netloc.replace("{s}", "s"))
    holes = all(hole in value for hole in ("{z}", "{x}", "{y}"))
    if parts.scheme in {"http", "https"} and host and holes and not re.search(r"\s", value):
        return value
    raise ValueError("must be osm, tianditu, none, or a tile address with {z}, {x} and {y}")


def _ancestors(value: str) -> str:
    if any(c in value for c in ";,\r\n"):
        raise ValueError("must be a list of origins separated by spaces, or *")
    return " ".join(value.split())


def _email(value: str) -> str:
    address = value.strip()
    if address and not re.fullmatch(r"[^@\s<>\"']+@[^@\s<>\"']+\.[^@\s<>\"'.]+", address):
        raise ValueError("must be an e-mail address, such as data@example.org")
    return address


def _licence(value: str) -> str:
    code = value.strip()
    if not re.fullmatch(r"[A-Za-z0-9.+-]{0,40}", code):
        raise ValueError("must be an identifier of the SPDX list, such as CC-BY-4.0")
    return code


_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)


def host_name(text: str) -> str:
    """Return a host name or IP address as it is compared: in small letters, IPv6 without brackets.

    Raises
    ------
    ValueError
        It is neither.
    """
    name = text.strip().lower().removesuffix(".")
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    if ":" in bare:
        return str(ipaddress.IPv6Address(bare))
    if not name.isascii():
        name = name.encode("idna").decode("ascii")
    if not _HOST.fullmatch(name):
        raise ValueError(f"{text[:60]!r} is not the name of a host")
    return name


def _hosts(value: str) -> str:
    names = [name for name in re.split(r"[\s,]+", value) if name]
    try:
        return " ".join(dict.fromkeys(host_name(name) for name in names))
    except ValueError as error:
        raise ValueError(
            "must be host names without scheme and port, separated by spaces, such as "
            "rest.example.gov.cn"
        ) from error


def _public_url(value: str) -> str:
    text = value.strip()
    if not text:
        return ""
    told = "must be the site's whole address, such as https://rest.example.gov.cn"
    try:
        parts = urlsplit(text)
        name, port = host_name(parts.hostname or ""), parts.port
    except ValueError as error:
        raise ValueError(told) from error
    path = parts.path.rstrip("/")
    extra = parts.query or parts.fragment or "@" in parts.netloc
    extra = extra or not re.fullmatch(r"(/[\w.~-]+)*", path, re.ASCII)
    if parts.scheme not in {"http", "https"} or extra:
        raise ValueError(told)
    name = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{name}{f':{port}' if port else ''}{path}"


def _setting(default: object, help_text: str, parse: Callable[[str], object]) -> object:
    return field(default=default, metadata={"help": help_text, "parse": parse})


@dataclass(frozen=True)
class Settings:
    """The settings of one process; build it with :func:`read_settings`."""

    store: str = _setting(  # type: ignore[assignment]
        "",
        "where the store is: geopackage:PATH; empty for a file in your own data folder",
        _text,
    )
    timezone: str = _setting(  # type: ignore[assignment]
        "Asia/Shanghai", "time zone of the stations; never the server's", _timezone
    )
    country: str = _setting(  # type: ignore[assignment]
        "CN", "country whose public holidays opening hours mean by PH", _country
    )
    calendar: str = _setting(  # type: ignore[assignment]
        "", "CSV of make-up workdays and holidays; empty for the one that ships", _text
    )
    language: str = _setting(  # type: ignore[assignment]
        "zh",
        "language of maps, figures and files, and of pages for browsers that ask for neither: "
        "zh or en",
        _language,
    )
    min_minutes_left: int = _setting(  # type: ignore[assignment]
        15, "minutes a station must stay open after arrival to count as open", _minutes
    )
    weather: str = _setting(  # type: ignore[assignment]
        "none",
        "what the list favours today: none, heat, cold or rain; a rider may choose another",
        _one_of(WEATHERS),
    )
    travel: str = _setting(  # type: ignore[assignment]
        "auto",
        "how riding times are found: auto (roads once imported), roads or straightline",
        _one_of(TRAVELS),
    )
    max_snap_m: float = _setting(  # type: ignore[assignment]
        300.0, "a place farther than this from every road is out of reach, in m", _positive
    )
    ride_speed_kmh: float = _setting(  # type: ignore[assignment]
        18.0,
        "riding speed in km/h, stops included; the legal limit of an e-bike is 25 (GB 17761-2018)",
        _positive,
    )
    profile: str = _setting(  # type: ignore[assignment]
        "e-bike",
        "whose ways the roads are: e-bike, or walk with a speed of about 5; import them again",
        _one_of(PROFILES),
    )
    push_speed_kmh: float = _setting(  # type: ignore[assignment]
        4.5, "speed on foot beside the bicycle and from door to road; import again", _push_speed
    )
    trunk_roads: str = _setting(  # type: ignore[assignment]
        "tagged",
        "trunk roads (国道): tagged (only where cycling is tagged) or open; import again",
        _one_of(TRUNKS),
    )
    private_ways: str = _setting(  # type: ignore[assignment]
        "push",
        "private ways and gates: push (a rider delivers behind them) or closed; import again",
        _one_of(PRIVATES),
    )
    ferry_wait_minutes: int = _setting(  # type: ignore[assignment]
        5, "minutes waited for a ferry, besides its tagged duration; import again", _minutes
    )
    detour_factor: float = _setting(  # type: ignore[assignment]
        1.3,
        "way over straight line; road networks lie at 1.2-1.4 (Ballou, Rahardja & Sakai 2002)",
        _at_least_one,
    )
    basemap: str = _setting(  # type: ignore[assignment]
        "osm", "base map: osm, tianditu, none, or a tile address with {z}, {x} and {y}", _basemap
    )
    basemap_key: str = _setting("", "key of the base map (Tianditu's tk)", _text)  # type: ignore[assignment]
    map_approval: str = _setting(  # type: ignore[assignment]
        "",
        "审图号 of the maps shown to the public; without it district lines stay off for visitors",
        _text,
    )
    frame_ancestors: str = _setting(  # type: ignore[assignment]
        "*", "who may frame /embed pages (CSP frame-ancestors)", _ancestors
    )
    contact_email: str = _setting(  # type: ignore[assignment]
        "", "whom users of the exports write to; a GBFS feed must name one", _email
    )
    data_licence: str = _setting(  # type: ignore[assignment]
        "",
        "licence of your own stations and hot zones, by its SPDX identifier; empty: not stated",
        _licence,
    )
    jobs: str = _setting(  # type: ignore[assignment]
        "local",
        "who may start background jobs on the planner's page: local (requests from this machine), "
        "everyone or nobody",
        _one_of(JOBS),
    )
    proxies: int = _setting(  # type: ignore[assignment]
        0,
        "proxies in front whose X-Forwarded-Proto, -Host and -Prefix are believed; 0 believes none",
        _proxies,
    )
    hosts: str = _setting(  # type: ignore[assignment]
        "",
        "host names the site is served under, separated by spaces; others get 400; required "
        "behind a proxy and where the server listens beyond this machine",
        _hosts,
    )
    public_url: str = _setting(  # type: ignore[assignment]
        "",
        "the site's public address, of which whole links are made, such as "
        "https://rest.example.gov.cn; its host is one of the hosts",
        _public_url,
    )

    @property
    def host_names(self) -> frozenset[str]:
        """Return the names in ``hosts`` and the one in ``public_url``."""
        own = urlsplit(self.public_url).hostname
        return frozenset([*self.hosts.split(), *([own] if own else [])])


def parse_setting(name: str, text: str) -> object:
    """Return the value of one setting.

    Raises
    ------
    ValueError
        The text does not fit; the error says what it must be.
    """
    parse: Callable[[str], object] = Settings.__dataclass_fields__[name].metadata["parse"]
    return parse(text)


@dataclass(frozen=True)
class SettingsRow:
    """One line of ``locator settings``."""

    name: str
    value: str
    default: str
    help: str


def read_settings(environ: Mapping[str, str], file: Path | None = None) -> Settings:
    """Read the settings from the environment and, if given, a TOML file.

    Parameters
    ----------
    environ
        Usually ``os.environ``; names start with ``LOCATOR_``.
    file
        A TOML file whose keys are the settings' names in lower case. Without it,
        ``LOCATOR_CONFIG`` may name one.

    Raises
    ------
    SettingsError
        A name that does not exist, a value that does not fit, or a file that cannot be read.
    """
    if file is None and environ.get(PREFIX + "CONFIG"):
        file = Path(environ[PREFIX + "CONFIG"])
    given: dict[str, tuple[str, str]] = {}
    if file is not None:
        for name, value in _read_toml(file).items():
            given[name] = (str(value), f"{name} in {file}")
    for row in fields(Settings):
        variable = PREFIX + row.name.upper()
        if variable in environ:
            given[row.name] = (environ[variable], variable)
    known = {row.name: row for row in fields(Settings)}
    _refuse_misspelt(environ, known)
    values: dict[str, object] = {}
    for name, (text, where) in given.items():
        if name not in known:
            raise SettingsError(f"{where}: there is no such setting; see 'locator settings'.")
        try:
            values[name] = parse_setting(name, text)
        except ValueError as error:
            raise SettingsError(f"{where} is {text!r}: {error}.") from error
    settings = Settings(**values)  # type: ignore[arg-type]
    _refuse_contradictions(settings)
    return settings


def _refuse_contradictions(settings: Settings) -> None:
    if settings.basemap == "tianditu" and not settings.basemap_key:
        raise SettingsError("LOCATOR_BASEMAP is tianditu, which needs LOCATOR_BASEMAP_KEY, its tk.")
    if settings.profile == "walk" and settings.ride_speed_kmh > _FASTEST_WALK_KMH:
        raise SettingsError(
            f"LOCATOR_PROFILE is walk, but LOCATOR_RIDE_SPEED_KMH {settings.ride_speed_kmh:g} is "
            "no walker's; set it to about 5."
        )


def _refuse_misspelt(environ: Mapping[str, str], known: Collection[str]) -> None:
    """Refuse a variable that names no setting: it would be a silent default."""
    for variable in sorted(environ):
        name = variable.removeprefix(PREFIX)
        if variable.startswith(PREFIX) and name.lower() not in known and name not in _NOT_SETTINGS:
            raise SettingsError(f"{variable}: there is no such setting; see 'locator settings'.")


def _read_toml(file: Path) -> dict[str, object]:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise SettingsError(
            f"The settings file {file} cannot be read: {error.strerror}."
        ) from error
    except (ValueError, RecursionError) as error:  # not TOML or UTF-8, too long, too deep
        raise SettingsError(f"The settings file {file} is not TOML: {error}.") from error


def describe_settings(settings: Settings) -> list[SettingsRow]:
    """List every setting with its value, default and explanation; keys of services are masked."""
    rows = []
    for row in fields(Settings):
        value = str(getattr(settings, row.name))
        if row.name.endswith("_key") and value:
            value = "***"
        rows.append(
            SettingsRow(PREFIX + row.name.upper(), value, str(row.default), row.metadata["help"])
        )
    return rows
