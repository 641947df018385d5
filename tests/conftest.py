"""What all tests share."""

import os

from perijove import engine

if os.environ.get("PERIJOVE_REQUIRE_COMPILED") == "1" and os.environ.get("PERIJOVE_PURE", "0") in ("", "0"):
    # Otherwise a build that failed would test the pure engine twice, unseen.
    assert engine.KIND == "compiled", "the compiled engine is required, and is not built: `make build`"


def pytest_report_header() -> str:
    return f"engine: {engine.KIND} {engine.DETAIL}"
