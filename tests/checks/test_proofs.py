"""Every error is proved: a real Apache in front of a real hub fails as the check says (tests/e2e/test_proofs.py has them played)."""

from tests.e2e.proof import PROOFS, proofs

from perijove.checks.catalogue import checks
from perijove.text.diagnostic import Severity

# Only what the page says instead is played: the fault itself cannot be had.
HALF = {
    "apache-too-old": "an Apache 2.2 would be needed",
    "feature-needs-newer-apache": "an Apache before 2.4.47 would be needed",
}


def test_every_error_is_proved() -> None:
    errors = {one.name for one in checks().values() if one.severity is Severity.ERROR}
    found = proofs()
    names = {one.check for one in found.values()}
    assert errors - names == set()
    assert names <= set(checks())
    assert {name for name, one in found.items() if not one.shown} == set(HALF)
    assert {one.name for one in PROOFS.iterdir()} == set(found)
