"""JupyterHub's own tests of its proxy, with perijove's class; `make hub-suite` runs all that go through the proxy."""

from __future__ import annotations

import pytest
from tests.hub.suite import PROXY, run

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.mark.parametrize("mode", ["path", "ssl"])
def test_of_the_proxy(mode: str) -> None:
    assert run(mode, PROXY, as_class=True) == 0
