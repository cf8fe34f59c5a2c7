"""The rider's pages: the nearest open places, one station, the week's notices.

The phone ranks the stations itself (``templates/static/rider.js``), so no position comes here.
What this module renders is useful before any script runs: what is open now, and the list around a
named place, which is not a rider and may stand in an address.
"""

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

import numpy as np
from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from locator import questions
from locator.answer import Answer, Feature, nearest_answer, state_words, station_feature
from locator.hours import STATES, LonLat, Span, read_spans
from locator.hours_words import day_words, hours_by_day, week_words
from locator.nearest import OpenRule, StationFilter, read_filter, read_wishes
from locator.phone import MANY_STATIONS
from locator.places import Place
from locator.schema import LAYERS, Amenity, Json, Kind, Platform, Provenance, State, Status
from locator.service import Snapshot
from locator.travel import Routed
from locator.web.language import gettext as _
from locator.web.language import language
from locator.web.navigation import NavigationLink, app_links, navigation_links
from locator.web.page_cache import send_cached
from locator.web.request import get_service, given_address
from locator.web.words import age_words, copy_words, platform_label, script_words, way_words

blueprint = Blueprint("rider", __name__)

_LISTED = 10
_SUGGESTED = 8
_SOON_MIN = 60
_NOTICE_DAYS = 7

# The filters that riders use most; the rest of the services stand on the station's page.
_OFFERED = (
    Amenity.PHONE_CHARGING,
    Amenity.BATTERY_SWAP,
    Amenity.VEHICLE_CHARGING,
    Amenity.HOT_WATER,
    Amenity.TOILET,
    Amenity.COOLING,
    Amenity.HEATING,
    Amenity.MICROWAVE,
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
    services: list[Amenity] | None  # None: nobody recorded what there is
    navigation: NavigationLink
    notice: str | None
    checked: str
    restriction: str


@dataclass
class OpenGroup:
    """The open stations of a district; a large register lists none by name."""

    count: int = 0
    items: list[dict[str, str]] = field(default_factory=list)


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """Show the page that finds the nearest; without a script, a place's list or what is open."""
    key = _kept_as()
    return _home() if key is None else send_cached(key, _home)


# What the form sends when it is sent as it stands, and what may be ticked in it: codes, no places.
_KEPT_WORDS = frozenset(
    {"open", "service", "kind", "host", "platform", "weather", "night", "app", "lang", "place"}
    | {"unknown"}
)
_CODE = re.compile(r"[a-z_,]{0,80}|[01]")
_MOST_KEPT_WORDS = 24


def _kept_as() -> Hashable | None:
    """Return what a kept page is known by; None where it is for one reader: a place, a position.

    A key holds codes only, no text in which a place or a position could stand.
    """
    asked = list(request.args.items(multi=True))
    if len(asked) > _MOST_KEPT_WORDS or request.args.get("place"):
        return None
    if not all(name in _KEPT_WORDS and _CODE.fullmatch(text) for name, text in asked):
        return None
    service = get_service()
    minute = service.now().replace(second=0, microsecond=0)
    data = service.snapshot().version, service.travel.describe(), minute
    # The addresses in the page follow the name that the site was asked by.
    return (*data, language(), request.url_root, tuple(asked))


def _home() -> str:
    query = request.args.get("place", "").strip()
    given = given_address()
    chosen = read_filter(given)
    rule = given.read("open", _rule, OpenRule.YES)
    snapshot = get_service().snapshot()
    places = snapshot.named_places
    matches = [place for place in places if query and query in place.name]
    exact = [place for place in matches if place.name == query]
    districts = [n for n in snapshot.districts["name"] if query and query in n]
    named = _stations_named(snapshot, query)
    context: dict[str, object] = {}
    if exact or (len(matches) == 1 and not named):
        context = list_around((exact or matches)[0], chosen, rule)
    return render_template(
        "home.html",
        offered=_OFFERED,
        kinds=list(Kind),
        platforms=list(Platform),
        chosen=chosen,
        rule=rule,
        query=query,
        matches=matches[:_SUGGESTED],
        districts_named=districts,
        stations_named=named,
        unknown_place=bool(query) and not (matches or districts or named),
        groups=_open_now(snapshot),
        now=get_service().now(),
        words=script_words() | (way_words() if _knows_roads() else {}),
        knows_roads=_knows_roads(),
        min_left=get_service().settings.min_minutes_left,
        **(_NO_LIST | context),
    )


def _rule(name: str, value: object) -> OpenRule:
    """Read ``open``: what the form's ticked box says counts before its hidden field behind it."""
    first: object = value[0] if isinstance(value, list) else value
    rule: OpenRule = questions.choice(*OpenRule)(name, first)
    return rule


_NO_LIST: dict[str, object] = {
    "cards": None,
    "origin": "",
    "place": None,
    "relaxed": False,
    "left_out": 0,
    "also_unknown": "",
}


def _knows_roads() -> bool:
    return isinstance(get_service().travel, Routed)


def _stations_named(snapshot: Snapshot, query: str) -> list[dict[str, str]]:
    """Return the stations whose name holds a text."""
    if not query:
        return []
    stations = snapshot.stations[snapshot.stations["status"] != Status.CLOSED.value]
    found = stations[[query in name for name in stations["name"]]].head(_SUGGESTED)
    return [{"id": i, "name": n} for i, n in zip(found["id"], found["name"], strict=True)]


def list_around(
    place: Place, chosen: StationFilter, rule: OpenRule, *, k: int = _LISTED
) -> dict[str, object]:
    """Return the cards around a named place; what is not surely open stands in where nothing is."""
    service = get_service()
    relaxed = False
    wishes = read_wishes(given_address())

    def ask(rule: OpenRule) -> Answer:
        return nearest_answer(
            service, place.lon, place.lat, k=k, chosen=chosen, rule=rule, wishes=wishes
        )

    asked = [own for own in request.args.items(multi=True) if own[0] != "unknown"]
    answer = ask(rule)
    if not answer["features"] and rule is OpenRule.YES:
        relaxed = True
        answer = ask(OpenRule.KNOWN)
    return {
        "cards": [_card(feature, chosen) for feature in answer["features"]],
        "origin": place.name,
        "place": place,
        "relaxed": relaxed,
        "left_out": answer["services_unknown"],
        "also_unknown": "?" + urlencode([*asked, ("unknown", "1")]),
    }


def _card(feature: Feature, chosen: StationFilter, *, arriving: bool = True) -> Card:
    own = feature["properties"]
    lon, lat = feature["geometry"]["coordinates"]
    offered = own["services"]
    services = offered if isinstance(offered, list) else []
    first = [code for code in services if code in chosen.services]
    ordered = first + [code for code in services if code not in chosen.services]
    checked = own["last_verified"]
    return Card(
        id=feature["id"],
        name=str(own["name"]),
        kind=Kind.parse(str(own["kind"])),
        minutes=max(1, round(float(str(own["ride_s"])) / 60)),
        km=f"{float(str(own['distance_m'])) / 1000:.1f}",
        state=str(own["state"]),
        glyph=_glyph(State.parse(str(own["state"])), own["minutes_left"]),
        words=state_words(own, language(), arriving=arriving),
        services=None if offered is None else [Amenity.parse(code) for code in ordered],
        navigation=navigation_links(str(own["name"]), lon, lat)[0],
        notice=_notice(own),
        checked=age_words(str(checked) if checked else None, get_service().now().date()),
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
        names = "、".join(platform_label(code) for code in platforms)
        words.append(_("仅限%(platforms)s骑手", platforms=names))
    if own["access"]:
        words.append(str(own["access"]))
    return " · ".join(dict.fromkeys(words))


def _open_now(snapshot: Snapshot) -> dict[str, OpenGroup]:
    """Return stations that are open at this moment, by district: the list without a position.

    Of a register too large for a page, the districts come with their numbers only.
    """
    states = snapshot.index.states(get_service().now())
    active = (snapshot.stations["status"] == Status.ACTIVE.value).to_numpy()
    is_open = active & (states == STATES.index(State.OPEN))
    names = [*snapshot.districts["name"], _("其他")]  # the last one is that of row -1
    numbers = np.bincount(snapshot.district_rows[is_open] % len(names), minlength=len(names))
    groups: dict[str, OpenGroup] = {}
    for row in np.flatnonzero(numbers):
        groups.setdefault(names[row], OpenGroup()).count += int(numbers[row])
    if len(snapshot.stations) <= MANY_STATIONS:
        labels = {kind.value: kind.label(language()) for kind in Kind}
        rows = snapshot.stations.loc[is_open, ["id", "name", "kind"]]
        districts = snapshot.district_rows[is_open]
        for district, own in zip(districts, rows.itertuples(index=False), strict=True):
            item = {"id": own.id, "name": own.name, "kind": labels[own.kind]}
            groups[names[district]].items.append(item)
    return dict(sorted(groups.items(), key=lambda group: -group[1].count))


@blueprint.get("/notices")
def notices() -> str:
    """List what is on this week: the notices of the next seven days, by their beginning."""
    service = get_service()
    today = service.now().date()
    last = (today + timedelta(days=_NOTICE_DAYS)).isoformat()
    stations = service.snapshot().stations
    rows = stations[stations["notice"].notna() & (stations["status"] != Status.CLOSED.value)]
    found = []
    for own in rows.drop(columns="geometry").to_dict("records"):
        begins, ends = str(own["notice_from"] or ""), str(own["notice_until"] or "9999")
        if own["notice"] and begins <= last and ends >= today.isoformat():
            found.append({**own, "begins": begins, "ends": "" if ends == "9999" else ends})
    found.sort(key=lambda own: (own["begins"], own["id"]))
    return render_template("notices.html", notices=found, today=today.isoformat())


@blueprint.get("/stations/<path:station_id>")
def station(station_id: str) -> str:
    """Show one station: state, the week's hours, services, how to get in, how to get there."""
    feature = station_feature(get_service(), station_id)
    if feature is None:
        abort(404, _("没有这个驿站；它可能已从登记册中移除。"))
    own = feature["properties"]
    lon, lat = feature["geometry"]["coordinates"]
    hours = own["opening_hours"]
    week = _week(None if hours is None else str(hours), (lon, lat))
    card = _card(feature, StationFilter(), arriving=False)
    status = Status.parse(str(own["status"]))
    return render_template(
        "station.html",
        own=own,
        card=card,
        week=[(label, words) for label, words, _spans in week],
        hours=week_words(None if hours is None else str(hours), language()),
        status=status,
        facts=[
            (c.name, c.label(language()), c.words(own[c.name], language()), c.link(own[c.name]))
            for c in LAYERS["stations"].columns
            if c.on_page and (own[c.name] is not None or c.name == "services")
        ],
        instead=None if status is Status.ACTIVE else _open_instead(feature),
        links=navigation_links(str(own["name"]), lon, lat),
        apps=app_links(str(own["name"]), lon, lat),
        linked_data=_linked_data(feature, week if status is Status.ACTIVE else [], card),
        words=script_words() | copy_words(),
        back=url_for("rider.home"),
        lon=f"{lon:.6f}",
        lat=f"{lat:.6f}",
    )


def _open_instead(feature: Feature) -> Card | None:
    """Return the nearest station to one that is shut which is surely open when one gets there.

    A swap cabinet stands in for a swap cabinet alone, a post for a post.
    """
    lon, lat = feature["geometry"]["coordinates"]
    kind = Kind.parse(str(feature["properties"]["kind"]))
    swaps = kind is Kind.SWAP_CABINET
    kinds = frozenset(k for k in Kind if (k is Kind.SWAP_CABINET) is swaps)
    chosen = StationFilter(kinds=kinds)
    answer = nearest_answer(get_service(), lon, lat, k=1, chosen=chosen, rule=OpenRule.YES)
    return _card(answer["features"][0], StationFilter()) if answer["features"] else None


Week = list[tuple[str, str, list[Span]]]


def _week(text: str | None, place: LonLat) -> Week:
    """Return the next seven days: the day's name, its hours in words, and as spans."""
    service = get_service()
    spans = read_spans(text, service.rules, start=service.now(), days=7, place=place)
    first = spans[0].start
    begun = hours_by_day(spans)
    names = [_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日")]
    week: Week = []
    for number in range(7):
        begin = first + timedelta(days=number)
        end = begin + timedelta(days=1)
        label = _(
            "%(weekday)s %(month)d月%(day)d日",
            weekday=names[begin.weekday()],
            month=begin.month,
            day=begin.day,
        )
        words = day_words(begun.get(begin.date(), ()), language())
        week.append((label, words, _not_closed(spans, begin, end)))
    return week


def _not_closed(spans: list[Span], begin: datetime, end: datetime) -> list[Span]:
    """Return the parts of spans that lie in a day and are not closed."""
    cut = [Span(max(s.start, begin), min(s.end, end), s.state) for s in spans]
    return [s for s in cut if s.start < s.end and s.state is not State.CLOSED]


def _linked_data(feature: Feature, week: Week, card: Card) -> dict[str, object]:
    """Return the station as schema.org's Place (https://schema.org/Place), for search engines."""
    own = feature["properties"]
    lon, lat = feature["geometry"]["coordinates"]
    hours = [
        {
            "@type": "OpeningHoursSpecification",
            "validFrom": span.start.date().isoformat(),
            "validThrough": span.start.date().isoformat(),
            "opens": f"{span.start:%H:%M}",
            "closes": "23:59" if span.end.date() != span.start.date() else f"{span.end:%H:%M}",
        }
        for _label, _words, spans in week
        for span in spans
        if span.state is State.OPEN
    ]
    data: dict[str, object] = {
        "@context": "https://schema.org",
        "@type": "Place",
        "@id": url_for("rider.station", station_id=feature["id"], _external=True),
        "name": own["name"],
        "geo": {"@type": "GeoCoordinates", "latitude": lat, "longitude": lon},
        "specialOpeningHoursSpecification": hours,
        "amenityFeature": [
            {"@type": "LocationFeatureSpecification", "name": s.label(language()), "value": True}
            for s in card.services or ()
        ],
    }
    for name, column in (("address", "address"), ("telephone", "phone")):
        if own[column]:
            data[name] = own[column]
    if own["provenance"]:
        known = {"name": "provenance", "value": own["provenance"]}
        data["additionalProperty"] = {"@type": "PropertyValue", **known}
    if own["provenance"] == Provenance.ILLUSTRATIVE.value:
        data["description"] = _("示例数据：驿站的位置、服务和时间都是演示用的，不是真实驿站。")
    return data
