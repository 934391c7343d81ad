"""From parquet to records, by pyarrow."""
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from files import Record, Table
from values import Cell


def read_parquet(data: bytes) -> Table:
    file = pq.ParquetFile(pa.BufferReader(data))
    table = file.read()
    names = file.schema_arrow.names
    utc = {i for i in range(len(names)) if is_utc_by_convention(file.schema, file.schema_arrow, i)}
    unreadable: dict[int, str] = {}
    columns: list[list[Cell | None]] = []
    for i, column in enumerate(table.columns):
        kind = column.type
        if pa.types.is_decimal(kind) and kind.precision > 38:
            unreadable[i] = "type"
            columns.append([None] * len(column))
            continue
        try:
            columns.append([arrow_cell(value, kind, i in utc) for value in column.to_pylist()] if not
                           pa.types.is_timestamp(kind) else timestamps(column, kind, i in utc))
        except UnicodeDecodeError:
            unreadable[i] = "type"
            columns.append([None] * len(column))
    records = [Record(n, list(cells)) for n, cells in enumerate(zip(*columns))] if columns else []
    # Times are told apart by all of their digits, of which the cells keep milliseconds.
    exact = [
        column.cast(pa.int64()).to_pylist() if pa.types.is_timestamp(column.type) else columns[i]
        for i, column in enumerate(table.columns)
    ]
    for record in records:
        record.same = repr([values[record.n] for i, values in enumerate(exact) if i not in unreadable])
    return Table(names, records, unreadable)


def is_utc_by_convention(schema: Any, arrow: Any, i: int) -> bool:
    leaves = [schema.column(k) for k in range(len(schema))]
    own = [leaf for leaf in leaves if leaf.path.split(".")[0] == arrow.names[i]]
    return len(own) == 1 and own[0].physical_type == "INT96"


def timestamps(column: Any, kind: Any, utc: bool) -> list[Cell | None]:
    per_ms = {"s": 0.001, "ms": 1, "us": 1000, "ns": 1_000_000}[kind.unit]
    counts = column.cast(pa.int64()).to_pylist()
    cells: list[Cell | None] = []
    for count in counts:
        if count is None:
            cells.append(None)
            continue
        ms = count * 1000 if kind.unit == "s" else count // int(per_ms)
        beyond = {"us": count % 1000, "ns": count // 1000 % 1000}.get(kind.unit, 0)
        aware = utc or kind.tz is not None
        local = datetime(1970, 1, 1) + timedelta(milliseconds=ms)
        cells.append(Cell("instant", ms, beyond) if aware else Cell("local", local, beyond))
    return cells


def arrow_cell(value: Any, kind: Any, utc: bool) -> Cell | None:
    types = pa.types
    if value is None:
        return None
    if types.is_dictionary(kind):
        return arrow_cell(value, kind.value_type, utc)
    if types.is_boolean(kind):
        return Cell("bool", value)
    if types.is_integer(kind):
        return Cell("int", value)
    if types.is_floating(kind):
        return Cell("float32" if kind.bit_width <= 32 else "float", value)
    if types.is_decimal(kind):
        return Cell("decimal", value)
    if types.is_date(kind):
        return Cell("date", value)
    if types.is_string(kind) or types.is_large_string(kind):
        return Cell("text", value)
    if types.is_binary(kind) or types.is_fixed_size_binary(kind):
        return Cell("text", value.decode("utf-8"))
    if types.is_list(kind):
        return Cell("list", [arrow_cell(one, kind.value_type, utc) for one in value])
    if types.is_struct(kind):
        return Cell("struct", {f.name: arrow_cell(value[f.name], f.type, utc) for f in kind})
    raise AssertionError(f"no reading of {kind}")
