"""A whole run as one would write it by hand: one statement from Parquet to Parquet.

python benchmarks/by_hand_process.py workers.parquet results.parquet
"""

import sys
from pathlib import Path

import duckdb

sql = Path(__file__).with_name("by_hand.sql").read_text("utf-8").replace("{workers}", f"'{sys.argv[1]}'")
duckdb.execute(f"COPY (\n{sql}\n) TO '{sys.argv[2]}' (FORMAT parquet)")
