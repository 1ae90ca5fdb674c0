"""Imports sqlite-utils without NumPy, which it would load for column types that are never used here (12 MB, 0.1 s)."""

import importlib
import sys

if not {"numpy", "sqlite_utils"} & sys.modules.keys():
    sys.modules["numpy"] = None  # type: ignore[assignment]  # None there means: cannot be imported
    try:
        importlib.import_module("sqlite_utils")
    finally:
        del sys.modules["numpy"]
