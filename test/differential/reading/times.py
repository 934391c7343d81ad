"""Points in time, read from docs/config.md: texts by the standard library's own parsers and zones, numbers by their unit."""
import email.utils
import re
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_FLOOR, Decimal, localcontext
from zoneinfo import ZoneInfo

from values import Cell, known

EPOCH = datetime(1970, 1, 1)
UNITS = {"s": Decimal(1000), "ms": Decimal(1), "us": Decimal("0.001"), "ns": Decimal("0.000001")}
FIRST = 631152000000  # 1990-01-01 UTC


def ms_of(naive_utc: datetime) -> int:
    return (naive_utc - EPOCH) // timedelta(milliseconds=1)


def from_local(local: datetime, zone: str) -> int:
    """Of the two instants that a local time may have the later: where the clocks went back it is the second, and where they
    went forward the one that reads the clock as if they had not."""
    both = [
        ms_of(local.replace(fold=fold, tzinfo=ZoneInfo(zone)).astimezone(timezone.utc).replace(tzinfo=None))
        for fold in (0, 1)
    ]
    return max(both)


def local_parts(ms: int, zone: str) -> tuple[int, int]:
    """Shop day and hour."""
    local = (EPOCH + timedelta(milliseconds=ms)).replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone))
    return (local.date() - date(1970, 1, 1)).days, local.hour


def offset_minutes(text: str) -> int | None:
    found = re.fullmatch(r"([+-])(\d{1,2})(?::?(\d{2}))?", text)
    if not found:
        return None
    hours, minutes = int(found[2]), int(found[3] or 0)
    if hours > 15 or minutes > 59:
        return None
    return (hours * 60 + minutes) * (-1 if found[1] == "-" else 1)


def in_zone(local: datetime, zone: str, names: dict[str, str]) -> int | None:
    """A local time in what stands behind it; None where that is no zone, or may be several."""
    bracket = re.fullmatch(r"(.*)\[([^\]]+)\]", zone)
    if bracket:
        zone = bracket[1].strip() or bracket[2].strip()
    bare = zone[3:] if zone[:3] in ("GMT", "UTC") and zone[3:4] in ("+", "-") else zone
    zone = names.get(bare, bare)
    if zone.upper() in ("Z", "UTC", "GMT"):
        return ms_of(local)
    minutes = offset_minutes(zone)
    if minutes is not None:
        return ms_of(local) - minutes * 60_000
    if "/" not in zone:
        return None
    try:
        return from_local(local, zone)
    except Exception:
        return None


DAY = r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})"
CLOCK = r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?"


def text_time(text: str, zone: str, names: dict[str, str], epoch: str | None) -> int | None:
    if epoch and re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
        return number_time(Decimal(text), epoch)
    mail = re.fullmatch(r"(?:[A-Za-z]{3}, *)?\d{1,2} +[A-Za-z]{3} +\d{4} +" + CLOCK + "(.*)", text)
    if mail:
        # The standard library's parser has no fractions, and takes a missing zone for UTC: only the day and clock are its.
        found = email.utils.parsedate_tz(text)
        if not found:
            return None
        try:
            local = datetime(*found[:6]) + timedelta(milliseconds=int(((mail[4] or "") + "000")[:3]))
        except ValueError:
            return None
        rest = mail[5].strip()
        return in_zone(local, rest, names) if rest else from_local(local, zone)
    basic = re.fullmatch(r"(\d{4})(\d{2})(\d{2})[Tt](\d{2})(\d{2})(?:(\d{2})(?:[.,](\d+))?)?(.*)", text)
    if basic:
        seconds = f":{basic[6]}" + (f".{basic[7]}" if basic[7] else "") if basic[6] else ""
        text = f"{basic[1]}-{basic[2]}-{basic[3]}T{basic[4]}:{basic[5]}{seconds}{basic[8]}"
    found = re.fullmatch(DAY + "(?:(?:[Tt]| +)" + CLOCK + "(.*))?", text)
    if not found:
        return None
    hour, minute, second = int(found[5] or 0), int(found[6] or 0), int(found[7] or 0)
    fraction = ((found[8] or "") + "000")[:3]
    midnight = (hour, minute, second, fraction) == (24, 0, 0, "000")
    try:
        iso = f"{found[1]}-{int(found[3]):02}-{int(found[4]):02}T{0 if midnight else hour:02}:{minute:02}:{second:02}.{fraction}"
        local = datetime.fromisoformat(iso) + timedelta(days=1 if midnight else 0)
    except ValueError:
        return None
    rest = (found[9] or "").strip()
    return in_zone(local, rest, names) if rest else from_local(local, zone)


def number_time(number: Decimal, unit: str) -> int | None:
    with localcontext(prec=60):
        ms = int((number * UNITS[unit]).to_integral_value(ROUND_FLOOR))
    return ms if abs(ms) <= 8_640_000_000_000_000 else None


def time_of(cell: Cell | None, reading: dict) -> tuple[bool, int | None]:
    """Whether a time is given, and ms since 1970 UTC: None for what is no time."""
    if cell is None:
        return False, None
    kind, value = cell.kind, cell.value
    if kind in ("text", "jsonnum", "jsonfloat"):
        bare = known(value, reading["missing"])
        if bare is None:
            return False, None
        return True, text_time(bare, reading["zone"], reading["names"], reading["epoch"])
    if kind == "instant":
        return True, value
    if kind == "local":
        return True, from_local(value, reading["zone"])
    if kind == "date":
        return True, from_local(datetime(value.year, value.month, value.day), reading["zone"])
    if kind in ("int", "decimal"):
        return True, number_time(Decimal(value), reading["epoch"] or "ms")
    if kind in ("float", "float32"):
        if value != value:
            return False, None
        return True, number_time(Decimal(value), reading["epoch"] or "ms")
    return True, None


def strptime(text: str, form: str) -> datetime:
    return datetime.strptime(text, form)
