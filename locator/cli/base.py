"""What the commands share: errors in one sentence, option types, the open service."""

import functools
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast
from zoneinfo import ZoneInfo

import click

from locator import questions
from locator.errors import InputError, LocatorError
from locator.questions import Given, Reader
from locator.schema import Amenity, Datum, Kind, LabelledEnum
from locator.settings import TRAVELS, Settings, parse_setting

_NEGATIVE = re.compile(r"-(\d+[.]?\d*|[.]\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_F = TypeVar("_F", bound=Callable[..., object])
T = TypeVar("T")

if TYPE_CHECKING:
    from locator.register import Mapping as ColumnMapping
    from locator.service import Service

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


DATUMS = click.Choice([datum.value for datum in Datum])


def word(
    name: str,
    metavar: str,
    reader: Reader[object] | None,
    what: str | None = None,
    *,
    to: str | None = None,
    default: str | None = None,
    multiple: bool = False,
    nargs: int = 1,
) -> "Callable[[_F], _F]":
    """Return what adds an option that is a word of a question.

    Parameters
    ----------
    reader
        Reads what was typed; None leaves it, to be read with the whole question.
    what
        The help.
    to
        The parameter of the function, where it is not the option's name.
    """
    return click.option(
        *((name,) if to is None else (name, to)),
        metavar=metavar,
        callback=None if reader is None else read_as(reader),
        help=what,
        default=default,
        show_default=default is not None,
        multiple=multiple,
        nargs=nargs,
    )


def read_as(reader: Reader[T]) -> Callable[[click.Context, click.Parameter, object], T | None]:
    """Return a callback that reads an option or an argument, called as it is written."""

    def read(_: click.Context, param: click.Parameter, value: object) -> T | None:
        return None if value is None else reader(_written(param), value)

    return read


def _written(param: click.Parameter) -> str:
    return max(param.opts, key=len) if isinstance(param, click.Option) else str(param.name).upper()


def read_local(name: str, value: object) -> datetime:
    """Read a moment, which without an offset is in the time zone of the settings."""
    settings = click.get_current_context().find_object(Settings)
    assert settings is not None  # noqa: S101 - the group has read them
    return questions.moment(ZoneInfo(settings.timezone))(name, value)


def codes_of(enum: type[LabelledEnum]) -> str:
    """Return the codes of an enum as help shows them."""
    return f"[{'|'.join(member.value for member in enum)}]"


AS_OF = word("--as-of", "ISO", read_local, "Stations and hot zones as they were then, local time.")
KIND = word(
    "--kind",
    codes_of(Kind),
    questions.codes(Kind),
    "Stations that count.",
    to="kinds",
    multiple=True,
)
SERVICE = word(
    "--service",
    codes_of(Amenity),
    questions.codes(Amenity),
    "All that are named.",
    to="services",
    multiple=True,
)


def given_options(values: Mapping[str, object]) -> Given:
    """Return values of the running command's options as words, called as they are written.

    Raises
    ------
    InputError
        One is given and says nothing.
    """
    params = click.get_current_context().command.params
    names = {str(param.name): _written(param) for param in params}
    for name, value in values.items():
        if isinstance(value, str) and not value.strip():
            raise InputError(f"{names[name]} is empty; leave it out, or say what it shall be.")
    return Given(values, names=names)


def _read_travel(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Read ``--travel`` as the setting is read."""
    del ctx, param
    try:
        return None if value is None else str(parse_setting("travel", value))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} {error}.") from error


def travel_option(command: "_F") -> "_F":
    """Add ``--travel``: the function takes ``travel``, None for what the settings say."""
    return click.option(
        "--travel",
        metavar=f"[{'|'.join(TRAVELS)}]",
        callback=_read_travel,
        help="Riding times from the roads or from straight lines; auto: roads once imported.",
    )(command)


def with_travel(settings: Settings, travel: str | None) -> Settings:
    """Return the settings with what ``--travel`` says."""
    return replace(settings, travel=travel) if travel else settings


class _OneSentence(click.Command):
    """A command that ends in one sentence, not in a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; bad input ends with code 2, what failed with code 1."""
        try:
            result: object = super().invoke(ctx)
            sys.stdout.flush()  # a full disk shows here, not after the last word
        except InputError as error:
            click.echo(f"locator: {error}", err=True)
            ctx.exit(2)
        except LocatorError as error:
            click.echo(f"locator: {error}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("\nAborted!", err=True)
            ctx.exit(130)
        except BrokenPipeError:
            raise  # click ends quietly when nobody reads on
        except OSError as error:
            where = f"{error.filename} " if error.filename else ""
            click.echo(f"locator: {where}cannot be written: {error.strerror or error}.", err=True)
            ctx.exit(1)
        else:
            return result


class NumbersCommand(click.Command):
    """A command whose arguments may be negative numbers, which are no options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line; a space before a number's minus keeps the parser off it."""
        return super().parse_args(ctx, [f" {a}" if _NEGATIVE.fullmatch(a) else a for a in args])


class CommandGroup(_OneSentence, click.Group):
    """A group whose commands end in one sentence, not in a traceback."""


class Recipe(_OneSentence):
    """The command of a script that does the same."""


@contextmanager
def opened(settings: Settings) -> Iterator["Service"]:
    """Open the service for the length of a block."""
    from locator.service import open_service

    with open_service(settings) as service:
        yield service


def read_columns(file: Path | None, fill: Sequence[str]) -> "ColumnMapping | None":
    """Return the mapping of ``--map`` and ``--set``."""
    from locator.register import Mapping as ColumnMapping
    from locator.register import read_mapping

    mapping = read_mapping(file) if file else ColumnMapping()
    extra = {}
    for item in fill:
        name, separator, value = item.partition("=")
        if not separator or not value:
            raise InputError(f"--set {item!r}: write it as FIELD=VALUE, such as kind=rest_post.")
        extra[name] = value
    return replace(mapping, fill=mapping.fill | extra)


def reading_options(command: "_F") -> "_F":
    """Add ``--crs``, ``--encoding``, ``--sheet`` and ``--no-header``, given as ``reading``."""

    @functools.wraps(command)
    def wrapped(*args: object, **kwargs: object) -> object:
        from locator.register import ReadOptions, projection_of

        crs, encoding = kwargs.pop("crs"), kwargs.pop("encoding")
        reading = ReadOptions(
            encoding=str(encoding) if encoding else None,
            sheet=str(sheet) if (sheet := kwargs.pop("sheet")) else None,
            header=not kwargs.pop("no_header"),
            crs=projection_of(str(crs)) if crs else None,
        )
        return command(*args, reading=reading, **kwargs)

    for option in (
        click.option("--no-header", is_flag=True, help="The columns are called 1, 2, 3."),
        click.option("--sheet", metavar="NAME", help="Of a workbook; by name or number."),
        click.option("--encoding", help="Of the text, such as gb18030, big5; else found."),
        click.option(
            "--crs", metavar="EPSG:n", help="Projection of the coordinates, such as EPSG:4545."
        ),
    ):
        wrapped = option(wrapped)
    return cast("_F", wrapped)


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[float], None]]:
    """Show a bar on a terminal's stderr; the block is given a function that moves it (0 to 1)."""
    steps = 1000
    with click.progressbar(
        length=steps, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        yield lambda share: bar.update(max(0, int(share * steps) - bar.pos))


def count(number: int, thing: str) -> str:
    """Say how many of a thing, in English."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
