"""How a frozen copy is cited, Chinese and English."""

from datetime import datetime

from locator.schema import Language
from locator.showing.frozen import Frozen

__all__ = ["citation"]

_HASH_LETTERS = 16


def citation(frozen: Frozen, url: str, language: Language, *, made_at: datetime) -> str:
    """Return the line for a report: what, of when, which data, where.

    Parameters
    ----------
    made_at
        When the copy was made, in the stations' own time zone.
    """
    about = frozen.about
    title = about["title"][language]
    moment = datetime.fromisoformat(about["as_of"]) if about["as_of"] else made_at
    data = about["data_sha256"][:_HASH_LETTERS]
    if language == "zh":
        made_up = "（示例数据）" if about["illustrative"] else ""
        return (
            f"《{title}》{made_up}，骑手驿站定位系统，数据截至 {moment:%Y-%m-%d %H:%M}，"
            f"数据哈希 SHA-256 {data}…，固定版：{url}"
        )
    made_up = " (illustrative data)" if about["illustrative"] else ""
    return (
        f"“{title}”{made_up}. Rider station locator, data as of {moment:%Y-%m-%d %H:%M}, "
        f"data hash SHA-256 {data}…, frozen copy: {url}"
    )
