"""What stands for an error."""

import pytest

from perijove.gateway.actions import Page
from perijove.gateway.templates import Note, Template


@pytest.mark.parametrize(
    ("elsewhere", "local"),
    [
        ((b"/errors/403.html",), True),
        ((b"/errors/", Note(b"a")), True),
        ((b"https://example.org/403",), False),
        ((Note(b"a"), b"/x"), False),  # where that leads is not known before it is asked for
        ((), False),
    ],
)
def test_a_page_that_lies_here(elsewhere: Template, local: bool) -> None:
    assert Page(elsewhere=elsewhere).local is local
