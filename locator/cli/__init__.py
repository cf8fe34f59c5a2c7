"""The ``locator`` command: parse, one library call, print.

Heavy packages are imported inside the commands that need them: ``locator nearest`` must answer in
a second and a half of processor time.
"""

from locator.cli.app import main
from locator.cli.embed import embed
from locator.cli.gaps import gaps, report
from locator.cli.hotzones import districts, hotzones
from locator.cli.maps import map_command
from locator.cli.nearest import nearest, route
from locator.cli.publish import publish
from locator.cli.roads import roads
from locator.cli.sites import site
from locator.cli.stations import stations

__all__ = ["main"]

for _command in (
    stations,
    nearest,
    route,
    gaps,
    report,
    publish,
    site,
    hotzones,
    districts,
    map_command,
    embed,
    roads,
):
    main.add_command(_command)
