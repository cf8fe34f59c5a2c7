"""Background jobs: long computations that a page asks for, one worker process at a time.

A page puts a job in the line (:meth:`JobQueue.ask`) and looks at its row; a process of its own
works through the line (``worker.py``) and ends when nothing has waited for a while.
"""

from locator.jobs.kinds import check_question
from locator.jobs.queue import RESTARTED, JobQueue, Limits

__all__ = ["RESTARTED", "JobQueue", "Limits", "check_question"]
