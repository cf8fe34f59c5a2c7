"""``locator`` itself: the store, the server, the settings."""

import errno
import ipaddress
import json
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path

import click

from locator import __version__
from locator.cli.base import FILE, CommandGroup
from locator.errors import InputError, LocatorError
from locator.settings import Settings, describe_settings, read_settings


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--store", metavar="URL", help="The store: geopackage:PATH. Also LOCATOR_STORE.")
@click.option("--config", type=FILE, help="A TOML file of settings. Also LOCATOR_CONFIG.")
@click.version_option(__version__, prog_name="locator")
@click.pass_context
def main(ctx: click.Context, store: str | None, config: Path | None) -> None:
    """Rest stations for delivery riders: the nearest open one, the gaps, the maps.

    \b
    Example:  locator init && locator nearest 107.1489 34.3692
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a Windows console may lack a character
    settings = read_settings(os.environ, config)
    ctx.obj = replace(settings, store=store) if store else settings


@main.command()
@click.option(
    "--force", is_flag=True, help="Back up an existing store, then load geodata/ over it."
)
@click.pass_obj
def init(settings: Settings, force: bool) -> None:
    """Create the store and load the data that ships with the program.

    An existing store is left exactly as it is.

    \b
    Example:  locator init --force
    """
    from locator.intake import create_store
    from locator.store import store_path

    revision, backup = create_store(settings, force=force)
    path = store_path(settings.store)
    if backup is not None:
        click.echo(f"The store as it was is kept in {backup}")
    if revision is None:
        click.echo(f"The store {path} exists already; nothing was changed (--force loads it anew).")
        return
    done = f"{revision.inserted} new, {revision.updated} changed, {revision.removed} removed"
    click.echo(f"The store {path} holds the shipped data: {done}.")
    click.echo("Its stations and hot zones are illustrative; 'locator stations import FILE --mode")
    click.echo("replace' and 'locator hotzones import FILE --mode replace' put your own there.")


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--threads",
    default=8,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Threads that answer; more wait for dear work beside them.",
)
@click.pass_obj
def serve(settings: Settings, host: str, port: int, threads: int) -> None:
    """Serve the pages, maps and interfaces.

    \b
    Example:  locator serve --port 8080
    """
    from locator.cli.serving import WAITING_THREADS, Server, stop_signals
    from locator.web import create_app

    # Who waits for a turn waits in a thread: sent away at once they would only ask again.
    threads += WAITING_THREADS
    app = create_app(settings, listens_here=listens_here(host, port), threads=threads)
    try:
        server = Server(app, host=host, port=port, threads=threads)
        with stop_signals(server.stop):
            click.echo(f"Serving on http://{host}:{port} — stop with Ctrl-C")
            server.run()
    except OSError as error:
        raise cannot_listen(host, port, error) from error
    finally:
        app.extensions["locator.jobs"].close()
        app.extensions["locator"].close()


@main.command()
@click.argument("file", type=FILE)
@click.pass_obj
def backup(settings: Settings, file: Path) -> None:
    """Write a whole copy of the store, in use or not, to a new file.

    Its roads go along, to the folder FILE-roads (FILE without its ending).

    \b
    Example:  locator backup locator-2026-11-23.gpkg
    """
    from locator.network import back_up_roads
    from locator.store import file_of, open_store

    with open_store(settings.store) as store:
        file_of(store, "a backup").backup(file)
        click.echo(f"The backup is in {file}")
        folder = back_up_roads(store, file)
    if folder is not None:
        click.echo(f"Its roads are in {folder}")


@main.command()
@click.option("--mend", is_flag=True, help="Mend what can be mended, a backup first.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_obj
def doctor(settings: Settings, mend: bool, as_json: bool) -> None:
    """Look the store over: damage, lost triggers and indexes, rows without a place.

    \b
    Example:  locator doctor --mend
    """
    from dataclasses import asdict

    from locator.network import find_road_trouble, roads_folder
    from locator.store import open_store, store_path
    from locator.store.doctor import Finding, examine
    from locator.store.doctor import mend as mend_store

    path = store_path(settings.store)
    findings = mend_store(path) if mend else examine(path)
    if all(finding.mended for finding in findings):  # else the store may not open
        with open_store(settings.store) as store:
            trouble, where = find_road_trouble(settings, store), str(roads_folder(store))
        if trouble:
            findings.append(Finding("the roads cannot be used", where, False, trouble))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    for finding in () if as_json else findings:
        done = "mended: " if finding.mended else ""
        click.echo(f"{done}{finding.where}: {finding.what}. {finding.advice}")
    unmended = [finding for finding in findings if not finding.mended]
    if unmended:
        raise LocatorError(f"{len(unmended)} finding(s) in {path} wait to be mended.")
    if not as_json:
        click.echo(f"{path} is well.")


@main.command("settings")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def settings_command(settings: Settings, as_json: bool) -> None:
    """Print every setting with its value, default and meaning.

    \b
    Example:  LOCATOR_RIDE_SPEED_KMH=20 locator settings
    """
    rows = describe_settings(settings)
    if as_json:
        click.echo(json.dumps({row.name: row.value for row in rows}, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row.name} = {row.value!r} (default {row.default!r})\n    {row.help}")


def listens_here(host: str, port: int) -> bool:
    """Tell whether a server at this host is reached from this machine only.

    Raises
    ------
    InputError
        The host is neither an address nor a name that is known here.
    """
    try:
        # "-" is no name; an empty one would be every address there is.
        found = socket.getaddrinfo(host.strip() or "-", port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:  # unknown; a label too long, half a character, NUL
        raise InputError(
            f"--host {host!r} is neither an address nor a host name that is known here; use "
            "127.0.0.1 for this machine alone, or 0.0.0.0 for every address it has."
        ) from error
    addresses = {str(address[0]).partition("%")[0] for *_, address in found}
    return all(ipaddress.ip_address(address).is_loopback for address in addresses)


def cannot_listen(host: str, port: int, error: OSError) -> LocatorError:
    """Return what an error of the system means for whoever wanted to listen."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return LocatorError(f"{where} is in use by another program; choose another --port.")
    if error.errno == errno.EACCES:
        return LocatorError(
            f"{where} may not be used by this user (ports below 1024 are the administrator's); "
            "choose another --port, and let a web server stand before it."
        )
    if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
        return LocatorError(
            f"--host {host} is no address of this machine; use 127.0.0.1, or 0.0.0.0 for every "
            "address it has."
        )
    return LocatorError(f"{where} cannot be used ({error.strerror or error}).")
