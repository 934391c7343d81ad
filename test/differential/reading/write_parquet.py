"""Writes a parquet file from a description: columns with a name, a type by pyarrow's name, and values as texts."""
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

EPOCH = dt.date(1970, 1, 1)


def type_of(name: str) -> Any:
    kind, *options = name.split(":")
    if kind == "decimal":
        digits, scale = int(options[0]), int(options[1])
        return pa.decimal128(digits, scale) if digits <= 38 else pa.decimal256(digits, scale)
    if kind == "timestamp":
        return pa.timestamp(options[0], options[1] if len(options) > 1 else None)
    if kind == "dictionary":
        return pa.dictionary(pa.int32(), pa.string())
    if kind == "list":
        return pa.list_(pa.struct([("sku", pa.string()), ("qty", pa.int64()), ("price", pa.float64())]))
    return getattr(pa, kind)()


def value_of(text: str | None, kind: Any) -> Any:
    types = pa.types
    if text is None:
        return None
    if types.is_decimal(kind):
        return Decimal(text)
    if types.is_integer(kind) or types.is_timestamp(kind):
        return int(text)
    if types.is_floating(kind):
        return float(text)
    if types.is_boolean(kind):
        return text == "true"
    if types.is_date(kind):
        return EPOCH + dt.timedelta(days=int(text))
    if types.is_binary(kind):
        return text.encode()
    return json.loads(text) if types.is_list(kind) else text


def write(description: dict, path: Path) -> None:
    arrays, names = [], []
    for column in description["columns"]:
        kind = type_of(column["type"])
        values = [value_of(text, kind) for text in column["values"]]
        if pa.types.is_dictionary(kind):
            arrays.append(pa.array(values, pa.string()).dictionary_encode())
        else:
            arrays.append(pa.array(values, kind))
        names.append(column["name"])
    table = pa.Table.from_arrays(arrays, names=names)
    pq.write_table(
        table,
        path,
        compression=description["compression"],
        version=description["version"],
        coerce_timestamps="us" if description["version"] != "2.6" and not description["int96"] else None,
        allow_truncated_timestamps=True,
        data_page_version=description["pages"],
        row_group_size=description["group"],
        use_dictionary=description["dictionary"],
        use_deprecated_int96_timestamps=description["int96"],
    )
