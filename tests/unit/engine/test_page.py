"""Pages of our own: readable, escaped, and silent about what is behind."""

import json
from html.parser import HTMLParser

import pytest

from perijove.engine import page

STATUSES = [400, 404, 405, 408, 413, 414, 417, 431, 501, 502, 503, 504, 505]


@pytest.mark.parametrize(
    ("status", "location", "line"),
    [
        (302, b"/x", b"Location: /x\r\n"),
        (302, b"", b""),
        (302, None, b""),
        (405, b"GET", b"Allow: GET\r\n"),
        (405, b"", b"Allow: \r\n"),
        (405, None, b""),
        (401, b"Basic", b"WWW-Authenticate: Basic\r\n"),
        (302, b"/x\r\nA: b", b"Location: /x  A: b\r\n"),
    ],
)
def test_what_more_is_said(status: int, location: bytes | None, line: bytes) -> None:
    assert page.said(status, location) == line


class Page(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert all(name in ("lang", "charset") for name, _ in attrs), attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("status", STATUSES)
def test_html(status: int) -> None:
    kind, body = page.error(status, b"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", b"7f-1")
    assert kind == b"text/html; charset=utf-8"
    shown = Page(body.decode())
    assert shown.tags == ["html", "head", "meta", "title", "style", "body", "h1", "p", "p", "p", "small"]
    assert f"{status} {page.reason(status).decode()}" in shown.text
    assert "Request 7f-1" in shown.text
    assert "`" not in shown.text


@pytest.mark.parametrize(("status", "why"), [(400, page.PLAIN_HTTP), (404, page.NO_FILE), (405, page.READ_ONLY)])
def test_other_words(status: int, why: int) -> None:
    shown = Page(page.error(status, b"", b"1", why)[1].decode()).text
    assert f"{status} {page.reason(status).decode()}" in shown
    assert str(why) not in shown
    assert shown != Page(page.error(status, b"", b"1")[1].decode()).text


@pytest.mark.parametrize("status", STATUSES)
def test_json(status: int) -> None:
    kind, body = page.error(status, b"application/json", b"7f-1")
    assert kind == b"application/json"
    document = json.loads(body)
    assert document.keys() == {"status", "message", "hint", "request_id"}
    assert (document["status"], document["request_id"]) == (status, "7f-1")
    assert document["message"].startswith(f"{status} {page.reason(status).decode()}: ")
    assert document["hint"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (b"", b"text/html; charset=utf-8"),
        (b"*/*", b"text/html; charset=utf-8"),
        (b"image/png", b"text/html; charset=utf-8"),
        (b"text/html", b"text/html; charset=utf-8"),
        (b"text/html, application/json", b"text/html; charset=utf-8"),
        (b"application/json, text/html", b"application/json"),
        (b"application/json", b"application/json"),
        (b"application/json, text/javascript, */*; q=0.01", b"application/json"),
        (b"application/problem+json", b"application/json"),
        (b"Application/JSON", b"application/json"),
    ],
)
def test_who_asks_for_json_gets_it(accept: bytes, kind: bytes) -> None:
    assert page.error(502, accept, b"1")[0] == kind


def test_what_is_put_in_is_escaped() -> None:
    evil = b"<script>alert('&\"')</script>\xff"
    _, body = page.error(502, b"text/html", evil)
    assert b"<script" not in body
    shown = Page(body.decode())
    assert "script" not in shown.tags
    assert "<script>alert('&\"')</script>" in shown.text
    _, body = page.error(502, b"application/json", evil)
    assert json.loads(body)["request_id"].startswith("<script>")


def test_a_status_that_is_not_foreseen() -> None:
    _, body = page.error(599, b"", b"1")
    assert b"<h1>599 Error</h1>" in body


@pytest.mark.parametrize(
    ("status", "phrase"),
    [(200, b"OK"), (308, b"Permanent Redirect"), (502, b"Bad Gateway"), (299, b"OK"), (418, b"Error"), (599, b"Error")],
)
def test_reason(status: int, phrase: bytes) -> None:
    assert page.reason(status) == phrase


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("accept", [b"text/html", b"application/json"])
def test_pages_tell_strangers_nothing(status: int, accept: bytes) -> None:
    body = page.error(status, accept, b"1")[1].lower()
    for word in (b"perijove", b"python", b"127.0.0.1", b"localhost", b"traceback", b"http://", b"https://", b"/usr"):
        assert word not in body
