"""What the commands share: errors in one sentence, option types, the open service."""

import functools
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import click

from locator.errors import InputError, LocatorError
from locator.schema import Datum, Kind, LabelledEnum, Service
from locator.settings import TRAVELS, Settings

_NEGATIVE = re.compile(r"-(\d+[.]?\d*|[.]\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_F = TypeVar("_F", bound=Callable[..., object])

if TYPE_CHECKING:
    from locator.register import Mapping
    from locator.service import Service as LocatorService

__all__ = [
    "DATUMS",
    "FILE",
    "FOLDER",
    "KINDS",
    "SERVICES",
    "CommandGroup",
    "EnumType",
    "NumbersCommand",
    "Recipe",
    "count",
    "opened",
    "progress_bar",
    "read_columns",
    "reading_options",
    "travel_option",
    "with_travel",
]

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


class EnumType(click.ParamType[LabelledEnum]):
    """A code or either label of an enum, such as ``hot_water``, ``热水`` or ``Hot water``."""

    def __init__(self, enum: type[LabelledEnum]) -> None:
        self.enum = enum
        self.name = "|".join(member.value for member in enum)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return the codes as they are written."""
        del param, ctx
        return f"[{self.name}]"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> LabelledEnum:
        """Return the member."""
        try:
            return self.enum.parse(value)
        except ValueError as error:
            self.fail(f"{value!r} {error}.", param, ctx)


KINDS = EnumType(Kind)
SERVICES = EnumType(Service)
DATUMS = click.Choice([datum.value for datum in Datum])


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


def read_columns(file: Path | None, fill: Sequence[str]) -> "Mapping | None":
    """Return the mapping of ``--map`` and ``--set``."""
    from locator.register import Mapping, read_mapping

    mapping = read_mapping(file) if file else Mapping()
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
