"""What a result shows of itself in a notebook: a small table, escaped, without style or script."""

import math
from collections.abc import Mapping
from html import escape


def facts_table(title: str, facts: Mapping[str, object]) -> str:
    """Return a table of two columns as HTML.

    Parameters
    ----------
    title
        What the table is of.
    facts
        Label to value; a float is written with six digits, NaN (there is none) as a dash, None
        (unknown) as a question mark.
    """
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th><td>{escape(_words(value))}</td></tr>'
        for label, value in facts.items()
    )
    return f"<table><caption>{escape(title)}</caption><tbody>{rows}</tbody></table>"


def _words(value: object) -> str:
    if value is None:
        return "?"
    if isinstance(value, float):
        return "—" if math.isnan(value) else f"{value:.6g}"
    return str(value)
