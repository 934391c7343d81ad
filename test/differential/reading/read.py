"""Reads files as docs/config.md says they are read, without Nightjar and without DuckDB.

    python read.py FOLDER

FOLDER/cases.jsonl has a line per file: its name, the source and shop of the config, the key and time of its drop. Where a
line has `parquet`, the file is written first, by pyarrow. FOLDER/expected.jsonl gets what becomes of each file's rows.
"""
import json
import sys
from pathlib import Path

from files import Table, decode, read_csv, read_jsonl, unpack
from parquet_files import read_parquet
from tables import judge
from values import Refused
from write_parquet import write


def read(case: dict, data: bytes) -> dict:
    source = case["source"]
    try:
        table: Table
        if source["format"] == "parquet":
            table = read_parquet(data)
        else:
            text = decode(unpack(data), source.get("encoding"))
            table = read_csv(text, source.get("csv", {})) if source["format"] == "csv" else read_jsonl(text)
        return judge(case, table)
    except Refused as refused:
        return {"status": "refused", "why": str(refused)}


def main() -> None:
    folder = Path(sys.argv[1])
    with (folder / "cases.jsonl").open(encoding="utf-8") as cases, (folder / "expected.jsonl").open("w") as out:
        for line in cases:
            case = json.loads(line)
            path = folder / case["file"]
            if case.get("parquet"):
                write(case["parquet"], path)
            try:
                told = read(case, path.read_bytes())
            except Exception as error:
                raise RuntimeError(f"seed {case['seed']}") from error
            out.write(json.dumps({"seed": case["seed"], **told}) + "\n")


if __name__ == "__main__":
    main()
