"""The rider's pages: the nearest open places, one station, and never a dead end.

A phone's position arrives in the body of a POST, so that no address and no log holds it; it
answers this one question and is forgotten. A named place is not a rider: it travels in the
address, so that the page can be shared.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import shapely
from flask import Blueprint, abort, render_template, request, url_for

from locator.answer import Feature, Json, nearest_answer, state_words, station_feature
from locator.hours import STATES, Span, read_spans
from locator.nearest import OpenRule, StationFilter
from locator.schema import Kind, Platform, Service, State, Status
from locator.service import Snapshot
from locator.web.navigation import NavigationLink, navigation_links
from locator.web.request import get_service, read_filter, read_position, read_rule

__all__ = ["blueprint"]

blueprint = Blueprint("rider", __name__)

_LISTED = 10
_SUGGESTED = 8
_SOON_MIN = 60
_FAR_KM = 50

# The filters that fit on a phone's first screen; the interface takes every service.
_OFFERED = (
    Service.HOT_WATER,
    Service.PHONE_CHARGING,
    Service.TOILET,
    Service.COOLING,
    Service.HEATING,
    Service.MICROWAVE,
    Service.VEHICLE_CHARGING,
    Service.BATTERY_SWAP,
)


@dataclass(frozen=True)
class Card:
    """What one card shows."""

    id: str
    name: str
    kind: Kind
    minutes: int
    km: str
    state: str
    glyph: str
    words: str
    services: list[str]
    navigation: NavigationLink
    notice: str | None
    checked: str
    restriction: str


@dataclass(frozen=True)
class Place:
    """A named place a rider may stand at."""

    name: str
    lon: float
    lat: float


@blueprint.route("/", methods=["GET", "POST"])
def home() -> str:
    """List the nearest places to a position (POST) or a named place (GET), or all that are open."""
    values = request.form if request.method == "POST" else request.args
    query = values.get("place", "").strip()
    chosen = read_filter(values)
    rule = read_rule(values, OpenRule.YES)
    snapshot = get_service().snapshot()
    places = _places(snapshot)
    context: dict[str, object] = {
        "offered": _OFFERED,
        "kinds": list(Kind),
        "chosen": chosen,
        "rule": rule,
        "query": query,
        "places": places,
    }
    if request.method == "POST" and not query:
        lon, lat = read_position(values)
        return _list_page(lon, lat, "您的位置", chosen, rule, context)
    matches = [place for place in places if query and query in place.name]
    exact = [place for place in matches if place.name == query]
    districts = [n for n in snapshot.districts["name"] if query and query in n]
    named = _stations_named(snapshot, query)
    if exact or (len(matches) == 1 and not districts and not named):
        place = (exact or matches)[0]
        return _list_page(place.lon, place.lat, place.name, chosen, rule, context)
    return render_template(
        "home.html",
        **context,
        matches=matches[:_SUGGESTED],
        districts_named=districts,
        stations_named=named,
        unknown_place=bool(query) and not (matches or districts or named),
        groups=_open_now(snapshot),
        now=get_service().now(),
    )


def _stations_named(snapshot: Snapshot, query: str) -> list[dict[str, str]]:
    """Return the stations whose name holds a text."""
    if not query:
        return []
    stations = snapshot.stations[snapshot.stations["status"] != Status.CLOSED.value]
    found = stations[[query in name for name in stations["name"]]].head(_SUGGESTED)
    return [{"id": i, "name": n} for i, n in zip(found["id"], found["name"], strict=True)]


def _list_page(
    lon: float,
    lat: float,
    origin: str,
    chosen: StationFilter,
    rule: OpenRule,
    context: dict[str, object],
) -> str:
    service = get_service()
    relaxed = False
    answer = nearest_answer(service, lon, lat, k=_LISTED, chosen=chosen, rule=rule)
    if not answer["features"] and rule is OpenRule.YES:
        relaxed = True
        answer = nearest_answer(service, lon, lat, k=_LISTED, chosen=chosen, rule=OpenRule.KNOWN)
    cards = [_card(feature, chosen) for feature in answer["features"]]
    far_km = round(float(cards[0].km)) if cards and float(cards[0].km) > _FAR_KM else 0
    if far_km:  # hours of riding away nothing can be said about who is open then
        cards = []
    return render_template(
        "list.html",
        **context,
        cards=cards,
        origin=origin,
        relaxed=relaxed,
        far_km=far_km,
        min_left=service.settings.min_minutes_left,
        at=answer["at"][11:16],
        position={"lon": lon, "lat": lat} if not context["query"] else None,
    )


def _card(feature: Feature, chosen: StationFilter) -> Card:
    own = feature["properties"]
    lon, lat = feature["geometry"]["coordinates"]
    services = own["services"] if isinstance(own["services"], list) else []
    first = [code for code in services if code in chosen.services]
    ordered = first + [code for code in services if code not in chosen.services]
    return Card(
        id=feature["id"],
        name=str(own["name"]),
        kind=Kind.parse(str(own["kind"])),
        minutes=max(1, round(float(str(own["ride_s"])) / 60)),
        km=f"{float(str(own['distance_m'])) / 1000:.1f}",
        state=str(own["state"]),
        glyph=_glyph(State.parse(str(own["state"])), own["minutes_left"]),
        words=state_words(own, "zh"),
        services=[Service.parse(code).zh for code in ordered],
        navigation=navigation_links(str(own["name"]), lon, lat)[0],
        notice=_notice(own),
        checked=f"核实于 {own['last_verified']}" if own["last_verified"] else "未经核实",
        restriction=_restriction(own),
    )


def _glyph(state: State, minutes_left: object) -> str:
    if state is State.OPEN:
        soon = isinstance(minutes_left, int) and minutes_left < _SOON_MIN
        return "◐" if soon else "●"
    return "○" if state is State.CLOSED else "?"


def _notice(own: dict[str, Json]) -> str | None:
    """Return the notice if today lies between its dates; a missing date leaves that side open."""
    today = get_service().now().date().isoformat()
    begins, ends = str(own["notice_from"] or ""), str(own["notice_until"] or "9999")
    return str(own["notice"]) if own["notice"] and begins <= today <= ends else None


def _restriction(own: dict[str, Json]) -> str:
    platforms = own["platforms"]
    words = []
    if isinstance(platforms, list) and platforms:
        words.append("仅限" + "、".join(_platform(code) for code in platforms) + "骑手")
    if own["access"]:
        words.append(str(own["access"]))
    return " · ".join(dict.fromkeys(words))


def _platform(code: str) -> str:
    try:
        return Platform.parse(code).zh
    except ValueError:
        return code


def _places(snapshot: Snapshot) -> list[Place]:
    """Return the named places: business districts first, then towns; a name stands once."""
    zones = snapshot.hot_zones
    middles = zones.geometry.representative_point()
    found = {n: Place(n, p.x, p.y) for n, p in zip(zones["name"], middles, strict=True)}
    towns = snapshot.places
    for name, point in zip(towns["name"], towns.geometry, strict=True):
        found.setdefault(name, Place(name, point.x, point.y))
    return list(found.values())


def _open_now(snapshot: Snapshot) -> dict[str, list[dict[str, str]]]:
    """Return stations that are open at this moment, by district: the list without a position."""
    service = get_service()
    states = snapshot.index.states(service.now())
    active = (snapshot.stations["status"] == Status.ACTIVE.value).to_numpy()
    rows = snapshot.stations[active & (states == STATES.index(State.OPEN))]
    tree = shapely.STRtree(snapshot.districts.geometry.to_numpy())
    at, district = tree.query(rows.geometry.to_numpy(), predicate="intersects")
    name_of = dict(zip(at, snapshot.districts["name"].to_numpy()[district], strict=True))
    groups: dict[str, list[dict[str, str]]] = {}
    for number, (station, name, kind) in enumerate(
        zip(rows["id"], rows["name"], rows["kind"], strict=True)
    ):
        item = {"id": station, "name": name, "kind": Kind.parse(kind).zh}
        groups.setdefault(name_of.get(number, "其他"), []).append(item)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


@blueprint.get("/stations/<path:station_id>")
def station(station_id: str) -> str:
    """Show one station: state, the week's hours, services, how to get in, how to get there."""
    feature = station_feature(get_service(), station_id)
    if feature is None:
        abort(404, "没有这个站点；它可能已从登记册中移除。")
    own = feature["properties"]
    lon, lat = feature["geometry"]["coordinates"]
    hours = own["opening_hours"]
    return render_template(
        "station.html",
        own=own,
        card=_card(feature, StationFilter()),
        week=_week(None if hours is None else str(hours)),
        status=Status.parse(str(own["status"] or Status.ACTIVE.value)),
        links=navigation_links(str(own["name"]), lon, lat),
        back=url_for("rider.home"),
        lon=f"{lon:.6f}",
        lat=f"{lat:.6f}",
    )


def _week(text: str | None) -> list[tuple[str, str]]:
    """Return the next seven days and their hours in words."""
    service = get_service()
    spans = read_spans(text, service.rules, start=service.now(), days=7)
    first = spans[0].start
    week = []
    for number in range(7):
        begin = first + timedelta(days=number)
        label = f"周{'一二三四五六日'[begin.weekday()]} {begin.month}月{begin.day}日"
        week.append((label, _day_words(spans, begin, begin + timedelta(days=1))))
    return week


def _day_words(spans: list[Span], begin: datetime, end: datetime) -> str:
    parts = []
    for span in spans:
        start, stop = max(span.start, begin), min(span.end, end)
        if start >= stop or span.state is State.CLOSED:
            continue
        if span.state is State.UNKNOWN:
            parts.append("时间未知")
        elif start == begin and stop == end:
            parts.append("全天")
        else:
            closing = "24:00" if stop == end else f"{stop:%H:%M}"
            parts.append(f"{start:%H:%M}–{closing}")
    return "、".join(parts) or "不开放"
