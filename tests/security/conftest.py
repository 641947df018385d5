"""Security tests start servers; SECURITY=all plays all cases on all dialects, which takes minutes (`make security`)."""

from __future__ import annotations

import os

from tests.server.conftest import application, authority, certificate, fronts, origin, origins  # noqa: F401

ALL = os.environ.get("SECURITY") == "all"
