"""Which encoding a text is in, decided on the text: read right, or refused; never garbled.

UTF-8 and UTF-16 show themselves. The others give characters for almost any bytes: what tells them
apart is how common the characters are that each would make of the text. Characters of the first
level of GB 2312, Big5 and JIS X 0208 are in use, those of the second are rare, and what those
standards leave out is rarer. A text that two encodings make equally likely is in neither.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from locator.errors import InputError

_BLOCK = 1 << 20
_ENOUGH = 20_000  # characters by which an encoding is judged; the rest need only be possible
_MARGIN = 0.25  # by which the likeliest must be ahead of the next
_LEAST = 0.6
_FIRST_GUESS = 0.2  # what the encoding is ahead that most of our files have, or that a file names
_ASCII = re.compile(r"[\x00-\x7f]+")
# Of names, addresses and headers: what a text of a register is full of, in either script.
_COMMON = frozenset(
    "的一是不在有人大中上下小东西南北東左右前后後内內外新老路街道巷弄号號楼樓层層室栋棟幢单單元门門口"
    "市区區县縣镇鎮乡鄉村社組组园園院场場厂廠店馆館站台臺桥橋河江湖山水电電火车車公交地铁鐵高速国國省州"
    "学學校医醫厅廳所局委会會政府党黨群服务務中心骑騎手驿驛换換柜櫃商圈广廣宝寶鸡雞金渭滨濱陈陳仓倉凤鳳"
    "翔岐扶风風眉陇隴千阳陽麟游太白编編号名称稱类類型经經纬緯度坐标標址地话話时時间間开開放营營业業状狀态態"
    "日期来來源备備注註数數据據量容每需求周週至二三四五六七八九十百万萬年月点點分休息平安和丰豐民生家福兴興华華"
    "建设設工程农農银銀行酒饭飯超美食品城饮飲热熱座充微波空调調马馬汉漢封卫衛间急救箱示例测試测試驿亭"
    "王李张刘杨赵黄吴徐孙胡朱高林何郭罗梁宋郑谢韩唐冯董程曹袁邓许沈曾彭吕苏卢蒋蔡贾丁魏薛叶余潘杜"
    "戴夏钟汪田任姜范石姚谭廖邹熊陆郝孔崔康毛邱秦史顾侯邵孟段雷钱汤尹黎常武乔贺赖龚文"
    "역시장동구로길대한국서울부산점센터쉼주민휴게소편의강원경기도지하철공화장실음료수정문남북"
)
_KANA = re.compile(r"[\u3041-\u30ff]")
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_NEUTRAL = re.compile(r"[\u2010-\u2027\u2030-\u205e\u3000-\u3011\uff01-\uff5e·°′″×÷①-⑳Ⅰ-Ⅻ]")


def _level(char: str, codec: str, first: range) -> float:
    """Return how common a character is: 1 of the first level, 0.3 of the second, else -1."""
    try:
        lead = char.encode(codec)[0]
    except UnicodeEncodeError:
        return -1.0
    return 1.0 if lead in first else 0.3


def _judge(char: str, codec: str, first: range) -> float:
    if char in _COMMON:
        return 2.0
    if _NEUTRAL.match(char):
        return 0.5
    if _HAN.match(char):
        return _level(char, codec, first)
    if codec == "euc_kr" and "\uac00" <= char <= "\ud7a3":
        return _level(char, codec, first)
    if codec == "shift_jis" and _KANA.match(char):
        return 1.0
    return -1.0


# Encoding to the codec of its standard and the lead bytes of that standard's first level.
_JUDGES: dict[str, tuple[str, range]] = {
    "gb18030": ("gb2312", range(0xB0, 0xD8)),
    "big5hkscs": ("big5", range(0xA4, 0xC7)),
    "cp932": ("shift_jis", range(0x81, 0x99)),
    "cp949": ("euc_kr", range(0xB0, 0xC9)),
}
_NAMES = {"big5hkscs": "big5", "cp932": "shift_jis", "utf-8-sig": "utf-8"}


class _Candidate:
    """A reading of a text: whether it is possible, and how common its characters are."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._counts: Counter[str] = Counter()
        self._seen = 0
        self.possible = True
        self.has_nul = self.has_lines = False

    def take(self, block: bytes, *, final: bool = False) -> None:
        if not self.possible:
            return
        try:
            text = self._decoder.decode(block, final)
        except UnicodeDecodeError:
            self.possible = False
            return
        self.has_nul = self.has_nul or "\0" in text
        self.has_lines = self.has_lines or "\n" in text or "\r" in text
        if self._seen < _ENOUGH:
            others = _ASCII.sub("", text)
            self._seen += len(others)
            self._counts.update(others)

    @property
    def plain(self) -> bool:
        """Whether all of the text is ASCII."""
        return not self._counts

    def counts(self) -> Counter[str]:
        return self._counts

    def likelihood(self) -> float:
        """Return the mean of how common the characters are, a byte weighing as much as any."""
        codec, first = _JUDGES.get(self.encoding, ("ascii", range(0)))
        total = weight = 0.0
        for char, count in self._counts.items():
            size = len(char.encode(self.encoding)) * count
            weight += size
            total += size * _judge(char, codec, first)
        return total / weight if weight else 0.0


def check_encoding(name: str) -> str:
    """Return an encoding that somebody names as Python calls it.

    Raises
    ------
    InputError
        There is none of this name.
    """
    plain = name.strip().lower()
    try:
        found = codecs.lookup({"gbk": "gb18030", "gb2312": "gb18030"}.get(plain, plain)).name
        "".encode(found)
    except (LookupError, ValueError) as error:
        raise InputError(
            f"There is no encoding {name!r}; name one such as utf-8, gb18030, big5, shift_jis, "
            "utf-16."
        ) from error
    return {"big5": "big5hkscs", "shift_jis": "cp932", "euc_kr": "cp949", "utf-8": "utf-8-sig"}.get(
        found, found
    )


def find_encoding(blocks: Iterable[bytes], source: str, *, said: str | None = None) -> str:
    """Return the encoding of a text that comes in blocks.

    Parameters
    ----------
    said
        What a file says of itself, which may be wrong: it counts where the text leaves a doubt.

    Raises
    ------
    InputError
        No encoding gives a likely text, or two do.
    """
    candidates = {name: _Candidate(name) for name in ("utf-8-sig", *_JUDGES)}
    claimed = _known(said)
    if claimed is not None:
        candidates.setdefault(claimed, _Candidate(claimed))
    for block in blocks:
        for candidate in candidates.values():
            candidate.take(block)
    for candidate in candidates.values():
        candidate.take(b"", final=True)
    utf8 = candidates.pop("utf-8-sig")
    if utf8.possible and (utf8.plain or _is_unicode(utf8.counts())):
        return utf8.encoding
    return _likeliest(candidates, claimed, source)


def _likeliest(candidates: dict[str, _Candidate], claimed: str | None, source: str) -> str:
    marks = {
        name: candidate.likelihood() + _FIRST_GUESS * (name == (claimed or "gb18030"))
        for name, candidate in candidates.items()
        if candidate.possible
    }
    ranked = sorted(marks, key=lambda name: marks[name], reverse=True)
    if claimed in ranked and claimed not in _JUDGES and marks[ranked[0]] < _LEAST:
        return str(claimed)  # a code page that cannot be judged, such as one of Europe
    if ranked and marks[ranked[0]] >= _LEAST:
        ahead = marks[ranked[0]] - (marks[ranked[1]] if ranked[1:] else -1.0)
        if ahead >= _MARGIN:
            return ranked[0]
    readings = " ".join(
        f"{_NAMES.get(name, name)} reads {_sample(candidates[name].counts())};" for name in ranked
    )
    raise InputError(
        f"{source} is neither UTF-8 nor surely text of another encoding: {readings or 'none fits;'}"
        " say --encoding, such as gb18030, big5 or shift_jis, or save it as UTF-8."
    )


def _sample(counts: Counter[str]) -> str:
    shown = [char for char in list(counts)[:12] if char.isprintable()]
    return repr("".join(shown))


def _is_unicode(counts: Counter[str]) -> bool:
    """Tell whether UTF-8 is certain: three bytes a character, or Latin letters and signs alone.

    Two bytes of GB 18030 may be one character of another alphabet.
    """
    return any(ord(char) > 0x7FF for char in counts) or all(map(_is_latin, counts))


def _is_latin(char: str) -> bool:
    return ord(char) < 0x250 and (char.isalpha() or char in "°²³·×÷§©®«»¿¡ºª±µ\u00a0")


def _known(said: str | None) -> str | None:
    try:
        return check_encoding(said) if said else None
    except InputError:
        return None


def encoding_of_file(path: Path) -> str:
    """Return the encoding that a whole table of text is in, a row a line.

    Raises
    ------
    InputError
        It is not certain, the file is no text, or a line is longer than any row.
    """
    with path.open("rb") as raw:
        start = raw.read(_BLOCK)
    if start[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        found: str | None = "utf-16"
    else:
        found = _utf16(start)
    if found is not None:
        candidate = _Candidate(found)
        for block in _blocks(path):
            candidate.take(block)
        candidate.take(b"", final=True)
        if candidate.possible and not candidate.has_nul and candidate.has_lines:
            return found
    if b"\0" in start:
        raise InputError(f"{path.name} has NUL bytes; it is not a file of text.")
    return find_encoding(_without_nul(path), path.name)


def _blocks(path: Path) -> Iterable[bytes]:
    with path.open("rb") as raw:
        while block := raw.read(_BLOCK):
            if len(block) == _BLOCK and b"\n" not in block and b"\r" not in block:
                raise InputError(
                    f"{path.name} has a line of more than {_BLOCK:,} bytes; it is not a table "
                    "with a row a line."
                )
            yield block


def _without_nul(path: Path) -> Iterable[bytes]:
    for block in _blocks(path):
        if b"\0" in block:
            raise InputError(f"{path.name} has NUL bytes; it is not a file of text.")
        yield block


def _utf16(start: bytes) -> str | None:
    """Return UTF-16 without a mark, known by the NULs that its commas and line ends have."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if odd and not even:
        return "utf-16-le"
    if even and not odd:
        return "utf-16-be"
    return None


def decode(raw: bytes, encoding: str, *, cut: bool = False) -> str:
    """Return bytes as text; of one that was cut, half a character at its end is left out.

    Raises
    ------
    UnicodeDecodeError
        It is no text of the encoding.
    """
    return codecs.getincrementaldecoder(encoding)().decode(raw, not cut)
