"""What a single cell means, read from docs/config.md alone: ids, numbers, money, texts.

This is the other side of a comparison. It shares no code with Nightjar, and must stay plain enough to be checked by eye
against the documentation.
"""
import re
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

MISSING = ["NaN", "nan", "NaT", "null", "NULL", "None", "undefined", "<NA>"]
# White space of Unicode, and what shows nothing: zero-width characters, directional marks, soft hyphens, byte order marks.
INVISIBLE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f"
    "\u3000\xad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064"
    "\u2066\u2067\u2068\u2069\ufeff"
)


class Refused(Exception):
    """Nothing of the file can be used. The argument is the class of reasons."""


class Fails(Exception):
    """An expression fails on a row."""


@dataclass(frozen=True)
class Cell:
    """A value with what its format says of it: text, jsonnum and jsonfloat (numbers of JSON as written), nested (parsed JSON), int, float,
    float32, decimal, bool, instant (ms), local (a datetime without zone, to ms), date, list; and the microseconds of a
    time beyond its milliseconds."""

    kind: str
    value: Any
    beyond: int = 0


def strip(text: str) -> str:
    return text.strip(INVISIBLE)


def known(text: str, missing: list[str]) -> str | None:
    """A stripped text, None where it stands for no value."""
    bare = strip(text)
    return None if bare == "" or bare in missing else bare


def float_text(cell: Cell) -> str:
    """The shortest decimal that gives the float."""
    if cell.kind == "float32":
        import numpy

        return str(numpy.float32(cell.value))
    return repr(float(cell.value))


def text_of(cell: Cell | None) -> str | None:
    """A value as text; the empty text is none."""
    if cell is None:
        return None
    kind, value = cell.kind, cell.value
    if kind in ("text", "jsonnum"):
        return value or None
    if kind == "jsonfloat":
        return repr(float(value))
    if kind == "bool":
        return "true" if value else "false"
    if kind == "int":
        return str(value)
    if kind == "decimal":
        return str(value)
    if kind in ("float", "float32"):
        return float_text(cell)
    if kind == "date":
        return value.isoformat()
    raise AssertionError(f"no text of a {kind}")


def plain(cell: Cell | None) -> str | None:
    """A text as it is; a byte order mark before it is no part of it."""
    text = text_of(cell)
    return None if text is None else text.lstrip("\ufeff") or None


def identifier(cell: Cell | None, missing: list[str]) -> tuple[str | None, bool]:
    """The one form of an id, and whether a float has lost its digits."""
    if cell is None:
        return None, False
    kind, value = cell.kind, cell.value
    if kind == "jsonfloat":
        return identifier(Cell("float", float(value)), missing)
    if kind in ("float", "float32"):
        if value != value:
            return None, False
        lost = abs(value) >= (2**24 if kind == "float32" else 2**53)
        return (str(int(value)) if value == int(value) else float_text(cell)), lost
    if kind == "decimal":
        with localcontext(prec=100):
            if value == value.to_integral_value(ROUND_DOWN):
                return str(int(value)), False
            return format(value.normalize(), "f"), False
    if kind in ("text", "jsonnum"):
        bare = strip(value)
        if re.fullmatch(r"[+-]?[0-9]+\.0+", bare):
            return bare.split(".")[0], abs(Decimal(bare)) >= 2**53
        if re.fullmatch(r"[+-]?[0-9]\.[0-9]+[eE]\+?[0-9]+", bare):
            return bare, True
        return known(value, missing), False
    return text_of(cell), False


def number(cell: Cell | None, missing: list[str], form: dict | None) -> Decimal | float | None:
    """A number exactly as written; None where nothing stands. @raise ValueError for what is none"""
    if cell is None:
        return None
    kind, value = cell.kind, cell.value
    if kind in ("int", "decimal"):
        return Decimal(value)
    if kind in ("float", "float32"):
        if value != value:
            return None
        if value in (float("inf"), float("-inf")):
            raise ValueError(value)
        return Decimal(float_text(cell))
    if kind not in ("text", "jsonnum", "jsonfloat"):
        raise ValueError(value)
    bare = known(value, missing)
    if bare is None:
        return None
    if form is not None and kind == "text":
        bare = without_form(bare, form)
    if not re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", bare):
        raise ValueError(value)
    try:
        found = Decimal(bare)
    except InvalidOperation:
        raise ValueError(value) from None
    if abs(found) > Decimal("1.7e308"):
        raise ValueError(value)
    return found


def without_form(text: str, form: dict) -> str:
    """A number of the stated form with a decimal point and nothing else. @raise ValueError where it has another form"""
    decimal, thousands, marks = form.get("decimal", "."), form.get("thousands", ""), form.get("marks", [])
    blanks = " \xa0\u202f\t"
    bare = text.replace("\u2212", "-").replace("\u2013", "-")
    bare = bare.strip(blanks)
    if marks:
        any_mark = "(?:" + "|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True)) + ")"
        bare = re.sub(rf"^([+(-]?)[{blanks}]*(?:{any_mark}[{blanks}]*)+", r"\1", bare)
        bare = re.sub(rf"(?:[{blanks}]*{any_mark})+[{blanks}]*([-)]?)$", r"\1", bare)
        bare = bare.strip(blanks)
    negative = False
    if bare.startswith("(") and bare.endswith(")"):
        negative, bare = True, bare[1:-1].strip(blanks)
    elif bare.endswith("-") and not bare.startswith("-") and not bare.endswith(decimal + "-"):
        negative, bare = True, bare[:-1].strip(blanks)
    sign = ""
    if bare[:1] in ("+", "-"):
        sign, bare = bare[0], bare[1:].strip(blanks)
    if negative and sign:
        raise ValueError(text)
    whole, point, fraction = bare.partition(decimal)
    groups = [whole]
    if thousands == " ":
        groups = re.split("[ \xa0\u202f]", whole)
    elif thousands:
        groups = whole.split(thousands)
    digits = all(re.fullmatch("[0-9]+", group) for group in groups)
    first, *others = groups
    grouped = not others or (1 <= len(first) <= 3 and first[0] != "0" and all(len(group) == 3 for group in others))
    whole_missing = whole == "" and fraction != ""
    if not ((digits and grouped) or whole_missing) or not re.fullmatch("[0-9]*", fraction):
        raise ValueError(text)
    return f"{'-' if negative else sign}{''.join(groups)}.{fraction or '0'}"


MINOR = {"JPY": 0, "KRW": 0, "CLP": 0, "KWD": 3, "BHD": 3, "TND": 3}


def minor_units(major: Decimal, currency: str | None) -> int:
    """A half is rounded away from zero."""
    digits = MINOR.get(currency or "", 2)
    with localcontext(prec=400):
        return int((major * 10**digits).quantize(Decimal(1), ROUND_HALF_UP))
