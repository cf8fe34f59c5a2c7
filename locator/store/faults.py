"""What one check of a store's file finds."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MENDABLE = "'locator doctor --mend' puts it right."


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and what would put it right (None: a person must)."""

    what: str
    where: str
    advice: str
    remedy: Callable[[sqlite3.Connection], None] | None = None


Check = Callable[[sqlite3.Connection], Iterator[Fault]]
