"""``/planner``: moving the threshold, the hour and the stations; nothing is kept of what is asked.

The page draws the squares of ``/planner/inputs.json`` once and asks ``/planner/answer`` for their
shades and the figures each time something moves (``templates/static/planner.js``).
"""

import json
from dataclasses import asdict, replace
from typing import cast

import pandas as pd
from flask import Blueprint, Flask, Response, current_app, g, render_template, request
from markupsafe import Markup

from locator.errors import InputError
from locator.hours_words import week_words
from locator.maps import MapParts, build_map, render_parts
from locator.planner import (
    FILE_NAME,
    MINUTES,
    SQUARE_M,
    Answer,
    Draft,
    PlannerInputs,
    PlannerPage,
    View,
    check_size,
    read_ask,
    read_draft,
    study_command,
)
from locator.schema import Amenity, Kind, Status, split_set
from locator.study import map_layers, map_options
from locator.web.admission import admission_of
from locator.web.assets import asset_url
from locator.web.jobs import MOST_NEW, may_start
from locator.web.language import gettext as _
from locator.web.language import language
from locator.web.request import get_service, given_body
from locator.web.words import planner_words

blueprint = Blueprint("planner", __name__)

_WORDS = ("minutes", "hour", "services", "kinds", "scenario")
_LETTERS = {"open": "o", "closed": "c", "unknown": "u", "uncounted": "-", "unrecorded": "?"}
_SHADES = 9
_DIGITS = 5  # of a degree: 1 m


def open_planner_page(app: Flask) -> None:
    """Give an application what answers the questions of its planner page."""
    app.extensions["locator.planner_page"] = PlannerPage(
        app.extensions["locator"], admission_of(app)
    )


def _planner_page() -> PlannerPage:
    return cast("PlannerPage", current_app.extensions["locator.planner_page"])


@blueprint.get("/planner")
def page() -> str:
    """Show the page; a store that is too much for it gets a sentence and a command."""
    service = get_service()
    snapshot = service.snapshot()
    too_much = ""
    try:
        check_size(snapshot)
    except InputError as error:
        too_much = str(error)
    with _planner_page().turn():
        parts = None if too_much else _draw_map()
    return render_template(
        "planner.html",
        parts=parts,
        too_much=too_much,
        kinds=list(Kind),
        services=list(Amenity),
        model=service.travel.describe(language()),
        words=planner_words(),
        minutes=MINUTES,
        may_start=may_start(),
        most_new=MOST_NEW,
    )


def _draw_map() -> MapParts:
    service = get_service()
    layers = map_layers(service.snapshot(), at=None)
    at = service.now()
    options = replace(
        map_options(replace(service.settings, language=language()), layers, at=at),
        title=_("覆盖试算"),
        show_districts=bool(service.settings.map_approval) or g.local,
    )
    parts = render_parts(build_map(layers, options), nonce=g.nonce, asset_url=asset_url)
    return MapParts(*(Markup(part) for part in (parts.head, parts.body, parts.script)))  # noqa: S704


@blueprint.get("/planner/inputs.json")
def inputs() -> Response:
    """Send what does not change from question to question: squares, stations, zones."""
    with _planner_page().turn():
        response = _json(_inputs_body(_planner_page().inputs()))
    response.cache_control.no_cache = True
    response.add_etag(weak=True)
    return cast("Response", response.make_conditional(request))


def _inputs_body(found: PlannerInputs) -> dict[str, object]:
    points, stations = found.points, found.snapshot.stations
    zones = points.pieces.groupby("zone_id", sort=True)["zone_name"].first()
    return {
        "id": _ground_id(found),
        "monday": found.monday.isoformat(),
        "cell_m": SQUARE_M,
        "sample_m": points.cell_m,
        "digits": _DIGITS,
        "squares": (found.squares * 10**_DIGITS).round().astype(int).ravel().tolist(),
        "zones": [[str(identity), str(name)] for identity, name in zones.items()],
        "stations": [
            [
                str(row.id),
                str(row.name),
                str(row.kind),
                round(row.geometry.x, 6),
                round(row.geometry.y, 6),
                row.opening_hours if isinstance(row.opening_hours, str) else None,
                sorted(split_set(row.services)) if isinstance(row.services, str) else None,
                row.status == Status.ACTIVE.value,
            ]
            for row in stations[
                ["id", "name", "kind", "opening_hours", "services", "status", "geometry"]
            ].itertuples(index=False)
        ],
    }


@blueprint.post("/planner/answer")
def answer() -> Response:
    """Answer ``minutes, hour, services, kinds, scenario`` in a JSON body; see docs/planner.md."""
    given = given_body(_WORDS)
    ask, draft = read_ask(given), read_draft(given.value("scenario"))
    with _planner_page().turn():
        inputs, found = _planner_page().ask(ask, draft)
        return _json(
            {
                "id": _ground_id(inputs),
                **_views(inputs, found),
                "hours_words": _hours_words(draft),
                "file": None if draft is None else {"name": FILE_NAME, "text": draft.text},
                "command": study_command(ask, inputs.monday, draft),
            }
        )


def _hours_words(draft: Draft | None) -> dict[str, str]:
    """Return each text of opening hours in a scenario in words: only the fields show the text."""
    if draft is None:
        return {}
    texts = set(draft.scenario.hours.values())
    if draft.scenario.add is not None and "opening_hours" in draft.scenario.add:
        texts |= set(draft.scenario.add["opening_hours"].dropna())
    return {text: week_words(text, language()) for text in texts}


def _views(inputs: PlannerInputs, found: Answer) -> dict[str, object]:
    return {
        "now": _view(inputs, found.now),
        "then": None if found.then is None else _view(inputs, found.then),
        "zone_demand": [round(value, 1) for value in found.now.zones["demand_per_h"]],
    }


def _view(inputs: PlannerInputs, view: View) -> dict[str, object]:
    known = [str(identity) for identity in inputs.snapshot.stations["id"]]
    letters = {identity: _LETTERS[state] for identity, state in view.states.items()}
    unserved = (view.hours["demand_per_h"] - view.hours["covered_per_h"]).clip(lower=0.0)
    # 0 is covered whole; whatever is missing shows at least as 1.
    shades = (view.uncovered * _SHADES).round().clip(1, _SHADES) * (view.uncovered > 0)
    return {
        "figures": asdict(view.figures),
        "hours": _rounded(view.hours["covered_share"], 4),
        "unserved": _rounded(unserved, 1),
        "zones": _rounded(view.zones["covered_share"], 4),
        "squares": "".join(str(shade) for shade in shades.astype(int).tolist()),
        "states": "".join(letters[identity] for identity in known),
        "added": {identity: letters[identity] for identity in letters.keys() - set(known)},
    }


def _rounded(values: "pd.Series[float]", digits: int) -> list[float | None]:
    return [None if pd.isna(value) else round(float(value), digits) for value in values]


def _ground_id(inputs: PlannerInputs) -> str:
    return f"{inputs.snapshot.version} {inputs.monday} {inputs.travel.describe()}"


def _json(body: object) -> Response:
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text, mimetype="application/json")
