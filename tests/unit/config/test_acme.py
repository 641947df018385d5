"""Where the answers of an ACME client are found."""

import pytest

from perijove.config.acme import answers
from perijove.gateway.rules import PathPrefix


@pytest.mark.parametrize("folder", ["/var/www/acme", "/var/www/acme/"])
def test_answers(folder):
    rule = answers(folder)
    assert rule.when == PathPrefix(b"/.well-known/acme-challenge/")
    assert rule.do.directory == "/var/www/acme/.well-known/acme-challenge"
