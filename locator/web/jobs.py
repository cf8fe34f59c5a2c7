"""Background jobs over HTTP: who may start one, how far it is, and its end.

Who knows a job's id may look at it and cancel it: ids cannot be guessed. What starts one must
come from a page of this site, and from whom the setting ``jobs`` allows.
"""

import ipaddress
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from datetime import time as dt_time
from typing import cast
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, current_app, g, request

from locator import questions
from locator.cache import Cache
from locator.errors import InputError, JobsFullError, StoreVersionError
from locator.jobs import RESTARTED, JobQueue, check_question
from locator.planner import read_ask
from locator.questions import Given
from locator.settings import Settings
from locator.store import Job, JobState
from locator.web.hosts import names_us
from locator.web.request import get_service, given_body

blueprint = Blueprint("jobs", __name__)

MOST_NEW = 20
_TIME_LIMIT_S = 30.0
_RUNS = 10
_WORDS = (
    *("minutes", "hour", "services", "kinds", "scenario"),
    *("new", "budget", "prices", "candidates", "bbox", "page"),
)
_MOST_OWNER = 64
_STARTS, _WITHIN_S = 10, 600.0
_MOST_ADDRESSES = 10_000


class Throttle:
    """How often an address may start something: held in memory, written nowhere."""

    def __init__(
        self, most: int, within_s: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._within_s, self._clock = most, within_s, clock
        self._lock = threading.Lock()
        self._seen: Cache[deque[float]] = Cache(_MOST_ADDRESSES)

    @property
    def size(self) -> int:
        """Return how many addresses are remembered."""
        return len(self._seen)

    def passes(self, address: str) -> bool:
        """Count one more from an address; False if it is too many."""
        now = self._clock()
        with self._lock:
            times = self._seen.get(address, deque)
            while times and now - times[0] >= self._within_s:
                times.popleft()
            if len(times) >= self._most:
                return False
            times.append(now)
            return True


def open_jobs(app: Flask, settings: Settings) -> None:
    """Give an application its job queue, and the count of who started how many."""
    service = app.extensions["locator"]
    app.extensions["locator.jobs"] = JobQueue(settings, service.store)
    app.extensions["locator.starts"] = Throttle(_STARTS, _WITHIN_S)


def may_start() -> bool:
    """Tell whether this request may start a job, see the setting ``jobs``."""
    allowed = get_service().settings.jobs
    return allowed == "everyone" or (allowed == "local" and bool(g.local))


@blueprint.post("/planner/sites")
def start() -> tuple[Response, int]:
    """Put a siting job in the line; the answer holds its id, status 202."""
    _refuse_foreign()
    if not may_start():
        abort(403, "Background jobs are not for everyone on this server; see LOCATOR_JOBS.")
    given = given_body(_WORDS)
    question = {"sites": _sites_question(given), "scenario": given.value("scenario")}
    owner = given.read("page", questions.text, "")
    if len(owner) > _MOST_OWNER:
        raise InputError(f"page must be a text of at most {_MOST_OWNER} letters.")
    check_question("sites", question)
    if not _starts().passes(_address()):
        raise JobsFullError("Many jobs were started from your address; try again in ten minutes.")
    job = _queue().ask("sites", question, owner=owner)
    return _json({"id": job, "href": f"/planner/jobs/{job}"}), 202


@blueprint.get("/planner/jobs/<job>")
def look(job: str) -> Response:
    """Say how far a job is, and what came of it."""
    return _json(_plain(_find(job)))


@blueprint.post("/planner/jobs/<job>/cancel")
def cancel(job: str) -> Response:
    """Ask for a job's end; one that has ended stays as it is."""
    _refuse_foreign()
    _find(job)
    _queue().cancel(job)
    return _json(_plain(_find(job)))


@blueprint.errorhandler(JobsFullError)
def _full(error: JobsFullError) -> tuple[Response, int]:
    response = _json({"error": str(error)})
    response.headers["Retry-After"] = "30"
    return response, 429


@blueprint.errorhandler(StoreVersionError)
def _old(error: StoreVersionError) -> tuple[Response, int]:
    logging.getLogger("locator").error("%s", error)
    return _json({"error": "The store is of an older locator; run 'locator init' once."}), 503


def _queue() -> JobQueue:
    return cast("JobQueue", current_app.extensions["locator.jobs"])


def _starts() -> Throttle:
    return cast("Throttle", current_app.extensions["locator.starts"])


def _find(job: str) -> Job:
    found = _queue().look(job)
    if found is None:
        abort(404, "There is no such job (any more).")
    return found


def _refuse_foreign() -> None:
    """Refuse what another site's page sends: browsers say where a request comes from."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    foreign = site not in {"same-origin", "none"} if site else False
    if origin and not site:
        foreign = not names_us(urlsplit(origin).netloc, get_service().settings)
    if foreign:
        abort(403, "The request comes from another site's page.")


def _address() -> str:
    """Return whose request it is: behind proxies that are believed, what the last one saw."""
    proxies = get_service().settings.proxies
    route = request.access_route
    text = route[-proxies] if 0 < proxies <= len(route) else request.remote_addr or ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if address.version == 6:  # a household has as many as it likes of these
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _sites_question(given: Given) -> dict[str, object]:
    ask = read_ask(given)
    service = get_service()
    today = service.now().date()
    monday = today - timedelta(days=today.weekday())
    question: dict[str, object] = {
        "minutes": ask.limit_s / 60.0,
        "services": sorted(code.value for code in ask.chosen.services),
        "kinds": sorted(code.value for code in ask.chosen.kinds),
        "candidates": given.read("candidates", questions.text, "grid"),
        "bbox": given.value("bbox"),
        "time_limit_s": _TIME_LIMIT_S,
        "curve": False,
        "runs": _RUNS,
    }
    if ask.hour is None:
        question |= {"hourly": True, "week_of": monday.isoformat()}
    else:
        moment = datetime.combine(monday, dt_time()) + timedelta(hours=ask.hour)
        question["at"] = moment.isoformat(timespec="minutes")
    return question | _wanted(given)


def _wanted(given: Given) -> dict[str, object]:
    if ("new" in given) == ("budget" in given):
        raise InputError("Say how many new sites (new), or for how much (budget).")
    if "new" in given:
        return {"new": given.need("new", questions.whole(1, MOST_NEW)), "hours": "24/7"}
    if "prices" not in given:
        raise InputError("A budget needs prices.")
    return {"budget": given.value("budget"), "prices": given.value("prices")}


def _plain(job: Job) -> dict[str, object]:
    answer = (
        _queue().answer(job.id) if job.state not in {JobState.WAITING, JobState.RUNNING} else None
    )
    return {
        "id": job.id,
        "state": job.state.value,
        "share": round(job.share, 4),
        "phase": job.phase,
        "objective": job.objective,
        "bound": job.bound,
        "ahead": job.ahead,
        "cancelling": job.cancel_asked and job.state is JobState.RUNNING,
        "made_at": job.made_at.isoformat(),
        "error": job.error,
        "restarted": job.error == RESTARTED,
        "question": json.loads(job.question),
        "answer": None if answer is None else json.loads(answer),
    }


def _json(body: object) -> Response:
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    response = Response(text, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
