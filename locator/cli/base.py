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
from locator.schema import Datum, Kind, LabelledEnum, Service
from locator.settings import TRAVELS, Settings

_NEGATIVE = re.compile(r"-(\d+[.]?\d*|[.]\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_F = TypeVar("_F", bound=Callable[..., object])
T = TypeVar("T")

if TYPE_CHECKING:
    from locator.register import Mapping as ColumnMapping
    from locator.service import Service as LocatorService

__all__ = [
    "DATUMS",
    "FILE",
    "FOLDER",
    "CommandGroup",
    "NumbersCommand",
    "Recipe",
    "as_of_option",
    "chosen_options",
    "code_option",
    "count",
    "given_options",
    "language_option",
    "opened",
    "progress_bar",
    "read_as",
    "read_columns",
    "read_local",
    "reading_options",
    "travel_option",
    "with_travel",
]

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


DATUMS = click.Choice([datum.value for datum in Datum])


def read_as(reader: Reader[T]) -> Callable[[click.Context, click.Parameter, object], T | None]:
    """Return a callback that reads an option or an argument, called as it is written."""

    def read(_: click.Context, param: click.Parameter, value: object) -> T | None:
        return None if value is None else reader(_written(param), value)

    return read


def _written(param: click.Parameter) -> str:
    return max(param.opts, key=len) if isinstance(param, click.Option) else str(param.name).upper()


def read_local(ctx: click.Context, param: click.Parameter, value: object) -> datetime | None:
    """Read a moment, which without an offset is in the settings' time zone; a callback."""
    settings = ctx.find_object(Settings)
    assert settings is not None  # noqa: S101 - the group has read them
    return read_as(questions.moment(ZoneInfo(settings.timezone)))(ctx, param, value)


def as_of_option(command: "_F") -> "_F":
    """Add ``--as-of``: the function takes ``as_of``, None for what there is now."""
    return click.option(
        "--as-of",
        metavar="ISO",
        callback=read_local,
        help="Stations and hot zones as they were then, local time.",
    )(command)


def chosen_options(command: "_F") -> "_F":
    """Add ``--kind`` and ``--service``: the function takes ``kinds`` and ``services``."""
    command = click.option(
        "--service",
        "services",
        multiple=True,
        metavar=_codes(Service),
        callback=read_as(questions.codes(Service)),
        help="All that are named.",
    )(command)
    return click.option(
        "--kind",
        "kinds",
        multiple=True,
        metavar=_codes(Kind),
        callback=read_as(questions.codes(Kind)),
        help="Stations that count.",
    )(command)


def code_option(
    *names: str, enum: type[LabelledEnum], default: str | None = None, what: str | None = None
) -> "Callable[[_F], _F]":
    """Return what adds an option that takes a code, or a label, of an enum."""
    return click.option(
        *names,
        metavar=_codes(enum),
        callback=read_as(questions.code(enum)),
        default=default,
        show_default=default is not None,
        help=what,
    )


def _codes(enum: type[LabelledEnum]) -> str:
    return f"[{'|'.join(member.value for member in enum)}]"


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


def language_option(what: str) -> "Callable[[_F], _F]":
    """Return what adds ``--language`` of something: the function takes None for the settings'."""
    return click.option(
        "--language", metavar="[zh|en]", callback=read_as(questions.language), help=what
    )


def travel_option(command: "_F") -> "_F":
    """Add ``--travel``: the function takes ``travel``, None for what the settings say."""
    return click.option(
        "--travel",
        type=click.Choice(TRAVELS),
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
def opened(settings: Settings) -> Iterator["LocatorService"]:
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
