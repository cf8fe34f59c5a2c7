"""The look: one small set of named tokens that pages, maps and figures all read.

Colours of kinds are from Okabe & Ito's set for colour-blind readers (2008); each kind has a
shape besides, and each state a word and a glyph, so nothing rests on colour alone and a grey
print still tells them apart.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from locator.schema import Kind, LabelledEnum, State

_DEVIATIONS = 3.0

Theme = Literal["auto", "light", "dark"]
THEMES: tuple[Theme, ...] = ("auto", "light", "dark")


@dataclass(frozen=True)
class Mark:
    """How something is drawn: a colour, a matplotlib marker, a glyph for text and SVG."""

    colour: str
    marker: str
    glyph: str


PALETTE: dict[str, str] = {
    "ink": "#16202a",
    "ink-quiet": "#4a5763",
    "paper": "#ffffff",
    "paper-quiet": "#f3f5f7",
    "line": "#c9d1d8",
    "accent": "#00599c",
    "accent-ink": "#ffffff",
    "warn": "#8a3d00",
    "warn-paper": "#fff3e0",
    "zone": "#7a5c00",
    "zone-fill": "#f0c419",
    "covered": "#3b8ea5",
    "gap": "#b3261e",
    "district": "#6b7680",
    "place": "#4a5763",
    "kind-district_station-text": "#a34700",  # the kind's own orange is too light for words
}

# The same names on a dark page; what is not named here keeps its colour. Text reaches 7 : 1 on
# paper (WCAG 2.2, 1.4.6), because a phone in the sun loses half its contrast.
DARK: dict[str, str] = {
    "ink": "#f1f4f6",
    "ink-quiet": "#b9c3cc",
    "paper": "#12181e",
    "paper-quiet": "#080c10",
    "line": "#3c4853",
    "accent": "#8cc8ff",
    "accent-ink": "#06243d",
    "warn": "#ffc58a",
    "warn-paper": "#3a2408",
    "kind-rest_post": "#86c5f0",
    "kind-district_station": "#ffb27a",
    "kind-district_station-text": "#ffb27a",
    "kind-member_station": "#6fd3b5",
    "kind-swap_cabinet": "#f0a5d6",
    "state-open": "#7bdcb5",
    "state-closed": "#b9c3cc",
    "state-unknown": "#ffc58a",
}

GAP = PALETTE["gap"]

KIND_LOOKS: dict[Kind, Mark] = {
    Kind.REST_POST: Mark("#0072b2", "o", "●"),
    Kind.DISTRICT_STATION: Mark("#d55e00", "s", "■"),
    Kind.MEMBER_STATION: Mark("#00795a", "^", "▲"),
    Kind.SWAP_CABINET: Mark("#a0437a", "D", "◆"),
}

STATE_LOOKS: dict[State, Mark] = {
    State.OPEN: Mark("#00664a", "o", "●"),
    State.CLOSED: Mark("#6b7680", "o", "○"),
    State.UNKNOWN: Mark("#8a3d00", "o", "?"),
}


def css_variables(theme: Theme = "auto") -> str:
    """Return the tokens as custom properties of a style sheet.

    ``auto`` follows the reader's device; the others stay as they are on every device.
    """
    tokens = dict(PALETTE)
    looks: list[tuple[str, dict[LabelledEnum, Mark]]] = [
        ("kind", dict(KIND_LOOKS.items())),
        ("state", dict(STATE_LOOKS.items())),
    ]
    for prefix, table in looks:
        tokens |= {f"{prefix}-{code.value}": mark.colour for code, mark in table.items()}
    if theme == "dark":
        tokens |= DARK
    light, dark = (
        "".join(f"  --{name}: {colour};\n" for name, colour in table.items())
        for table in (tokens, DARK)
    )
    if theme != "auto":
        return f":root {{\n  color-scheme: {theme};\n{light}}}\n"
    return (
        f":root {{\n  color-scheme: light dark;\n{light}}}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{\n{dark}}} }}\n"
    )


def dense_range(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return where most values lie: the median and three median absolute deviations beside it.

    It is where a map starts. A third of a city's stations may lie in its counties, so a share of
    the values, such as the middle nine tenths, would leave the city itself too small to read.
    """
    middle = float(np.median(values))
    spread = _DEVIATIONS * float(np.median(np.abs(values - middle)))
    low, high = float(values.min()), float(values.max())
    if spread == 0:
        return low, high
    return max(low, middle - spread), min(high, middle + spread)
