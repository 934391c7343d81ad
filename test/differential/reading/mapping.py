"""Names and expressions of a mapping, and the rows that come of records: docs/config.md, "Columns" and "Rows"."""
import json
import re
import unicodedata
from decimal import Decimal
from typing import Any, Callable
from urllib.parse import unquote

from files import Number, Table, json_cell
from times import strptime
from values import MISSING, Cell, Fails, Refused, number, text_of

NAME = r'(?:\w+|"(?:[^"]|"")+")'


def loose(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip()).lower()


class Rows:
    """Rows of the table as they come from the file, and what the settings say of each."""

    def __init__(self, case: dict, table: Table):
        self.case, self.source, self.shop, self.table = case, case["source"], case["shop"], table
        self.missing = self.source.get("missing", MISSING)
        self.reading = {
            "zone": self.source.get("timeZone", self.shop["timeZone"]),
            "names": self.source.get("timeZones", {}),
            "epoch": self.source.get("epoch"),
            "missing": self.missing,
        }
        self.rows: list[dict] = []
        self.given = self.given_columns()
        self.absent: set[str] = set()

    def given_columns(self) -> dict[str, Callable[[dict], Cell | None]]:
        key = self.case["key"]
        *folders, file_name = key.removeprefix(f"drop/{self.case['prefix']}").split("/")
        given: dict[str, Callable[[dict], Cell | None]] = {
            "row_number": lambda row: Cell("int", row["record"].n),
            "file_name": lambda row: Cell("text", file_name),
            "key": lambda row: Cell("text", key),
        }
        for folder in folders:
            name, is_partition, value = folder.partition("=")
            if is_partition:
                text = unquote(value)
                cell = None if text == "__HIVE_DEFAULT_PARTITION__" else Cell("text", text)
                given[unquote(name)] = lambda row, cell=cell: cell
        if self.source["format"] == "jsonl":
            given["json"] = lambda row: Cell("nested", row["record"].whole)
        if "unnest" in self.source:
            given["element"] = lambda row: row["element"]
            given["element_number"] = lambda row: Cell("int", row["e"])
        return given

    # Names and expressions.

    def column(self, written: str, exact: bool) -> Callable[[dict], Cell | None]:
        """What a name means. @raise Refused for a name that means no column, or several"""
        names = self.table.names
        same = [i for i, name in enumerate(names) if name == written]
        alike = [i for i, name in enumerate(names) if loose(name) == loose(written)]
        meant = same if same and (exact or len(same) == len(alike)) else alike
        if len(meant) > 1:
            raise Refused("names")
        if meant:
            if meant[0] in self.table.unreadable:
                raise Refused("type")
            return lambda row, i=meant[0]: row["cells"][i]
        for name, value in self.given.items():
            if loose(name) == loose(written):
                return value
        if any(loose(one) == loose(written) for one in self.source.get("optional", [])):
            self.absent.add(written)
            return lambda row: None
        raise Refused("column")

    def name(self, text: str) -> Callable[[dict], Cell | None]:
        if text.startswith('"'):
            return self.column(text[1:-1].replace('""', '"'), True)
        return self.column(text, False)

    def expression(self, text: str) -> Callable[[dict], Cell | None]:
        """The expressions that the generator uses. A name alone may hold blanks."""
        text = text.strip()
        if re.fullmatch(r'"(?:[^"]|"")+"', text):
            return self.name(text)
        if any(loose(name) == loose(text) for name in [*self.table.names, *self.given]):
            return self.column(text, False)
        if text.endswith("?"):
            self.source = {**self.source, "optional": [*self.source.get("optional", []), text[:-1]]}
            return self.column(text[:-1], False)
        if constant := re.fullmatch(r"'([^']*)'", text):
            return lambda row: Cell("text", constant[1])
        if lowered := re.fullmatch(rf"lower\(trim\(({NAME})\)\)", text):
            of = self.name(lowered[1])
            return lambda row: None if (got := text_of(of(row))) is None else Cell("text", lowered_text(got.strip(" ")))
        if first := re.fullmatch(rf"coalesce\(({NAME}), ({NAME})\)", text):
            a, b = self.name(first[1]), self.name(first[2])
            return lambda row: a(row) or b(row)
        if timed := re.fullmatch(rf"strptime\(({NAME}), '([^']*)'\)", text):
            of = self.name(timed[1])
            return lambda row: self.strptime(of(row), timed[2])
        if sign := re.fullmatch(rf"CASE WHEN ({NAME})::DOUBLE < 0 THEN 'return' ELSE 'purchase' END", text):
            of = self.name(sign[1])
            return lambda row: Cell("text", "return" if self.cast(of(row)) < 0 else "purchase")
        if arrow := re.fullmatch(r"json ->> '\$\.(\w+)\.(\w+)'", text):
            # A column of the file that is called json comes first.
            of = self.column("json", False)
            return lambda row: as_text(json_path(parsed(of(row)), [arrow[1], arrow[2]]))
        if path := re.fullmatch(rf"({NAME})\.({NAME})", text):
            of, key = self.name(path[1]), path[2].strip('"')
            return lambda row: self.inside(of(row), key)
        if re.fullmatch(r"\w+", text):
            return self.column(text, False)
        raise AssertionError(f"no reading of {text}")

    def condition(self, text: str) -> Callable[[dict], bool]:
        found = re.fullmatch(rf"({NAME}) = '([^']*)'", text)
        assert found, text
        of = self.name(found[1])
        return lambda row: text_of(of(row)) == found[2]

    def strptime(self, cell: Cell | None, form: str) -> Cell | None:
        if cell is None or cell.value == "":
            if cell is not None:
                raise Fails()
            return None
        try:
            return Cell("local", strptime(cell.value, form))
        except ValueError:
            raise Fails() from None

    def cast(self, cell: Cell | None) -> Decimal:
        if cell is None:
            return Decimal(0)
        if cell.kind in ("float", "float32") and cell.value != cell.value:
            return Decimal(1)
        if isinstance(cell.value, str) and cell.value.strip().lower() in ("nan", "inf", "infinity"):
            return Decimal(1)
        try:
            found = number(Cell(cell.kind, cell.value.strip()) if isinstance(cell.value, str) else cell, [], None)
        except ValueError:
            raise Fails() from None
        if found is None:
            raise Fails()
        return Decimal(found)

    def inside(self, cell: Cell | None, key: str) -> Cell | None:
        """A field of a struct, or a key of text that holds JSON."""
        if cell is None or cell.value == "":
            return None
        if cell.kind == "struct":
            return cell.value.get(key)
        return as_text(json_path(parsed(cell), [key]))

    # Rows.

    def shape(self) -> None:
        fill, unnest = self.source.get("fill"), self.source.get("unnest")
        for record in self.table.records:
            cells = record.cells if not record.broken else [None] * len(self.table.names)
            self.rows.append({"record": record, "cells": list(cells), "e": 0, "element": None, "no_list": False})
        if fill:
            self.fill(fill["by"], fill["columns"])
        if unnest:
            self.rows = [row for one in self.rows for row in self.elements(one, unnest)]

    def fill(self, by: str, columns: list[str]) -> None:
        group = self.column(by, False)
        places = []
        for name in columns:
            self.column(name, False)
            places.append(next(i for i, one in enumerate(self.table.names) if loose(one) == loose(name)))
        groups: dict[Any, list[dict]] = {}
        for row in self.rows:
            if not row["record"].broken and (key := text_of(group(row))) is not None:
                groups.setdefault(key, []).append(row)
        for rows in groups.values():
            for place in places:
                own = [row["cells"][place] for row in rows]
                filled = [cell for cell in own if text_of(cell) is not None]
                above = None
                for row, cell in zip(rows, own):
                    above = cell if text_of(cell) is not None else above
                    row["cells"][place] = above or (filled[0] if filled else cell)

    def elements(self, row: dict, unnest: str) -> list[dict]:
        if row["record"].broken:
            return [row]
        if unnest.startswith("$."):
            cell = json_path(row["record"].whole, unnest[2:].split("."))
        else:
            cell = self.expression(unnest)(row)
        if cell is None:
            return [row]
        value = cell.value
        if cell.kind == "list":
            found = value
        else:
            if cell.kind == "text":
                try:
                    value = json.loads(value, parse_int=Number, parse_float=Number) if value.strip() else []
                except ValueError:
                    return [{**row, "no_list": True}]
            if isinstance(value, dict):
                value = [value]
            if value is None:
                return [row]
            if not isinstance(value, list):
                return [{**row, "no_list": True}]
            found = [json_cell(one) for one in value]
        return [{**row, "e": e, "element": one} for e, one in enumerate(found)] or [row]


def lowered_text(text: str) -> str:
    """As the database does it: one letter for one."""
    return "".join(char.lower()[0] for char in text)


def parsed(cell: Cell | None) -> Any:
    """What a text holds as JSON. @raise Fails for one that holds none"""
    if cell is None or cell.kind == "nested":
        return None if cell is None else cell.value
    try:
        return json.loads(text_of(cell) or "", parse_int=Number, parse_float=Number)
    except ValueError:
        raise Fails() from None


def json_path(whole: Any, keys: list[str]) -> Cell | None:
    for key in keys:
        whole = whole.get(key) if isinstance(whole, dict) else None
    return json_cell(whole)


def as_text(cell: Cell | None) -> Cell | None:
    """What a path gives is text: a number in it has the form of texts."""
    return cell if cell is None or cell.kind == "nested" else Cell("text", text_of(cell) or "")
