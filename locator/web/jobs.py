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

from locator.cache import Cache
from locator.errors import InputError, JobsFullError, StoreVersionError
from locator.jobs import RESTARTED, JobQueue, check_question
from locator.settings import Settings
from locator.store import Job, JobState
from locator.web.hosts import names_us
from locator.web.planner_ask import read_ask, read_body
from locator.web.request import get_service

__all__ = ["MOST_NEW", "Throttle", "blueprint", "may_start", "open_jobs"]

blueprint = Blueprint("jobs", __name__)

MOST_NEW = 20
_TIME_LIMIT_S = 30.0
_RUNS = 10
_ASKED = frozenset({"minutes", "hour", "services", "kinds", "scenario"})
_KEYS = _ASKED | {"new", "budget", "prices", "candidates", "bbox", "page"}
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
    body = read_body(_KEYS)
    question = {"sites": _sites_question(body), "scenario": body.get("scenario")}
    owner = body.get("page", "")
    if not isinstance(owner, str) or len(owner) > 64:
        raise InputError("page must be a short text.")
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


def _sites_question(body: dict[str, object]) -> dict[str, object]:
    ask = read_ask(body)
    service = get_service()
    today = service.now().date()
    monday = today - timedelta(days=today.weekday())
    question: dict[str, object] = {
        "minutes": ask.limit_s / 60.0,
        "services": sorted(code.value for code in ask.chosen.services),
        "kinds": sorted(code.value for code in ask.chosen.kinds),
        "candidates": body.get("candidates", "grid"),
        "bbox": body.get("bbox"),
        "time_limit_s": _TIME_LIMIT_S,
        "curve": False,
        "runs": _RUNS,
    }
    if ask.hour is None:
        question |= {"hourly": True, "week_of": monday.isoformat()}
    else:
        moment = datetime.combine(monday, dt_time()) + timedelta(hours=ask.hour)
        question["at"] = moment.isoformat(timespec="minutes")
    return question | _wanted(body)


def _wanted(body: dict[str, object]) -> dict[str, object]:
    new, budget, prices = body.get("new"), body.get("budget"), body.get("prices")
    if (new is None) == (budget is None):
        raise InputError("Say how many new sites (new), or for how much (budget).")
    if budget is not None:
        if prices is None:
            raise InputError("A budget needs prices.")
        return {"budget": budget, "prices": prices}
    if isinstance(new, bool) or not isinstance(new, int) or not 1 <= new <= MOST_NEW:
        raise InputError(f"new must be a whole number from 1 to {MOST_NEW}.")
    return {"new": new, "hours": "24/7"}


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
