"""Mixed-integer models solved by HiGHS, in a process that can be killed.

HiGHS (Huangfu & Hall 2018, Mathematical Programming Computation 10:119-142) looks at its time
limit now and then only, so a model of any size runs in a child process: at the limit, on
cancellation or on Ctrl-C the child is killed, and the best selection and bound it has sent by then
are the answer. The child is started as ``python -c`` and not by ``multiprocessing``, which would
import the caller's main script again: a planner's script without a main guard would start itself.
"""

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Literal, Self

import numpy as np
from scipy.sparse import csr_array

from locator.siting.problem import Floats, Truths
from locator.siting.watch import Watch

if TYPE_CHECKING:
    import highspy

# Entries up to which a model is solved in this process: milliseconds. Whole numbers may take
# any time, so of them fewer.
_SMALL, _SMALL_WHOLE = 4_000, 1_000
Ended = Literal["optimal", "infeasible", "stopped"]


@dataclass(frozen=True, eq=False)
class Model:
    """Minimise ``cost @ x`` with ``low <= x <= high`` and ``matrix @ x`` between two sides.

    Attributes
    ----------
    matrix, row_low, row_high
        (r, c) and (r,) twice.
    cost, low, high
        (c,) each.
    whole
        (c,) which variables are whole numbers.
    start
        (c,) a point to start from, or None.
    """

    matrix: csr_array
    row_low: Floats
    row_high: Floats
    cost: Floats
    low: Floats
    high: Floats
    whole: Truths
    start: Floats | None = None

    @property
    def size(self) -> tuple[int, int, int]:
        """Rows, columns, entries."""
        return int(self.matrix.shape[0]), int(self.matrix.shape[1]), int(self.matrix.nnz)


@dataclass(frozen=True, eq=False)
class Answer:
    """What the solver has found and proven: of a minimum, ``bound <= best <= objective``.

    ``duals`` are those of the rows, where the model has no whole numbers; ``last`` is True when
    the solver has ended by itself.
    """

    ended: Ended
    x: Floats | None
    objective: float
    bound: float
    duals: Floats | None = None
    last: bool = False


def _tell_nobody(answer: Answer) -> None:
    del answer


_NOTHING = Answer("stopped", None, np.inf, -np.inf)


def run_highs(model: Model, time_limit_s: float, tell: Callable[[Answer], None]) -> Answer:
    """Solve a model in this process; ``tell`` hears of better points and bounds on the way."""
    with silent_stdout():  # HiGHS 1.16 prints a banner before any option can be set
        import highspy

        highs = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("time_limit", max(0.01, float(time_limit_s)))
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.setOptionValue("mip_abs_gap", 1e-9)
    highs.passModel(_as_highs(model))
    if model.start is not None:
        point = highspy.HighsSolution()
        point.col_value = list(model.start)
        highs.setSolution(point)
    _listen(highs, model, tell)
    highs.run()
    status = highs.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        return Answer("infeasible", None, np.inf, np.inf, last=True)
    done = status == highspy.HighsModelStatus.kOptimal
    info = highs.getInfo()
    solution = highs.getSolution()
    found = bool(info.primal_solution_status == 2)
    x = np.array(solution.col_value) if found else None
    value = float(info.objective_function_value) if found else np.inf
    if model.whole.any():
        bound, duals = float(info.mip_dual_bound), None
    else:
        bound, duals = (value if done else -np.inf), np.array(solution.row_dual)
    return Answer("optimal" if done else "stopped", x, value, bound, duals, last=True)


@contextmanager
def silent_stdout() -> Iterator[None]:
    """Send what libraries below Python print to nowhere: file descriptor 1 of this process."""
    try:
        kept = os.dup(1)
    except OSError:  # there is none: a window without a console
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _as_highs(model: Model) -> "highspy.HighsLp":
    import highspy

    lp = highspy.HighsLp()
    rows, columns, _ = model.size
    lp.num_col_, lp.num_row_ = columns, rows
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model.cost, model.low, model.high
    lp.row_lower_, lp.row_upper_ = model.row_low, model.row_high
    matrix = model.matrix.astype(np.float64)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = matrix.indptr
    lp.a_matrix_.index_ = matrix.indices
    lp.a_matrix_.value_ = matrix.data
    if model.whole.any():
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(one)] for one in model.whole]
    return lp


def _listen(highs: "object", model: Model, tell: Callable[[Answer], None]) -> None:
    if not model.whole.any():
        return

    def improved(event: "object") -> None:
        data = event.data_out  # type: ignore[attr-defined]
        x = np.array(data.mip_solution, dtype=np.float64)
        tell(Answer("stopped", x, float(model.cost @ x), float(data.mip_dual_bound)))

    def logged(event: "object") -> None:
        data = event.data_out  # type: ignore[attr-defined]
        tell(Answer("stopped", None, np.inf, float(data.mip_dual_bound)))

    highs.cbMipImprovingSolution.subscribe(improved)  # type: ignore[attr-defined]
    highs.cbMipLogging.subscribe(logged)  # type: ignore[attr-defined]


def _write_message(stream: BinaryIO, message: object) -> None:
    """Write one object with its length before it."""
    data = pickle.dumps(message, protocol=5)
    stream.write(len(data).to_bytes(8, "little") + data)
    stream.flush()


def _read_message(stream: BinaryIO) -> object:
    """Read one object; EOFError where the other side has gone."""
    head = stream.read(8)
    if len(head) < 8:
        raise EOFError
    data = stream.read(int.from_bytes(head, "little"))
    return pickle.loads(data)  # noqa: S301 - from the process that was started here


class Solver:
    """HiGHS in a child process, started once it is needed and killed when it takes too long."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def warm(self) -> None:
        """Start the child, so that it has loaded HiGHS by the time there is a model."""
        if self._child is not None and self._child.poll() is None:
            return
        paths = [path or os.getcwd() for path in sys.path]  # noqa: PTH109
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
        self._child = subprocess.Popen(
            [sys.executable, "-c", "from locator.siting.kernel import child_main; child_main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )

    def kill(self) -> None:
        """End the child, whatever it does."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what was still to be written to a dead process
                    continue

    def solve(
        self,
        model: Model,
        watch: Watch,
        *,
        enough: Callable[[float, float], bool] | None = None,
    ) -> Answer:
        """Solve a model, at most for the time the watch has left.

        Parameters
        ----------
        enough
            Asked with the best objective and bound whenever one is heard of; True ends the search.
        """
        left = watch.left_s()
        if left <= 0.0 or watch.stop():
            return _NOTHING
        if model.size[1] == 0:
            return _without_columns(model)
        if model.size[2] <= (_SMALL_WHOLE if model.whole.any() else _SMALL):
            return run_highs(model, left, _tell_nobody)
        self.warm()
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            return _NOTHING
        heard: queue.Queue[Answer | None] = queue.Queue()
        threads = [
            threading.Thread(target=_send, args=(child.stdin, (model, left)), daemon=True),
            threading.Thread(target=_hear, args=(child.stdout, heard), daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            return self._wait(heard, watch, enough)
        except BaseException:
            self.kill()
            raise

    def _wait(
        self,
        heard: "queue.Queue[Answer | None]",
        watch: Watch,
        enough: Callable[[float, float], bool] | None,
    ) -> Answer:
        best = _NOTHING
        while True:
            try:
                answer = heard.get(timeout=0.05)
            except queue.Empty:
                if watch.stop():
                    self.kill()
                    return best
                continue
            if answer is None:  # the child has died
                self.kill()
                return best
            best = _better(best, answer)
            if answer.last:
                return replace(best, ended=answer.ended, last=True)
            if (enough is not None and enough(best.objective, best.bound)) or watch.stop():
                self.kill()
                return best


def _better(best: Answer, heard: Answer) -> Answer:
    x, objective = best.x, best.objective
    if heard.x is not None and heard.objective < objective:
        x, objective = heard.x, heard.objective
    bound = max(best.bound, heard.bound)
    return Answer(best.ended, x, objective, bound, heard.duals)


def _without_columns(model: Model) -> Answer:
    """Return the answer where there is nothing to choose, which HiGHS calls no model at all."""
    if (model.row_low > 1e-9).any() or (model.row_high < -1e-9).any():
        return Answer("infeasible", None, np.inf, np.inf, last=True)
    return Answer("optimal", np.zeros(0), 0.0, 0.0, np.zeros(len(model.row_low)), last=True)


def _send(stream: BinaryIO, message: object) -> None:
    try:
        _write_message(stream, message)
    except (OSError, ValueError):  # the child was killed meanwhile
        return


def _hear(stream: BinaryIO, heard: "queue.Queue[Answer | None]") -> None:
    try:
        while True:
            answer = _read_message(stream)
            if not isinstance(answer, Answer):
                break
            heard.put(answer)
            if answer.last:
                break
    except (EOFError, OSError, ValueError, pickle.UnpicklingError):
        pass
    heard.put(None)


def child_main() -> None:
    """Solve the models that come in on standard input until it is closed: the child's main."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; it kills this process
    own = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not get between the messages
    out = os.fdopen(own, "wb")
    models: list[tuple[Model, float]] = []
    ready = threading.Condition()

    def listen() -> None:
        try:
            while True:
                message = _read_message(sys.stdin.buffer)
                with ready:
                    models.append(message)  # type: ignore[arg-type]
                    ready.notify()
        except EOFError:
            os._exit(0)  # the parent has gone: nobody waits for the answer

    import highspy  # noqa: F401 - loaded before the first model is there

    threading.Thread(target=listen, daemon=True).start()
    while True:
        with ready:
            ready.wait_for(lambda: bool(models))
            model, limit_s = models.pop(0)

        def tell(answer: Answer) -> None:
            _write_message(out, answer)

        _write_message(out, run_highs(model, limit_s, tell))
