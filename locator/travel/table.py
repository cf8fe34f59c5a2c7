"""Times from every state of the graph to every station, so that a rider's question is a look-up.

A pair costs six bytes: milliseconds as uint32, exact to the millisecond, and the mean speed of
the way as uint16, from which its length follows to a few decimetres. A million states and 500
stations take 2.8 GiB. Stations sit in slots of blocks of 64; a block that keeps its stations is
shared between an old table and its successor, so a changed station costs one search, not all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locator.travel.graph import LENGTH_BITS, Floats, Ints, split_weight

__all__ = ["BYTES_A_PAIR", "StationTable", "fill_table"]

BYTES_A_PAIR = 6
_BLOCK = 64
_GRAIN = 8  # the last block is as wide as it must be, rounded up to this
_NEVER = np.uint32(2**32 - 1)
_CODES = 65_535.0
_STATES_AT_ONCE = 1 << 17

Rows = npt.NDArray[np.int64]
Search = Callable[[Rows], Floats]  # stations -> (stations, states) weights


@dataclass(frozen=True)
class _Block:
    time_ms: npt.NDArray[np.uint32]
    speed: npt.NDArray[np.uint16]


@dataclass(frozen=True)
class StationTable:
    """The filled table; read-only.

    Attributes
    ----------
    blocks
        (states, up to 64) each.
    slot
        (m,) column of each station, counted over all blocks.
    keys
        What each station's column depends on.
    top_m_per_s
        The speed that code 65,535 stands for.
    """

    blocks: tuple[_Block, ...]
    slot: Rows
    keys: tuple[bytes, ...]
    top_m_per_s: float

    def weights(self, states: Ints) -> Floats:
        """Return the weights from r states to every station, (r, m)."""
        if not self.blocks:
            return np.empty((len(states), 0))
        time_ms = np.concatenate([b.time_ms[states] for b in self.blocks], axis=1)[:, self.slot]
        speed = np.concatenate([b.speed[states] for b in self.blocks], axis=1)[:, self.slot]
        whole_ms = time_ms.astype(np.float64)
        length_cm = np.rint(whole_ms * (self.top_m_per_s / _CODES / 10.0) * speed)
        return np.where(time_ms == _NEVER, np.inf, whole_ms * (1 << LENGTH_BITS) + length_cm)

    @property
    def widths(self) -> list[int]:
        """Slots of each block."""
        return [block.time_ms.shape[1] for block in self.blocks]


def fill_table(
    keys: Sequence[bytes],
    search: Search,
    *,
    states: int,
    at_once: int,
    top_m_per_s: float,
    previous: StationTable | None = None,
) -> StationTable:
    """Fill a table, taking over from an earlier one every station whose key is unchanged.

    Parameters
    ----------
    keys
        (m,) what each station's times depend on: equal keys share a slot.
    search
        Returns the weights from every state to some stations, one row a station.
    at_once
        How many stations a search may take: bounds the memory.
    """
    known: dict[bytes, int] = {}
    if previous is not None:
        known = dict(zip(previous.keys, previous.slot.tolist(), strict=True))
    slots = {key: known[key] for key in keys if key in known}
    blocks = list(previous.blocks) if previous is not None and slots else []
    shared = len(blocks)
    fresh = list(dict.fromkeys(key for key in keys if key not in slots))
    taken = set(slots.values())
    total = sum(block.time_ms.shape[1] for block in blocks)
    free = [slot for slot in range(total) if slot not in taken]
    while len(free) < len(fresh):
        width = min(_BLOCK, -(-(len(fresh) - len(free)) // _GRAIN) * _GRAIN)
        blocks.append(_empty(states, width))
        free.extend(range(total, total + width))
        total += width
    owned = set(range(shared, len(blocks)))
    first_of = {key: row for row, key in reversed(list(enumerate(keys)))}
    for begin in range(0, len(fresh), at_once):
        some = fresh[begin : begin + at_once]
        weight = search(np.array([first_of[key] for key in some], dtype=np.int64))
        for key, row in zip(some, weight, strict=True):
            slots[key] = free.pop(0)
            _write(blocks, owned, slots[key], row, top_m_per_s)
    slot = np.array([slots[key] for key in keys], dtype=np.int64)
    return StationTable(tuple(blocks), slot, tuple(keys), top_m_per_s)


def _empty(states: int, width: int) -> _Block:
    return _Block(
        np.full((states, width), _NEVER, dtype=np.uint32),
        np.zeros((states, width), dtype=np.uint16),
    )


def _write(blocks: list[_Block], owned: set[int], slot: int, weight: Floats, top: float) -> None:
    """Write one station's column; a block that an earlier table shares is copied first."""
    number = 0
    while slot >= blocks[number].time_ms.shape[1]:
        slot -= blocks[number].time_ms.shape[1]
        number += 1
    if number not in owned:
        blocks[number] = _Block(blocks[number].time_ms.copy(), blocks[number].speed.copy())
        owned.add(number)
    block = blocks[number]
    for begin in range(0, len(weight), _STATES_AT_ONCE):  # bounds the memory
        some = slice(begin, begin + _STATES_AT_ONCE)
        seconds, metres = split_weight(weight[some])
        reached = np.isfinite(seconds)
        code = np.zeros(len(seconds))
        code[reached] = np.clip(metres[reached] / seconds[reached] * (_CODES / top), 0, _CODES)
        block.speed[some, slot] = np.rint(code)
        whole_ms = np.minimum(np.rint(seconds * 1000.0), float(_NEVER) - 1)
        block.time_ms[some, slot] = np.where(reached, whole_ms, _NEVER)
