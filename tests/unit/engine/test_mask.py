"""Secrets in URLs: by their names, however those are written, and no others."""

import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perijove.engine.mask import NAMES, masked, masked_text

SECRETS = [
    (b"/a?token=abc", b"/a?token=***"),
    (b"/a?b=c&token=abc&d=e", b"/a?b=c&token=***&d=e"),
    (b"/a?b=c;token=abc&d=e", b"/a?b=c;token=***&d=e"),
    (b"/hub/api/oauth2/authorize?code=x&state=y", b"/hub/api/oauth2/authorize?code=***&state=***"),
    (b"/a?access_token=x&auth_token=y&_xsrf=z&password=p", b"/a?access_token=***&auth_token=***&_xsrf=***&password=***"),
    (b"https://a/b#access_token=x&b=c", b"https://a/b#access_token=***&b=c"),
    # whatever may belong to the value
    (b"/a?token=x%20y%26z", b"/a?token=***"),
    (b"/a?token=x==", b"/a?token=***"),
    (b'/a?password=a;b#c"d?e f', b"/a?password=***"),
    # however the name is written
    (b"/a?TOKEN=abc&CoDe=d", b"/a?TOKEN=***&CoDe=***"),
    (b"/a?%74oken=abc", b"/a?%74oken=***"),
    (b"/a?%54%4f%4B%45%6e=abc", b"/a?%54%4f%4B%45%6e=***"),
    (b"/a?%5fxsrf=abc", b"/a?%5fxsrf=***"),
    (b"/a?%2574oken=abc", b"/a?%2574oken=***"),
    # a URL in a URL, as the hub's login page has it
    (b"/hub/login?next=%2Fhub%2Fuser%2Fx%2Flab%3Ftoken%3Dabc%26b%3Dc&d=e", b"/hub/login?next=%2Fhub%2Fuser%2Fx%2Flab%3Ftoken%3D***&d=e"),
    (b"/a?next=%252Fb%253Fc%253Dd%2526state%253Dabc", b"/a?next=%252Fb%253Fc%253Dd%2526state%253D***"),
    (b"/a?next=/b?token=abc", b"/a?next=/b?token=***"),
    (b"/a%3Ftoken=abc", b"/a%3Ftoken=***"),
    # in the path
    (b"/hub/api/authorizations/token/abc", b"/hub/api/authorizations/token/***"),
    (b"/hub/api/authorizations/cookie/name/abc?d=e", b"/hub/api/authorizations/cookie/name/***?d=e"),
]  # fmt: skip

HARMLESS = [
    b"", b"/a", b"/a?", b"/a?b", b"/a?token", b"/a?token=", b"/a?tokens=abc&mytoken=abc", b"/token=abc", b"/a?b=token",
    b"/a/tokens/abc", b"/hub/api/authorizations/token", b"/a?session_id=12-34", b"/a%20b?c=d%20e&f=%C3%A9%2Fg", b"/a?b=%74oken",
]  # fmt: skip


@pytest.mark.parametrize(("url", "shown"), SECRETS)
def test_secrets(url: bytes, shown: bytes) -> None:
    assert masked(url) == shown
    assert masked(shown) == shown


@pytest.mark.parametrize("url", HARMLESS)
def test_what_is_no_secret_stays(url: bytes) -> None:
    assert masked(url) == url


@pytest.mark.parametrize("name", NAMES)
def test_every_name(name: str) -> None:
    for written in (name, name.upper(), "".join(f"%{ord(one):02x}" for one in name)):
        assert masked(f"/a?b=c&{written}=abc&d=e".encode()) == f"/a?b=c&{written}=***&d=e".encode()


@given(
    st.sampled_from(NAMES),
    st.data(),
    st.text("abcdefghijklmnopqrstuvwxyz/.-_", max_size=20),
    st.integers(0, 3),
)
def test_no_way_of_writing_a_name_shows_its_value(name: str, data: st.DataObject, before: str, levels: int) -> None:
    letters = [data.draw(st.sampled_from([one, one.upper(), f"%{ord(one):02x}", f"%{ord(one):02X}"])) for one in name]
    url = f"{before}?{''.join(letters)}=SECRET"
    for _ in range(levels):
        url = f"/a?next={quote(url, safe='')}"
    assert b"SECRET" not in masked(url.encode())


@pytest.mark.parametrize(
    "piece", [b"?", b"%3f", b"%25", b"%2525", b"?t", b"?token", b"%3f%74", b"=", b"?token%25", b"/authorizations/token/"]
)
def test_long_urls_take_no_longer_than_short_ones(piece: bytes) -> None:
    begun = time.perf_counter()
    masked(b"/?a=b" + piece * (65536 // len(piece)))
    assert time.perf_counter() - begun < 1.0


def test_texts() -> None:
    assert masked_text("a line") == "a line"
    assert masked_text('"GET /a?token=abc HTTP/1.1"\nand http://a/?code=x&b=c, `?state=y`') == (
        '"GET /a?token=*** HTTP/1.1"\nand http://a/?code=***&b=c, `?state=***`'
    )
