"""Each construct of PCRE2's spelling, alone: what it becomes, and what is found. And each that is refused."""

from __future__ import annotations

import random
import re

import pytest

from perijove.config.apache.regex import Invalid, Untranslatable, parsed_and_spelt, translate
from perijove.engine.pattern import Pattern

# Written; the spelling for `re`; a subject, and the spans of all groups in it.
CONSTRUCTS = [
    # octets
    ("abc", b"abc", b"xabc", ((1, 4),)),
    (".", b".", b"\n", ((0, 1),)),
    ("(?-s).", rb"[^\x0a]", b"\na", ((1, 2),)),
    (r"\.\/\-", rb"\./\-", b"./-", ((0, 3),)),
    (r"\Qa.b\E+", rb"a\.b+", b"a.bbb", ((0, 5),)),
    (r"a\Q\E+", b"a+", b"aa", ((0, 2),)),
    (r"\a\e\f\n\r\t", rb"\x07\x1b\x0c\x0a\x0d\x09", b"\x07\x1b\x0c\n\r\t", ((0, 6),)),
    (r"\x41\x{42}\x", rb"AB\x00", b"AB\0", ((0, 3),)),
    (r"\101\o{102}\0", rb"AB\x00", b"AB\0", ((0, 3),)),
    (r"\cA\c[", rb"\x01\x1b", b"\x01\x1b", ((0, 2),)),
    (r"\11", rb"\x09", b"\t", ((0, 1),)),
    ("ä", rb"\xc3\xa4", "ä".encode(), ((0, 2),)),
    (r"\d\w\s", rb"[0-9][0-9A-Z_a-z][\x09-\x0d\x20]", b"1_\x0b", ((0, 3),)),
    (r"\h\v", rb"[\x09\x20\xa0][\x0a-\x0d\x85]", b"\xa0\x85", ((0, 2),)),
    (r"\H\V", rb"[^\x09\x20\xa0][^\x0a-\x0d\x85]", b"ab", ((0, 2),)),
    (r"\N", rb"[^\x0a]", b"\na", ((1, 2),)),
    (r"\R", rb"(?:\x0d\x0a|[\x0a-\x0c\x85]|\x0d(?!\x0a))", b"\r\n", ((0, 2),)),
    (r"\X", rb"(?:\x0d\x0a|[^\x0d]|\x0d(?!\x0a))", b"\r\n", ((0, 2),)),
    (r"\C", b".", b"\xff", ((0, 1),)),
    # classes
    ("[^/]", b"[^/]", b"/a", ((1, 2),)),
    ("[]a]", rb"[\]a]", b"]", ((0, 1),)),
    ("[^]a]", rb"[^\]a]", b"]b", ((1, 2),)),
    ("[a[]", rb"[\[a]", b"[", ((0, 1),)),
    ("[[:alpha:]]", b"[A-Za-z]", b":a", ((1, 2),)),
    ("[[:^alpha:]1]", b"[^A-Za-z]", b"a:", ((1, 2),)),
    ("[[:alpha]]", rb"[\:\[ahlp]\]".replace(rb"\:", b":"), b"a]", ((0, 2),)),
    ("[a-]", rb"[\-a]", b"-", ((0, 1),)),
    (r"[\w.-]+", rb"[\-\.0-9A-Z_a-z]+", b"/a-b.c/", ((1, 6),)),
    (r"[\b\101\8]", b"[\\x088A]", b"\x08", ((0, 1),)),
    (r"[\Q]-\E]", rb"[\-\]]", b"-", ((0, 1),)),
    ("[^\\x00-\\xff]", rb"[^\x00-\xff]", b"a", None),
    # case
    ("(?i)a1", b"[Aa]1", b"A1", ((0, 2),)),
    ("a(?i)b|c", b"a[Bb]|[Cc]", b"C", ((0, 1),)),
    ("(?i:a)b", b"[Aa]b", b"Ab", ((0, 2),)),
    ("(?i)[^a]", b"[^Aa]", b"Ab", ((1, 2),)),
    ("(?i)[[:upper:]]", b"[A-Za-z]", b"a", ((0, 1),)),
    # places
    ("^a$", rb"\Aa\Z", b"a", ((0, 1),)),
    ("a$", rb"a\Z", b"a\n", None),
    (r"a\Z", rb"a(?=\n?\Z)", b"a\n", ((0, 1),)),
    (r"a\z", rb"a\Z", b"a\n", None),
    ("(?m)^a$", rb"(?:\A|(?<=\n)(?!\Z))a(?=\n|\Z)", b"b\na\nb", ((2, 3),)),
    (r"\Ga", rb"\Aa", b"ba", None),
    (r"\ba\b", rb"\ba\b", b"aa a", ((3, 4),)),
    (r"\B", rb"(?!\b)", b"", ((0, 0),)),
    ("[[:<:]]a[[:>:]]", rb"\b(?=[0-9A-Z_a-z])a\b(?<=[0-9A-Z_a-z])", b"ba a", ((3, 4),)),
    # repeats
    ("a{2}b{1,2}c{1,}d{,3}e{f", rb"a{2}b{1,2}c+d\{,3\}e\{f", b"aabccd{,3}e{f", ((0, 13),)),
    ("^a*?b+?c??", rb"\Aa*?b+?c??", b"aabbc", ((0, 3),)),
    ("^a++b", rb"\Aa++b", b"aab", ((0, 3),)),
    ("(?U)a+", b"a+?", b"aa", ((0, 1),)),
    ("^a+(?#b)?", rb"\Aa+?", b"aa", ((0, 1),)),
    ("(?x) a # one\n +", b"a+", b"aa", ((0, 2),)),
    ("(?xx)[a b]", b"[ab]", b" b", ((1, 2),)),
    # groups
    ("(a)(?:b)(?<n>c)", b"(a)b(c)", b"abc", ((0, 3), (0, 1), (2, 3))),
    ("(?'n'a)(?P<m>b)", b"(a)(b)", b"ab", ((0, 2), (0, 1), (1, 2))),
    ("(?n)(a)(?<n>b)", b"a(b)", b"ab", ((0, 2), (1, 2))),
    ("a(?#b)c", b"ac", b"ac", ((0, 2),)),
    ("(a|b)?c", b"(a|b)?c", b"c", ((0, 1), (-1, -1))),
    ("a(?=b)|c(?!d)", b"a(?=b)|c(?!d)", b"cdab", ((2, 3),)),
    ("(?<=a|bc)d", b"(?:(?<=a)|(?<=bc))d", b"dbcd", ((3, 4),)),
    ("(?<!a|bc)d", b"(?<!a)(?<!bc)d", b"adbcdd", ((5, 6),)),
    ("", b"", b"a", ((0, 0),)),
    ("(?<n>a)|(?<n>b)", b"(a)|(b)", b"b", ((0, 1), (-1, -1), (0, 1))),
    # what begins with anything is found from the start, or not at all
    (".*b", rb"\A.*b", b"aab", ((0, 3),)),
]
# What `re` must not run, because it finds something else there.
GUARDED = [
    (r"(a)\1", rb"(a)(?:\1)", b"baa", ((1, 3), (1, 2))),
    (r"(?i)(a)\g{-1}", rb"([Aa])(?i:\1)", b"aA", ((0, 2), (0, 1))),
    (r"(?<n>a)\k<n>\k'n'\k{n}\g{n}(?P=n)", rb"(a)" + rb"(?:\1)" * 5, b"aaaaaa", ((0, 6), (0, 1))),
    (r"a\Kb", rb"a\Kb", b"ab", ((1, 2),)),
    ("(?>a|ab)c", b"(?>a|ab)c", b"abcac", ((3, 5),)),
    ("(?:ab)++", b"(?:ab)++", b"abab", ((0, 4),)),
    ("(?|(a)|(b))(c)", b"(?:(?P<g1>a)|(?P<g1>b))(?P<g2>c)", b"bc", ((0, 2), (0, 1), (1, 2))),
    ("(a*)*", b"(a*)*", b"aa", ((0, 2), (2, 2))),
    ("(a|b)*", b"(a|b)*", b"ab", ((0, 2), (1, 2))),
    ("a(?:[[:<:]]){0}", rb"a(?:\b(?=[0-9A-Z_a-z])){0}", b"a", ((0, 1),)),
    ("(?<=(a)|bc)d", b"(?>(?<=(a))|(?<=bc))d", b"bcd", ((2, 3), (-1, -1))),
    ("(?=(a))", b"(?=(a))", b"a", ((0, 0), (0, 1))),
]
# What JupyterHub's administrators write (documentation, issue threads).
USUAL = [
    "/(user/[^/]*)/(api/kernels/[^/]+/channels|terminals/websocket)/?",
    "^/mypath/(user/[^/]+)/(api/kernels/[^/]+/channels|terminals/websocket)(.*)",
    "^/(user/[^/]+/(api/kernels/[^/]+/channels|terminals/websocket)(/.*)?)$",
    "/(user/[^/]*)/(api/kernels/[^/]+/channels|terminals/websocket)(.*)",
    "^/?(.*)", "/(.*)", "^/(.*)$", "(.*)", "^/jhub/(.*)", "/jhub/(.*)", "^websocket$", "websocket", ".*", "^(.*)$", "^/jhub$",
    "^/jhub(/|$)", "^/user/([^/]+)/?(.*)$", "^https?://[^/]+(/.*)$", "^(?!/hub).*$", ".*upgrade.*", "upgrade", r"\bupgrade\b",
    r"^127\.0\.0\.1:\d+$", r"\.(gif|jpe?g|png)$", "https?://localhost(:[0-9]+)?/?", "^/((?:hub|user)/.*)?$", "^/(hub|user)(/.*|)$",
    "^(on|off)$", "^(.*)(;\\s*Secure)?$", "^(.+)/hub/(.*)$", r"^([a-z0-9-]+)\.example\.org$",
]  # fmt: skip
INVALID = [
    ("(", "missing closing parenthesis", 1),
    ("a)", "unmatched closing parenthesis", 1),
    ("[a", "missing terminating ] for character class", 2),
    ("*a", "quantifier does not follow a repeatable item", 0),
    ("a**", "quantifier does not follow a repeatable item", 2),
    ("^*", "quantifier does not follow a repeatable item", 2),
    ("(*)", "quantifier does not follow a repeatable item", 1),
    ("a{3,2}", "numbers out of order in {} quantifier", 1),
    ("a{65536}", "number too big in {} quantifier", 1),
    ("[z-a]", "range out of order in character class", 4),
    (r"[\d-z]", "invalid range in character class", 3),
    ("[[:foo:]]", "unknown POSIX class name", 1),
    ("[[.a.]]", "POSIX collating elements are not supported", 1),
    ("[:alpha:]", "POSIX named classes are supported only within a class", 1),
    (r"\y", "unrecognized character follows \\", 1),
    ("\\", "\\ at end of pattern", 1),
    (r"(a)\2", "reference to non-existent subpattern", 5),
    (r"\k<n>", "reference to non-existent subpattern", 3),
    (r"(?<=\R)", "lookbehind assertion is not fixed length", 0),
    (r"(?<=a*)", "lookbehind assertion is not fixed length", 0),
    (r"(?<=(?:a|bc))", "lookbehind assertion is not fixed length", 0),
    (r"(?=\K)", "\\K is not allowed in lookarounds (but see PCRE2_EXTRA_ALLOW_LOOKAROUND_BSK)", 5),
    ("(?z)", "unrecognized character after (? or (?-", 2),
    ("(?i-s-m)", "invalid hyphen in option setting", 5),
    ("(?#", "missing ) after (?# comment", 3),
    ("(?<1>a)", "subpattern name must start with a non-digit", 3),
    ("(?<a", "syntax error in subpattern name (missing terminator?)", 4),
    (r"\x{100}", "character code point value in \\x{} or \\o{} is too large", 7),
    (r"\400", "octal value is greater than \\377 in 8-bit non-UTF-8 mode", 4),
    (r"\L", "PCRE2 does not support \\F, \\L, \\l, \\N{name}, \\U, or \\u", 1),
]  # fmt: skip
UNTRANSLATABLE = [
    (r"\p{L}", "Unicode properties"),
    (r"[\p{L}]", "Unicode properties"),
    ("(?R)", "recursion"),
    ("(a)(?1)", "recursion"),
    ("(a)(?-1)", "recursion"),
    ("(?<n>a)(?&n)", "recursion"),
    ("(?<n>a)(?P>n)", "recursion"),
    (r"(a)\g<1>", "recursion"),
    ("(a)(?(1)b|c)", "conditions"),
    ("(?C1)a", "callouts"),
    ("(*UTF)a", "verbs"),
    ("a(*ACCEPT)", "verbs"),
    ("(*atomic:a)", "verbs"),
    ("(?*a)", "look-arounds that are gone back into"),
    ("(?<*a)", "look-arounds that are gone back into"),
    (r"(?<=(a)\1)", "references in a look-behind"),
    (r"(?<n>a)(?<n>b)\k<n>", "several groups"),
    ("((a{100}){100}){2}b", "repeats too often"),
    ("(a|b){0}c", "several branches"),
    ("a*(?>(?:b)?)a", "begins with what may be absent"),
    (r"(?=(a)\1){2}", "a repeat of a look-around"),
]


def spans(pattern: bytes, guarded: bool, subject: bytes) -> tuple[tuple[int, int], ...] | None:
    """Return where all groups are found."""
    made = Pattern(pattern, guarded)
    match = made.search(subject)
    return None if match is None else tuple(match.span(group) for group in range(made.groups + 1))


@pytest.mark.parametrize(("written", "spelling", "subject", "wanted"), CONSTRUCTS, ids=[one[0] for one in CONSTRUCTS])
def test_construct(written: str, spelling: bytes, subject: bytes, wanted: tuple[tuple[int, int], ...] | None) -> None:
    """Has the spelling that finds the same."""
    made = translate(written)
    assert made.pattern == b"(?s)" + spelling
    assert not made.guarded
    assert spans(made.pattern, False, subject) == wanted
    assert spans(made.pattern, True, subject) == wanted
    assert made.groups == re.compile(made.pattern).groups
    assert made.source == written


@pytest.mark.parametrize(("written", "spelling", "subject", "wanted"), GUARDED, ids=[one[0] for one in GUARDED])
def test_guarded(written: str, spelling: bytes, subject: bytes, wanted: tuple[tuple[int, int], ...]) -> None:
    """Is not run by `re`."""
    made = translate(written)
    assert made.pattern == b"(?s)" + spelling
    assert made.guarded
    assert made.groups == len(wanted) - 1
    assert spans(made.pattern, True, subject) == wanted


@pytest.mark.parametrize("written", USUAL)
def test_usual_patterns_are_run_by_re(written: str) -> None:
    """They are fast, and find the same."""
    assert not translate(written).guarded
    assert not translate(written, nocase=True).guarded


@pytest.mark.parametrize(("written", "reason", "offset"), INVALID, ids=[one[0] for one in INVALID])
def test_invalid(written: str, reason: str, offset: int) -> None:
    """Is refused in PCRE2's words."""
    with pytest.raises(Invalid) as refused:
        translate(written)
    assert (refused.value.reason, refused.value.offset) == (reason, offset)


@pytest.mark.parametrize(("written", "reason"), UNTRANSLATABLE, ids=[one[0] for one in UNTRANSLATABLE])
def test_untranslatable(written: str, reason: str) -> None:
    """Is refused by us alone, which is said."""
    with pytest.raises(Untranslatable, match=reason) as refused:
        translate(written)
    assert not isinstance(refused.value, Invalid)


def test_names() -> None:
    """Are told with their numbers, in order; one may have several."""
    assert translate("(?<b>x)(y)(?<a>z)|(?<b>w)").names == (("b", 1), ("a", 3), ("b", 4))


def test_nocase() -> None:
    """Concerns ASCII letters only."""
    assert translate("aZ1\u00e4", nocase=True).pattern == rb"(?s)[Aa][Zz]1\xc3\xa4"


def test_octets() -> None:
    """A pattern may be octets, or a str with surrogates for those that are no UTF-8."""
    assert translate(b"\xe4").pattern == rb"(?s)\xe4" == translate("\udce4").pattern
    assert translate(b"\xe4").source == "\udce4"


def test_what_needs_no_parser_becomes_what_the_parser_makes_of_it() -> None:
    chance = random.Random(3)
    pieces = [*"abZ09_/=@,:;%<>!'\".-", r"\."]
    for _ in range(3000):
        plain = "".join(chance.choices(pieces, k=chance.randrange(6)))
        written = f"{chance.choice(('', '^'))}{plain}{chance.choice(('', '(.*)'))}{chance.choice(('', '$'))}"
        assert translate(written) == parsed_and_spelt(written.encode(), False), written
