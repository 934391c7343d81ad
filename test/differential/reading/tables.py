"""From rows to the canonical tables, or to why they are none: docs/config.md, "Columns" to "Keys and duplicates"."""
import hashlib
import re
from decimal import Decimal
from typing import Any, Callable

from files import Record, Table
from mapping import Rows
from times import FIRST, local_parts, time_of
from values import MINOR, Cell, Fails, Refused, identifier, known, minor_units, number, plain, strip, text_of

TYPES = ["view", "search", "cart", "uncart", "favorite", "purchase", "return", "review", "message"]
HOUR = 3_600_000


def judge(case: dict, table: Table) -> dict:
    """What becomes of every row. @raise Refused where nothing can be used"""
    if not table.names:
        return outcome([], [], [], {}, 0, 0)
    source = case["source"]
    rows = Rows(case, table)
    keyed = "key" in source
    drop = source.get("duplicates", "drop") == "drop"
    if table.unreadable and not keyed and drop:
        raise Refused("type")
    rows.shape()
    columns = {name: rows.expression(text) for name, text in source["columns"].items()}
    attributes = {
        (kind, name): rows.expression(text)
        for kind, names in source.get("attributes", {}).items()
        for name, text in (names.items() if isinstance(names, dict) else [(one, f'"{one}"') for one in names])
    }
    keys = [rows.expression(text) for text in source.get("key", [])]
    version = next((rows.expression(text) for text in source.get("newestBy", []) if text != "drop"), None)
    where = {name: rows.condition(text) for name, text in source.get("where", {}).items()}
    judged = [one_row(rows, row, columns, attributes, keys, version, where) for row in rows.rows]
    clean, quarantined, left_out, groups, found = [], [], {name: 0 for name in where}, {}, 0
    seen: set = set()
    for row, (verdict, value, same, newest) in zip(rows.rows, judged):
        if not row["record"].broken and same is not None:
            found += same in seen
            seen.add(same)
        if verdict == "left out":
            left_out[value] += 1
        elif verdict == "quarantined":
            quarantined.append([row["record"].n, sorted(value)])
        elif same is None or not drop:
            clean.append(value)
        else:
            best = groups.get(same)
            if best is None or (newest is not None and (best[0] is None or newest > best[0])):
                groups[same] = (newest, value)
    kept = clean + [value for _, value in groups.values()]
    return outcome(kept, quarantined, len(judged), left_out, found, len(judged) - len(quarantined) - sum(left_out.values()) - len(kept))


def outcome(clean: list, quarantined: list, rows_in: Any, left_out: dict, found: int, dropped: int) -> dict:
    return {
        "status": "read",
        "rowsIn": rows_in or 0,
        "clean": clean,
        "quarantined": quarantined,
        "leftOut": left_out,
        "duplicatesFound": found,
        "duplicatesDropped": dropped,
    }


def one_row(rows: Rows, row: dict, columns: dict, attributes: dict, keys: list, version: Any, where: dict) -> tuple:
    """(clean | quarantined | left out, its values | the settings at fault | the condition, identity, version)"""
    record: Record = row["record"]
    if record.broken:
        return "quarantined", {"line"}, None, None
    faults: set[str] = set()
    values: dict[str, Cell | None] = {}

    def evaluate(path: str, expression: Callable[[dict], Cell | None]) -> Cell | None:
        try:
            return expression(row)
        except Fails:
            faults.add(path)
            return None

    for name, condition in where.items():
        if not condition(row):
            return "left out", name, identity_of(rows, row, keys), None
    if row["no_list"]:
        faults.add("unnest")
    for name, expression in columns.items():
        values[name] = evaluate(name, expression)
    extra = {(kind, name): evaluate(f"{kind}.{name}", expression) for (kind, name), expression in attributes.items()}
    newest = version_of(rows, evaluate("newestBy", version), faults) if version else None
    same = identity_of(rows, row, keys, faults)
    table = rows.source["table"]
    out = event(rows, values, faults) if table == "events" else entity(rows, row, values, extra, faults)
    if version is not None:
        out["version"] = newest
    if table == "events":
        out["keyed"] = bool(keys) and same is not None
    return ("quarantined", faults, same, newest) if faults else ("clean", out, same, newest)


def identity_of(rows: Rows, row: dict, keys: list, faults: set[str] | None = None) -> Any:
    if not keys:
        return (row["record"].same, row["e"])
    values = []
    for key in keys:
        value, lost = identifier(key(row), rows.missing)
        if lost and faults is not None:
            faults.add("key")
        values.append(value)
    return None if all(value is None for value in values) else tuple(values)


def version_of(rows: Rows, cell: Cell | None, faults: set[str]) -> float | None:
    if cell is None:
        return None
    if cell.kind in ("text", "jsonnum", "jsonfloat") and known(cell.value, rows.missing) is None:
        return None
    try:
        found = number(cell, rows.missing, rows.source.get("number"))
        if found is not None and abs(float(found)) >= 2**53:
            faults.add("newestBy")
        return None if found is None else float(found)
    except ValueError:
        pass
    given, ms = time_of(cell, rows.reading)
    if given and ms is None:
        faults.add("newestBy")
    if ms is None:
        return None
    beyond = re.search(r":[0-9]{2}[.,][0-9]{3}([0-9]{1,3})", cell.value) if cell.kind == "text" else None
    return ms + (int(beyond[1].ljust(3, "0")) if beyond else cell.beyond) / 1000


def instant(rows: Rows, name: str, cell: Cell | None, faults: set[str], required: bool) -> int | None:
    given, ms = time_of(cell, rows.reading)
    latest = rows.case["droppedAt"] + rows.source.get("toleranceHours", 48) * HOUR
    if (given and ms is None) or (required and not given) or (ms is not None and not FIRST <= ms <= latest):
        faults.add(name)
        return None
    return ms


def bounded(rows: Rows, name: str, cell: Cell | None, most: Decimal, faults: set[str]) -> Decimal | None:
    try:
        found = number(cell, rows.missing, rows.source.get("number"))
    except ValueError:
        faults.add(name)
        return None
    if found is not None and abs(found) > most:
        faults.add(name)
        return None
    return found


def ids(rows: Rows, values: dict, names: list[str], required: list[str], faults: set[str]) -> dict:
    out = {}
    for name in names:
        found, lost = identifier(values.get(name), rows.missing)
        if lost or (found is None and name in required):
            faults.add(name)
        out[name] = found
    return out


def event(rows: Rows, values: dict, faults: set[str]) -> dict:
    currency = rows.shop.get("currency")
    most = Decimal(10) ** 13 / 10 ** MINOR.get(currency or "", 2)
    out = ids(rows, values, ["user", "item", "session"], ["user"], faults)
    out["time"] = instant(rows, "time", values["time"], faults, True)
    out["day"], out["hour"] = (None, None) if out["time"] is None else local_parts(out["time"], rows.shop["timeZone"])
    kind = strip(text_of(values["type"]) or "")
    if kind not in TYPES:
        faults.add("type")
    out["type"] = kind
    quantity = bounded(rows, "quantity", values.get("quantity"), Decimal(10**7), faults)
    price = bounded(rows, "price", values.get("price"), most, faults)
    amount = bounded(rows, "amount", values.get("amount"), most, faults)
    pieces = Decimal(1) if quantity is None else quantity
    line = amount if amount is not None else pieces * price if price is not None else Decimal(0)
    if abs(line) > most:
        faults.add("amount")
    out["quantity"] = float(pieces)
    out["price"] = None if price is None else minor_units(price, currency)
    out["amount"] = minor_units(line, currency)
    out["text"] = plain(values.get("text"))
    told = text_of(values.get("currency"))
    if "currency" in values and currency and told is not None and told.strip(" ").upper() != currency:
        faults.add("currency")
    return out


def entity(rows: Rows, row: dict, values: dict, extra: dict, faults: set[str]) -> dict:
    table = rows.source["table"]
    names = [name for name in ("user", "item", "label") if name in values]
    out: dict[str, Any] = ids(rows, values, names, names, faults)
    if table == "labels":
        out["row_id"] = row["record"].n
    if "split" in values:
        out["split"] = plain(values["split"])
        if out["split"] not in ("train", "valid", "test"):
            faults.add("split")
    if "valid_from" in values:
        out["valid_from"] = instant(rows, "valid_from", values["valid_from"], faults, False)
    if "email" in values:
        address = strip(plain(values["email"]) or "").lower()
        good = re.fullmatch(r"[^\s@]+@[^\s@]+", address)
        out["email_sha256"] = hashlib.sha256(address.encode()).hexdigest() if good else None
    for (kind, name), cell in extra.items():
        if kind == "numbers":
            found = bounded(rows, f"numbers.{name}", cell, Decimal(10**18), faults)
            out[name] = None if found is None else float(found)
        elif cell is not None and cell.kind in ("float", "float32", "decimal") and kind == "categories":
            out[name] = identifier(cell, [])[0]
        else:
            out[name] = plain(cell)
    return out
