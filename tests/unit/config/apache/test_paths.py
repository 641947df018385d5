import pytest

from perijove.config.apache.paths import substituted
from perijove.gateway.templates import Capture, Template


@pytest.mark.parametrize(
    ("text", "template"),
    [
        (b"/x", (b"/x",)),
        (b"/x/$1/y$2", (b"/x/", Capture(1), b"/y", Capture(2))),
        (b"$0", (Capture(0),)),
        (rb"/\$1&", (b"/$1&",)),
        (b"/$", (b"/$",)),
    ],
)
def test_substituted(text: bytes, template: Template) -> None:
    assert substituted(text) == template
