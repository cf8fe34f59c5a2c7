"""JSON from outside: whatever stands where a number or a text belongs is refused, never a 500."""

import json
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

# As they are written in the body: json.dumps would refuse or change some of them.
STRANGE = [
    "1e309", "-1e309", "1e999999", "NaN", "Infinity", "-Infinity", "1e308", "-1", "0",
    "1e-400", "1.5",
    "9" * 30, "-" + "9" * 400, "9" * 5000, "true", "false", "null",
    '""', '"5"', '"\\ud800"', '"\\u0000"',
    "[]", "{}", "[[[[[[1e309]]]]]]", '{"a": {"b": {"c": {"d": 1e309}}}}', "[null]", "[true]",
    '["\\ud800"]', '{"\\ud800": 1}',
]  # fmt: skip
STATION = {
    "id": "N", "name": "新", "kind": "rest_post", "lon": 107.15, "lat": 34.36, "services": "toilet",
    "opening_hours": "24/7",
}  # fmt: skip
SCENARIO = {
    "name": "x", "close": ["BJ-R-001"], "open": [], "hours": {"BJ-R-002": "24/7"},
    "services": {"BJ-R-003": "toilet"}, "move": {"BJ-R-004": [107.15, 34.36]}, "add": [STATION],
}  # fmt: skip
QUESTION = {"minutes": 5, "hour": 12, "services": ["toilet"], "kinds": [], "scenario": SCENARIO}
PRICES = {
    "unit": "万元/年", "new_post": {"cost": 10, "hours": "24/7"}, "add_service": {"cost": 1},
    "extend_hours": {"cost": 2, "hours": "24/7"},
}  # fmt: skip
JOB = QUESTION | {
    "budget": 10, "prices": PRICES, "candidates": "grid", "bbox": [107.1, 34.3, 107.2, 34.4],
    "page": "p",
}  # fmt: skip


def replaced(body: object, put: str) -> Iterator[tuple[str, str]]:
    """Yield (where, JSON) with one place of a body replaced, every place in turn."""
    if isinstance(body, dict):
        for key, value in body.items():
            rest = {k: v for k, v in body.items() if k != key}
            inner = json.dumps(rest, ensure_ascii=False)[1:-1]
            for where, mended in replaced(value, put):
                parts = [f"{json.dumps(key)}: {mended}", *([inner] if inner else [])]
                yield f"{key}.{where}", "{" + ", ".join(parts) + "}"
    elif isinstance(body, list) and body:
        for number, value in enumerate(body):
            for where, mended in replaced(value, put):
                items = [json.dumps(item, ensure_ascii=False) for item in body]
                items[number] = mended
                yield f"{number}.{where}", "[" + ", ".join(items) + "]"
    yield "", put


@pytest.mark.slow
@pytest.mark.parametrize("put", STRANGE, ids=[text[:12] for text in STRANGE])
def test_no_value_in_a_body_is_a_500(client: FlaskClient, put: str) -> None:
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    client.application.extensions["locator.jobs"].ask = lambda *_, **__: "0" * 32
    client.application.extensions["locator.starts"].passes = lambda _: True
    for path, body in (("/planner/answer", QUESTION), ("/planner/sites", JOB)):
        for where, text in replaced(body, put):
            answer = client.post(path, data=text.encode(), content_type="application/json")
            assert answer.status_code in {200, 202, 400}, (path, where, put[:40])
            beyond = "1e309" in put or "1e9999" in put or len(put) > 16 or "NaN" in put
            if (beyond and "a" not in put.lower().replace("nan", "")) or "nfinity" in put:
                assert answer.status_code == 400, (path, where, put[:40])
            json.loads(answer.text, parse_constant=pytest.fail)


def test_minutes_beyond_all_numbers_are_named(client: FlaskClient) -> None:
    answer = client.post(
        "/planner/answer", data='{"minutes": 1e309}', content_type="application/json"
    )
    assert answer.status_code == 400
    assert "minutes='Infinity' is not a number" in answer.get_json()["error"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"\xff\xfe{\x00}\x00",
        b"[" * 60_000,
        b"5",
        b"null",
        b'"x"',
        b"{",
        b'{"minutes": 5}x',
    ],
)
def test_a_body_that_is_no_question_is_400(client: FlaskClient, body: bytes) -> None:
    for path in ("/planner/answer", "/planner/sites"):
        answer = client.post(path, data=body, content_type="application/json")
        assert answer.status_code == 400
