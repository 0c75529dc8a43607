"""Times of day that a text states: `19:30`, `7 pm`, `7.30pm`, `half past seven`, `noon`, `19 Uhr 30`, `19h30`, `8点30分`.

Comes in: a text. Goes out: readings whose value is a `time`, with a zone where one stands there (`19:30Z`, `+02:00`). An
hour up to twelve that says neither morning nor evening may be both, unless it has a leading zero, or words beside it
tell (`in the evening`), or the document's other times show that it counts to 24 or says `am` and `pm` elsewhere. Refused:
25:00, 13 pm, and bare numbers.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, time, timedelta, timezone

from engine.grounding.folding import fold_text
from engine.grounding.patterns import WORD_END, WORD_START, any_name
from engine.grounding.recogniser import Reading
from engine.grounding.words import SMALL, TENS

_HALF_DAY = rf"(?P<half>[ap](?:\.[ ]?m\.|\.?[ ]?m{WORD_END}))"
_LATE = any_name(
    [
        "evening",
        "afternoon",
        "night",
        "tonight",
        "abends",
        "nachmittags",
        "abend",
        "soir",
        "apres-midi",
        "tarde",
        "noche",
        "sera",
    ]
)
_EARLY = any_name(["morning", "morgens", "vormittags", "fruh", "matin", "manana", "mattina", "manha"])
_PART_OF_DAY = (
    rf"(?P<part>[ ,]{{1,2}}(?:(?:in the|at|this|am|de la|da|du|di)[ ])?(?:(?P<late>{_LATE})|{_EARLY}){WORD_END})"
)
_OFFSET = r"(?:0\d|1[0-4])(?::?[0-5]\d)?(?!\d|[:.-]\d)"
# A minus means a zone only behind seconds or in ISO 8601: `09:00-12:30` is two times.
_ZONE = (
    rf"(?P<zone>[ ]?(?:z|utc|gmt){WORD_END}(?:[+-]\d{{1,2}}(?::?\d{{2}})?(?!\d))?|[ ]?\+{_OFFSET}"
    rf"|(?<=:\d\d:\d\d)[ ]?-{_OFFSET}|(?<=t\d\d:\d\d)-{_OFFSET}|(?<=\.\d\d\d)-{_OFFSET}|(?<=\.\d{{6}})-{_OFFSET})"
)
_NEXT = r"tomorrow|today|tonight|on|for|in|this|next|sharp|ish|[a-z]{3,6}day"
_HOURS = r"(?:o'?clock|uhr|heures?)"
_DIGIT = r"(?<!\d)(?<!\d[.,:])"
_AFTER = rf"(?:[ ]?{_HALF_DAY}|(?:[ ]uhr{WORD_END})?{_PART_OF_DAY}|[ ]?(?:uhr|hrs|hours|h){WORD_END}|{_ZONE})"
_PATTERNS = (
    # 19:30, 19:30:05.123, 7:30pm, 19:30+02:00
    rf"{_DIGIT}(?P<hour>\d{{1,2}}):[ ]?(?P<minute>\d{{2}})(?::(?P<second>\d{{2}})(?:[.,](?P<fraction>\d{{1,9}}))?)?"
    rf"(?![\d:]){_AFTER}?",
    # 7.30pm, 19.30 Uhr, at 7.30
    rf"(?P<at>{WORD_START}(?:at|um|a las|alle|@)[ ]{{1,2}})?"
    rf"{_DIGIT}(?P<hour>\d{{1,2}})[.,](?P<minute>\d{{2}})(?![\d%]|[.,]\d)(?P<after>{_AFTER})?",
    # 7 pm, 7 o'clock, 19 Uhr, 7 in the evening
    rf"{_DIGIT}(?P<hour>\d{{1,2}})(?:[ ]?{_HALF_DAY}|(?:[ ]?{_HOURS}{WORD_END})?{_PART_OF_DAY}|[ ]?{_HOURS}{WORD_END})",
    # at 9, at 9 tomorrow
    rf"{WORD_START}(?P<at>(?:at|um|a las|alle)[ ])(?P<hour>\d{{1,2}})(?=[ ]?(?:[,;!?)\n]|\.(?!\d)|$)|[ -](?:{_NEXT}){WORD_END})",
    # 19h30, 19 Uhr 30
    rf"{_DIGIT}(?P<hour>\d{{1,2}})(?:[ ]?h[ ]?|[ ]uhr[ ]|[ ]heures?[ ])(?P<minute>\d{{2}}){WORD_END}",
    # 1930 hrs, 0730h, 730pm
    rf"{_DIGIT}(?P<hour>\d{{1,2}})(?P<minute>[0-5]\d)(?:[ ]?(?:hrs|hours|h|uhr){WORD_END}|(?P<zone>z){WORD_END}|[ ]?{_HALF_DAY})",
)
_DIGITS = tuple(re.compile(pattern) for pattern in _PATTERNS)
_HAN = re.compile(
    r"(?P<part>上午|早上|凌晨|午前|下午|晚上|午後)? ?(?<!\d)(?P<hour>\d{1,2}) ?[点點时時시]"
    r"(?: ?(?:(?P<minute>\d{1,2}) ?[分분]|(?P<by_half>半)))?(?![间間])"
)
_HOUR_WORDS = {word: value for word, value in SMALL.items() if 1 <= value <= 12}
_MINUTE_WORDS = {word: value for word, value in SMALL.items() if value} | TENS
_MINUTE_WORDS |= {
    f"{ten}{gap}{one}": TENS[ten] + SMALL[one] for ten in TENS for one in SMALL if 0 < SMALL[one] < 10 for gap in "- "
}
_MINUTE_WORDS = {word: value for word, value in _MINUTE_WORDS.items() if value < 60} | {"quarter": 15, "a quarter": 15}
_PAST = re.compile(
    rf"{WORD_START}(?:(?P<half_past>half)|(?P<word>{any_name(_MINUTE_WORDS)})|(?P<number>\d{{1,2}}))(?:[ ]minutes?)?[ -]"
    rf"(?P<side>past|after|to|before|till)[ -](?:(?P<hour>\d{{1,2}})|(?P<name>{any_name(_HOUR_WORDS)}))(?![\d:.]\d){WORD_END}"
    rf"(?:[ ]o'?clock)?(?:[ ]?{_HALF_DAY}|{_PART_OF_DAY})?"
)
_SPOKEN = re.compile(
    rf"{WORD_START}(?P<name>{any_name(_HOUR_WORDS)})(?:[ -](?P<word>{any_name(x for x, i in _MINUTE_WORDS.items() if i >= 10)}))?"
    rf"(?:[ ]?{_HALF_DAY}|(?:[ ]o'?clock)?{_PART_OF_DAY}|[ ]o'?clock{WORD_END})"
)
_FIXED = {
    "noon": time(12), "midday": time(12), "midnight": time(0), "mittags": time(12), "mitternacht": time(0),
    "midi": time(12), "minuit": time(0), "mediodia": time(12), "medianoche": time(0), "mezzogiorno": time(12),
    "mezzanotte": time(0), "meio-dia": time(12), "meia-noite": time(0), "中午": time(12), "正午": time(12), "午夜": time(0),
}  # fmt: skip
_NAMED = re.compile(rf"{WORD_START}(?:(?:12|twelve)[ ])?(?P<name>{any_name(_FIXED)}){WORD_END}")


@dataclass(frozen=True, slots=True)
class _Stated:
    """A time at `[start, end)` of the folded text; `open` where it may be twelve hours later."""

    start: int
    end: int
    value: time
    open: bool


class Times:
    """Recognises times of day.

    >>> [reading.value for reading in Times().readings("a table at half past seven in the evening")]
    [datetime.time(19, 30)]
    """

    def readings(self, text: str) -> list[Reading]:
        """The times that the text states, in its order. Linear in its length."""
        folded = fold_text(text)
        stated = _longest(set(_stated(folded.text)))
        to_24 = any(not x.open and (x.value.hour > 12 or folded.text[x.start] == "0") for x in stated)
        found = set()
        for x in stated:
            span = folded.span(x.start, x.end)
            found.add(Reading(*span, x.value))
            if x.open and not (to_24 and folded.text[x.start].isdigit()):
                found.add(Reading(*span, x.value.replace(hour=(x.value.hour + 12) % 24)))
        return sorted(found)


def _longest(stated: Iterable[_Stated]) -> list[_Stated]:
    """Those that lie in no longer one: of `7:30 pm`, `30 pm` is no time."""
    kept: list[_Stated] = []
    for x in sorted(stated, key=lambda x: (x.start, -x.end)):
        if not kept or x.end > kept[-1].end or (x.start, x.end) == (kept[-1].start, kept[-1].end):
            kept.append(x)
    return kept


def _stated(text: str) -> Iterator[_Stated]:
    for pattern in _DIGITS:
        for match in pattern.finditer(text):
            found = match.groupdict()
            if "after" in found and not (found["at"] or found["after"]):
                continue
            start = match.end("at") if found.get("at") else match.start()
            yield from _at(match, start, int(match["hour"]), int(found.get("minute") or 0))
    for match in _HAN.finditer(text):
        part = match["part"]
        hour, minute = int(match["hour"]), 30 if match["by_half"] else int(match["minute"] or 0)
        late = part in ("下午", "晚上", "午後") and hour < 12
        if hour < 24 and minute < 60:
            yield _Stated(*match.span(), time(hour + 12 * late, minute), part is None and 0 < hour <= 12)
    for match in _PAST.finditer(text):
        minutes = 30 if match["half_past"] else int(match["number"] or 0) or _MINUTE_WORDS.get(match["word"] or "", 0)
        hour = int(match["hour"] or 0) or _HOUR_WORDS.get(match["name"] or "", 0)
        if match["side"] in ("to", "before", "till"):
            hour, minutes = (hour - 1) or 12, 60 - minutes
        if 1 <= hour <= 12:
            yield from _at(match, match.start(), hour, minutes)
    for match in _SPOKEN.finditer(text):
        yield from _at(match, match.start(), _HOUR_WORDS[match["name"]], _MINUTE_WORDS.get(match["word"] or "", 0))
    for match in _NAMED.finditer(text):
        yield _Stated(*match.span(), _FIXED[match["name"]], False)


def _at(match: re.Match[str], start: int, hour: int, minute: int) -> Iterator[_Stated]:
    """The time of a match, if the clock has it."""
    found = match.groupdict()
    second = int(found.get("second") or 0)
    micro = int((found.get("fraction") or "0").ljust(6, "0")[:6])
    half, late = (found.get("half") or "")[:1], found.get("late")
    if half and not 1 <= hour <= 12:
        return
    told = bool(half or found.get("part") or found.get("zone") or found.get("second"))
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    elif late and hour < 12:
        hour += 12
    if hour > 23 or minute > 59 or second > 59:
        return
    padded = match.string[start] == "0"
    value = time(hour, minute, second, micro, tzinfo=zone_of(found.get("zone")))
    yield _Stated(start, match.end(), value, not told and not padded and 1 <= hour <= 12)


def zone_of(text: str | None) -> timezone | None:
    """The zone that `z`, `utc`, `+02:00`, `gmt+2` name; none where it is no offset of the clock."""
    if not text:
        return None
    match = re.search(r"([+-])(\d{1,2}):?(\d{2})?$", text)
    if match is None:
        return UTC
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    return timezone(offset if match[1] == "+" else -offset) if offset < timedelta(hours=24) else None
