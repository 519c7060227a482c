"""Nothing is kept between test runs: every test reads its policies anew."""

from __future__ import annotations

import os

os.environ["GUIZHANG_CACHE"] = "off"
