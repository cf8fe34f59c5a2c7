"""The child process of :class:`~locator.siting.kernel.Solver`: read a model, solve it, tell."""

import os
import signal
import sys
import threading

from locator.siting.kernel import Answer, Model, read_message, run_highs, write_message

__all__ = ["main"]


def main() -> None:
    """Solve the models that come in on standard input until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; it kills this process
    own = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not get between the messages
    out = os.fdopen(own, "wb")
    models: list[tuple[Model, float]] = []
    ready = threading.Condition()

    def listen() -> None:
        try:
            while True:
                message = read_message(sys.stdin.buffer)
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
            write_message(out, answer)

        write_message(out, run_highs(model, limit_s, tell))
