"""The cabinets' feed against MobilityData's own schemas of GBFS 3.0, and what it must not say."""

import json
import urllib.request
from dataclasses import replace
from importlib.resources import files
from urllib.parse import urlsplit

import jsonschema_rs
import pytest
from flask.testing import FlaskClient
from gbfs_validator import validate_feed

from locator.hours import HoursRules, read_spans
from locator.schema import State
from locator.settings import Settings
from locator.store import Change, GeoPackageStore
from locator.web import create_app
from tests.conftest import MONDAY_NOON, fixed_clock, running_server
from tests.patience import patience

FEEDS = ("gbfs", "system_information", "station_information", "station_status")
CONTACT = "data@example.org"


def feed(client: FlaskClient, name: str) -> dict[str, object]:
    answer = client.get(f"/exports/gbfs/{name}.json")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    return dict(answer.json)


@pytest.fixture
def told(settings: Settings) -> FlaskClient:
    """Return a client of an application that says whom to write to."""
    app = create_app(
        replace(settings, contact_email=CONTACT, data_licence="CC-BY-4.0"), clock=fixed_clock
    )
    return app.test_client()


@pytest.mark.parametrize("name", FEEDS)
def test_every_feed_keeps_its_published_schema(told: FlaskClient, name: str) -> None:
    """The schemas are MobilityData/gbfs-json-schema, v3.0, as gbfs-validator carries them."""
    schema = json.loads(
        (files("gbfs_validator") / "data" / "schemas" / "v3.0" / f"{name}.json").read_text("utf-8")
    )
    checked = jsonschema_rs.Draft7Validator(schema, validate_formats=True)
    document = feed(told, name)
    assert [error.message for error in checked.iter_errors(document)] == []
    assert document["version"] == "3.0"
    assert str(document["last_updated"]).endswith("Z")


@pytest.mark.slow
def test_the_validator_walks_the_feed_of_a_running_server(settings: Settings) -> None:
    with running_server(settings, LOCATOR_CONTACT_EMAIL=CONTACT) as server:
        report = validate_feed(f"{server.url}/exports/gbfs/gbfs.json", docked=True)
        with urllib.request.urlopen(
            f"{server.url}/exports/gbfs/gbfs.json", timeout=patience(30)
        ) as answer:
            listed = json.load(answer)["data"]["feeds"]
        assert [own["name"] for own in listed] == list(FEEDS)
        for own in listed:
            with urllib.request.urlopen(own["url"], timeout=patience(30)) as answer:
                assert answer.status == 200
    assert report["summary"]["version"] == {"detected": "3.0", "validated": "3.0"}
    assert report["summary"]["hasErrors"] is False, report
    checked = {own["file"] for own in report["files"] if own["exists"]}
    assert {f"{name}.json" for name in FEEDS} <= checked


def test_without_a_contact_the_feed_leaves_it_out(client: FlaskClient) -> None:
    data = feed(client, "system_information")["data"]
    assert "feed_contact_email" not in data
    assert "license_id" not in data


def test_what_nobody_knows_is_not_said(client: FlaskClient, store: GeoPackageStore) -> None:
    """Batteries left, lending and taking back, the last report: unknown of every cabinet."""
    assert feed(client, "station_status")["data"] == {"stations": []}
    cabinets = store.read("stations", where={"kind": "swap_cabinet"})
    empty = cabinets.assign(
        opening_hours=None, capacity=None, services=None, address=None, platforms=None
    )
    store.apply(Change("stations", empty), actor="test")
    first = feed(client, "station_information")["data"]["stations"][0]
    assert set(first) == {"station_id", "name", "lat", "lon", "rental_uris", "_provenance"}


def test_hours_that_differ_are_unknown_for_the_system(
    client: FlaskClient, store: GeoPackageStore, rules: HoursRules
) -> None:
    cabinets = store.read("stations", where={"kind": "swap_cabinet"})
    assert feed(client, "system_information")["data"]["opening_hours"] == "24/7"
    hours = ["24/7", "Mo-Fr 09:00-18:00", None]
    store.apply(Change("stations", cabinets.assign(opening_hours=hours)), actor="test")
    said = feed(client, "system_information")["data"]["opening_hours"]
    spans = read_spans(str(said), rules, start=MONDAY_NOON)
    assert {span.state for span in spans} == {State.UNKNOWN}
    listed = feed(client, "station_information")["data"]["stations"]
    assert [own.get("station_opening_hours") for own in listed] == hours


def test_made_up_cabinets_say_so(client: FlaskClient, store: GeoPackageStore) -> None:
    assert "示例数据" in feed(client, "system_information")["data"]["name"][0]["text"]
    cabinets = store.read("stations", where={"kind": "swap_cabinet"})
    store.apply(Change("stations", cabinets.assign(provenance="official")), actor="test")
    assert "示例" not in json.dumps(feed(client, "system_information"), ensure_ascii=False)
    assert "_provenance" not in feed(client, "station_information")["data"]["stations"][0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("phone", "said"),
    [("+86 917-123 4567", "+869171234567"), ("0917-1234567", None), ("call me", None), ("", None)],
)
def test_a_phone_number_is_given_where_it_is_whole(
    client: FlaskClient, store: GeoPackageStore, phone: str, said: str | None
) -> None:
    """GBFS wants E.164; a number without its country would have to be guessed."""
    cabinets = store.read("stations", where={"id": "BJ-S-01"})
    store.apply(Change("stations", cabinets.assign(phone=phone)), actor="test")
    first = feed(client, "station_information")["data"]["stations"][0]
    assert first.get("contact_phone") == said


def test_hostile_text_stays_text(client: FlaskClient, store: GeoPackageStore) -> None:
    name = "</script><img src=x onerror=alert(1)>\"'\\"
    cabinets = store.read("stations", where={"id": "BJ-S-01"})
    store.apply(Change("stations", cabinets.assign(name=name)), actor="test")
    answer = client.get("/exports/gbfs/station_information.json")
    assert answer.json["data"]["stations"][0]["name"] == [{"text": name, "language": "zh-CN"}]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_addresses_are_the_visitors(settings: Settings) -> None:
    app = create_app(replace(settings, hosts="rest.example.org"), clock=fixed_clock)
    answer = app.test_client().get("/exports/gbfs/gbfs.json", base_url="https://rest.example.org")
    hosts = {urlsplit(own["url"]).netloc for own in answer.json["data"]["feeds"]}
    assert hosts == {"rest.example.org"}
