"""The words that configurations and requests are drawn from, and the dice.

They are few, so that rules overlap, shadow each other and nearly match. Knows no directive.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

SEGMENTS: Final = ("hub", "user", "user/bob", "api", "jupyter", "a", "a/b", "Hub", "a b")
# Each with paths that it finds, or nearly.
PATTERNS: Final = {
    "^/user/([^/]+)/(.*)$": ("/user/bob/tree", "/user/bob/", "/user/bob", "/user//x", "/user/b%20b/a/b"),
    "^/hub(/.*)?$": ("/hub", "/hub/login", "/hubs", "/hub/a%20b"),
    "/ws$": ("/a/ws", "/ws", "/user/bob/ws", "/ws/"),
    "^/(.*)$": ("/x", "/", "/user/x%3Fy"),
    "^/user/.+/channels$": ("/user/bob/channels", "/user/bob/api/kernels/1/channels", "/user/channels"),
    "^/(hub|user)/": ("/hub/x", "/user/y", "/hub", "/x/hub/"),
    "(?i)^/HUB/(.*)": ("/hub/x", "/HUB/Y/z", "/hUb/"),
    "^/api/([a-z]+)/?([0-9]*)": ("/api/kernels/12", "/api/sessions", "/api/", "/api/x/y"),
    "^/user/(?<name>[^/]*)": ("/user/bob/x", "/user/", "/user"),
    "/a.*b": ("/a/b", "/x/ab", "/a/x/b/c", "/a%0Ab"),
    "^/jupyter": ("/jupyter", "/jupyterhub", "/jupyter/x", "/Jupyter"),
    r"\.txt$": ("/a/x.txt", "/x.txt", "/x.txt/"),
    "^/a/b/(.*)": ("/a/b/c", "/a/b/", "/a/b", "/a/b/c%2Bd"),
    "^/$": ("/", "/x"),
    "^/[Hh]ub/(login|logout)?": ("/hub/login", "/Hub/logout", "/hub/x", "/hub/"),
}
HOSTS: Final = ("hub.example.org", "jupyter.example.org", "www.example.org", "other.test")
UPSTREAMS: Final = ("{UPSTREAM_PORT}", "{UPSTREAM2_PORT}")

T = TypeVar("T")


class Dice:
    """Random choices of one name: the same whenever they are made."""

    def __init__(self, name: str) -> None:
        self.random = random.Random(name)

    def maybe(self, probability: float) -> bool:
        return self.random.random() < probability

    def one(self, *values: T) -> T:
        return self.random.choice(values)

    def of(self, values: Sequence[T]) -> T:
        return self.random.choice(values)

    def count(self, *weights: int) -> int:
        """Draw a number from 0, each as often as its weight says."""
        return self.random.choices(range(len(weights)), weights)[0]

    def kind(self, *choices: tuple[float, Callable[[], T]]) -> T:
        """Draw one of several kinds, each as often as its weight says."""
        return self.random.choices([kind for _, kind in choices], [weight for weight, _ in choices])[0]()


class Words(Dice):
    """Words of one configuration: paths of a few segments, a few patterns, the URLs that something leads to."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.segments = self.random.sample(SEGMENTS, 3)
        self.patterns = self.random.sample(sorted(PATTERNS), 3)
        self.urls: list[str] = []

    def path(self) -> str:
        if self.maybe(0.2):
            return "/"
        return "/" + self.of(self.segments) + self.one("", "/")

    def regex(self) -> str:
        return self.of(self.patterns)

    def quoted(self, text: str) -> str:
        return f'"{text}"' if " " in text or self.maybe(0.2) else text

    def url(self, path: str = "", captures: bool = False) -> str:
        scheme = self.random.choices(("http", "ws", "HTTP"), (85, 14, 1))[0]
        port = self.random.choices(UPSTREAMS, (80, 20))[0]
        behind = self.one("", "/", path or "/", self.path().replace(" ", "%20"), "/deep/x/")
        if captures:
            behind = self.one("/$1", "/x/$1", "/$1/$2", "$1", "/y$0", "/x/$1?q=$2", "/", "", "/plain")
        elif behind and self.maybe(0.03):
            behind += self.one("?q=1", "%20", "&x", "%41", "?")
        made = f"{scheme}://127.0.0.1:{port}{behind}"
        self.urls.append(made)
        return made

    def known_url(self) -> str:
        """A URL that something leads to, most often."""
        return self.of(self.urls) if self.urls and self.maybe(0.8) else self.url(self.path())
