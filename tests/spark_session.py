"""One Spark for all tests that need it: local, small, and quiet; or the reason why there is none."""

from __future__ import annotations

import shutil
import warnings
from functools import cache
from importlib.util import find_spec
from typing import Any


def why_not() -> str:
    """Why Spark cannot run here; "" if it can."""
    if find_spec("pyspark") is None:
        return "needs Spark (pip install '.[spark]')"
    if shutil.which("java") is None:
        return "needs Java 17 or newer for Spark"
    return ""


@cache
def session() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[2]").appName("guizhang-tests")
        for name, value in {
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.ansi.enabled": "true",
            "spark.driver.memory": "2g",
            "spark.log.level": "OFF",
            "spark.ui.showConsoleProgress": "false",
        }.items():
            builder = builder.config(name, value)
        return builder.getOrCreate()
