"""From bytes to records, by the standard library and a small csv reader that is held against the library's."""
import csv
import gzip
import io
import json
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Any

from values import Cell, Refused


@dataclass
class Record:
    n: int
    cells: list[Cell | None]
    broken: bool = False
    whole: Any = None  # a line of JSON, parsed
    same: Any = None  # equal for equal records


@dataclass
class Table:
    names: list[str]
    records: list[Record]
    unreadable: dict[int, str] = field(default_factory=dict)


def unpack(data: bytes) -> bytes:
    if data[:2] == b"\x1f\x8b":
        try:
            return gzip.decompress(data)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise Refused("container") from None
    if data[:4] == b"\x28\xb5\x2f\xfd":
        import pyarrow as pa

        return pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
            if len(names) != 1:
                raise Refused("container")
            return archive.read(names[0])
    return data


CODECS = {"windows-1252": "cp1252", "latin1": "cp1252", "utf-16le": "utf-16-le", "shift_jis": "cp932"}


def decode(data: bytes, encoding: str | None) -> str:
    for mark, codec in [(b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")]:
        if data.startswith(mark):
            data, encoding = data[len(mark):], codec
            break
    else:
        head = data[:512]
        if encoding is None and len(head) >= 8 and max(head[0::2].count(0), head[1::2].count(0)) > len(head) / 4:
            raise Refused("encoding")
    try:
        return data.decode(CODECS.get(encoding, encoding) if encoding else "utf-8")
    except UnicodeDecodeError:
        raise Refused("encoding") from None


def csv_records(
    text: str, delimiter: str, quote: str, escape: str, empty_lines: bool, cut_off: bool = False
) -> list[tuple[list[str], bool]]:
    """Fields of each record, and whether text follows a closing quote.

    @raise Refused where a quote is never closed, unless files that are cut off are asked for
    """
    records: list[tuple[list[str], bool]] = []
    fields: list[str] = []
    value: list[str] = []
    quoted = started = broken = closed = False
    length = i = 0

    def end() -> None:
        nonlocal fields, value, started, broken, closed, length
        if length > 0 or empty_lines:
            records.append((fields + ["".join(value)], broken))
        fields, value, started, broken, closed, length = [], [], False, False, False, 0

    while i < len(text):
        char = text[i]
        if quoted:
            length += 1
            after = text[i + 1] if i + 1 < len(text) else ""
            if char == escape and after != "" and after in (quote, escape):
                value.append(after)
                length += 1
                i += 1
            elif char == quote:
                quoted, closed = False, True
            else:
                value.append(char)
        elif char in "\r\n":
            if char == "\r" and text[i + 1 : i + 2] == "\n":
                i += 1
            end()
        elif char == "\ufeff" and length == 0:
            # Files that were joined: the mark before a record is no part of it.
            length += 1
        elif char == delimiter:
            fields.append("".join(value))
            value, started, closed = [], False, False
            length += 1
        elif char == quote and not started and not closed:
            quoted = started = True
            length += 1
        else:
            if closed:
                broken = True
            value.append(char)
            started = True
            length += 1
        i += 1
    if quoted and not cut_off:
        raise Refused("quote")
    broken = broken or quoted
    if length > 0:
        end()
    check_against_library(text, delimiter, quote, escape, records)
    return records


def check_against_library(text: str, delimiter: str, quote: str, escape: str, records: list) -> None:
    """The reader above is ours: where it finds no broken quotes, Python's own finds the same fields."""
    if any(broken for _, broken in records) or "\ufeff" in text:
        return
    escaped = {} if escape == quote else {"doublequote": False, "escapechar": escape}
    if escaped and any(escape in line and quote not in line for line in text.splitlines()):
        return
    csv.field_size_limit(1 << 30)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote, **escaped)
    theirs = [row for row in rows if row not in ([], [""])]
    ours = [fields for fields, _ in records if fields != [""]]
    assert theirs == ours, f"two readings of csv: {theirs[:3]} and {ours[:3]}"


def read_csv(text: str, settings: dict) -> Table:
    delimiter, quote = settings.get("delimiter", ","), settings.get("quote", '"')
    escape = settings.get("escape", quote)
    for _ in range(settings.get("skipLines", 0)):
        text = after_line(text)
    first = text[: len(text) - len(after_line(text))].lstrip("\ufeff").rstrip("\r\n")
    if len(first) == 5 and first[:4].lower() == "sep=":
        if first[4] != delimiter:
            raise Refused("delimiter")
        text = after_line(text)
    named = settings.get("columns")
    if named is not None:
        header, body = named, text
    else:
        header, body = split_header(text, delimiter, quote, escape)
    if not header:
        return Table([], [])
    records = csv_records(body, delimiter, quote, escape, len(header) == 1)
    if "escape" not in settings and '\\"' in body and quote == '"':
        refuse_two_readings(body, delimiter, quote, header, records)
    width = width_of(header, records)
    names = (header + [""])[:width]
    table = Table(names, [])
    for n, (fields, broken) in enumerate(records):
        cells = [Cell("text", value) if value != "" else None for value in fields]
        broken = broken or len(fields) != width
        table.records.append(Record(n, cells, broken, same=None if broken else tuple(fields)))
    return table


def after_line(text: str) -> str:
    for i, char in enumerate(text):
        if char in "\r\n":
            return text[i + 2 :] if text[i : i + 2] == "\r\n" else text[i + 1 :]
    return ""


def split_header(text: str, delimiter: str, quote: str, escape: str) -> tuple[list[str], str]:
    """The first record that is not empty, and what follows it."""
    text = text.lstrip("\ufeff").lstrip("\r\n")
    quoted = False
    i = 0
    while i < len(text):
        char = text[i]
        if quoted and char == escape and text[i + 1 : i + 2] in (quote, escape) and text[i + 1 : i + 2]:
            i += 1
        elif char == quote and (quoted or i == 0 or text[i - 1] == delimiter):
            quoted = not quoted
        elif char in "\r\n" and not quoted:
            break
        i += 1
    records = csv_records(text[:i], delimiter, quote, escape, False)
    rest = text[i:]
    return (records[0][0] if records else []), (rest[2:] if rest[:2] == "\r\n" else rest[1:])


def refuse_two_readings(body: str, delimiter: str, quote: str, header: list[str], doubled: list) -> None:
    escaped = csv_records(body, delimiter, quote, "\\", len(header) == 1, cut_off=True)
    if len(escaped) == len(doubled):
        return
    if fits(header, doubled) and not fits(header, escaped):
        return
    raise Refused("escape")


def fits(header: list[str], records: list) -> bool:
    width = width_of(header, records)
    return all(len(fields) == width and not broken for fields, broken in records)


def width_of(header: list[str], records: list) -> int:
    """How many fields a record has: the header's, or one less or more where a delimiter stands at the end of lines."""
    whole = [fields for fields, broken in records if not broken]
    widths = {len(fields) for fields in whole}
    if len(header) in widths or not widths:
        return len(header)
    if header[-1].strip() == "" and len(header) - 1 in widths:
        return len(header) - 1
    longer = [fields for fields in whole if len(fields) == len(header) + 1]
    if longer and all(fields[-1] == "" for fields in longer):
        return len(header) + 1
    return len(header)


class Doubled(ValueError):
    pass


def read_jsonl(text: str) -> Table:
    names: dict[str, int] = {}
    records: list[Record] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        line = line.lstrip("\ufeff")
        if line == "":
            continue
        whole = json_line(line)
        record = Record(len(records), [], whole is None, whole)
        records.append(record)
        if whole is not None:
            for key in whole:
                names.setdefault(key, len(names))
    if records and not names:
        raise Refused("json")
    for record in records:
        if record.broken:
            continue
        record.cells = [json_cell(record.whole.get(name)) for name in names]
        record.same = tuple(None if cell is None else json_text(cell) for cell in record.cells)
    return Table(list(names), records)


class Number(str):
    """A number of JSON as it is written."""


def json_line(line: str) -> dict | None:
    depth = {"pairs": None}

    def pairs(found: list) -> dict:
        depth["pairs"] = found
        return dict(found)

    try:
        # NaN and Infinity are no JSON, and Python's own writer and reader take them all the same.
        whole = json.loads(line, parse_float=Number, parse_int=Number, parse_constant=Number, object_pairs_hook=pairs)
        json.dumps(whole, ensure_ascii=False).encode("utf-8")
    except (ValueError, UnicodeEncodeError, RecursionError):
        return None
    # The last object that the parser closes is the outermost.
    if not isinstance(whole, dict) or len(whole) != len(depth["pairs"] or []):
        return None
    return whole


def json_cell(value: Any) -> Cell | None:
    if value is None:
        return None
    if isinstance(value, Number):
        return Cell("jsonnum" if re.fullmatch("-?[0-9]+|[A-Za-z-]+", value) else "jsonfloat", str(value))
    if isinstance(value, bool):
        return Cell("bool", value)
    return Cell("text", value) if isinstance(value, str) else Cell("nested", value)


def json_text(cell: Cell) -> str:
    return {"bool": str(cell.value).lower(), "nested": repr(cell.value)}.get(cell.kind) or cell.value
