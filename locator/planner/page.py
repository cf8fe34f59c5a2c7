"""The planner page of a running process: one question at a time, from today's store."""

from contextlib import AbstractContextManager
from datetime import timedelta

from locator.admission import Admission
from locator.cache import Cache
from locator.nearest import StationFilter
from locator.planner.answer import Answer, Ask, Standing, answer_ask, make_standing
from locator.planner.draft import Draft
from locator.planner.inputs import PlannerInputs, make_inputs
from locator.service import Service

_WAIT_S = 10.0
_FIRST_WAIT_S = 15.0  # the first question reads the inputs, which others wait for
_MOST_NUMBERS = 40_000_000  # of the standings that are kept: 160 MB
_MOST_STANDINGS = 64


class PlannerPage:
    """Answers questions from many threads, one after the other.

    It keeps the inputs of one version of the store, and what recent questions share with the
    next: whoever moves a threshold asks about the same stations each time.
    """

    def __init__(
        self, service: Service, admission: Admission | None = None, *, wait_s: float = _WAIT_S
    ) -> None:
        self._service = service
        self._admission = admission or Admission()
        self._wait_s = wait_s
        self._inputs: PlannerInputs | None = None
        self._standings: Cache[Standing] = Cache(
            _MOST_NUMBERS, lambda own: max(own.size, _MOST_NUMBERS / _MOST_STANDINGS)
        )

    def inputs(self) -> PlannerInputs:
        """Return the inputs of what the store holds now, for the current week.

        Raises
        ------
        InputError
            There is too much for a page, or nothing to measure.
        BusyError
            Others have been asking for too long.
        """
        with self.turn():
            return self._read()

    def ask(self, ask: Ask, draft: Draft | None = None) -> tuple[PlannerInputs, Answer]:
        """Answer a question; the draft's scenario takes the place of the question's.

        Raises
        ------
        InputError
            The scenario does not fit the register, or there is too much for a page.
        BusyError
            Others have been asking for too long.
        """
        with self.turn():
            inputs = self._read()
            now = self._standing(inputs, ask.chosen, None)
            then = None if draft is None else self._standing(inputs, ask.chosen, draft)
            return inputs, answer_ask(inputs, ask, now, then)

    def turn(self) -> AbstractContextManager[None]:
        """Take a turn for several questions, or for what is done with an answer.

        Raises
        ------
        BusyError
            Others have been asking for too long.
        """
        wait_s = self._wait_s if self._inputs is not None else _FIRST_WAIT_S
        return self._admission.turn(wait_s=wait_s)

    def _read(self) -> PlannerInputs:
        snapshot = self._service.snapshot()
        today = self._service.now().date()
        monday = today - timedelta(days=today.weekday())
        inputs = self._inputs
        if inputs is None or inputs.snapshot is not snapshot or inputs.monday != monday:
            self._inputs = None
            self._standings.clear()
            inputs = self._inputs = make_inputs(self._service, snapshot, monday)
        return inputs

    def _standing(
        self, inputs: PlannerInputs, chosen: StationFilter, draft: Draft | None
    ) -> Standing:
        key = (chosen, "" if draft is None else draft.key)
        scenario = None if draft is None else draft.scenario
        return self._standings.get(key, lambda: make_standing(inputs, chosen, scenario))
