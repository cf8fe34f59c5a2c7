"""Write geodata/calendar_cn_expected.csv: statutory holidays of years that are not announced.

    pip install "holidays==0.109"       # in an environment of its own: it wants an older dateutil
    python scripts/expected_holidays.py

The days are those of the law (全国年节及纪念日放假办法), by the lunar calendar of the PyPI package
holidays (MIT). What stands in for a day on a weekend, and make-up workdays, are the State Council's
to say and are left out. Each day runs like the nearest that the hours' reader knows as PH.
"""

import csv
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays

from locator.hours import HoursRules, read_spans
from locator.schema import State

YEARS = range(2027, 2041)
SOURCE = "全国年节及纪念日放假办法（2025年1月1日起施行），农历按 PyPI holidays 推算"
FILE = Path(__file__).resolve().parents[1] / "geodata" / "calendar_cn_expected.csv"


def expected_rows() -> list[tuple[str, str, str, str, str]]:
    """Return date, kind, like, reason and source of each day."""
    china = holidays.country_holidays("CN", years=YEARS, language="zh_CN")
    rules = HoursRules(ZoneInfo("Asia/Shanghai"), "CN", {})
    start = datetime(YEARS[0], 1, 1, tzinfo=rules.timezone)
    spans = read_spans("PH", rules, start=start, days=366 * len(YEARS))
    known = [span.start.date() for span in spans if span.state is State.OPEN]
    rows = []
    for day, names in sorted(china.items()):
        statutory = [name for name in names.split("; ") if "（" not in name]  # no （补假）
        if statutory:
            _, like = min((abs(other - day), other) for other in known)
            reason = "、".join(statutory).replace("农历", "") + "（预计）"
            rows.append((f"{day}", "expected", f"{like}", reason, SOURCE))
    return rows


def main() -> None:
    """Write the file; the same package gives the same bytes."""
    with FILE.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("date", "kind", "like", "reason", "source"))
        writer.writerows(expected_rows())


if __name__ == "__main__":
    main()
