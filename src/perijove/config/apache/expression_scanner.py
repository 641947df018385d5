"""Apache's expressions as tokens.

Knows the scanner of ap_expr (httpd 2.4: server/util_expr_scan.l), but for what is in strings, and its words for what is wrong. Must not
know which token may follow which.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from perijove.config.apache.expression_tree import ExpressionError

_DEEPEST: Final = 100  # parentheses and calls within each other: far beyond what Apache would evaluate
_WORDS: Final = {
    "true": "T_TRUE", "false": "T_FALSE", "and": "T_OP_AND", "or": "T_OP_OR", "not": "T_OP_NOT", "in": "T_OP_IN",
    "eq": "T_OP_EQ", "ne": "T_OP_NE", "lt": "T_OP_LT", "le": "T_OP_LE", "gt": "T_OP_GT", "ge": "T_OP_GE",
}  # fmt: skip
_MARKS: Final = {
    "==": "T_OP_STR_EQ", "=": "T_OP_STR_EQ", "!=": "T_OP_STR_NE", "<": "T_OP_STR_LT", "<=": "T_OP_STR_LE",
    ">": "T_OP_STR_GT", ">=": "T_OP_STR_GE", "=~": "T_OP_REG", "!~": "T_OP_NRE", "&&": "T_OP_AND", "||": "T_OP_OR",
    "!": "T_OP_NOT", ".": "T_OP_CONCAT", "%{": "T_VAR_BEGIN", "'": "T_STR_BEGIN", '"': "T_STR_BEGIN",
}  # fmt: skip
_SEPARATORS: Final = "/#$%^|,;:_?!'\".-"
_token: Final = re.compile(
    r"(?P<mark>==|!=|<=|>=|=~|!~|&&|\|\||%\{|[=<>!.'\"])|(?P<char>[(){},:])|(?P<group>\$[0-9])|(?P<digit>-?[0-9]+)"
    r"|(?P<binary>-[A-Za-z_][A-Za-z_0-9]+)|(?P<unary>-[A-Za-z_])|(?P<word>[A-Za-z][A-Za-z0-9_]*)"
).match


@dataclass(frozen=True, slots=True)
class Token:
    """A token by httpd's name for it."""

    kind: str
    text: str
    at: int


class Scanner:
    """Goes through a text. `at` is behind `token`, which is looked at next."""

    def __init__(self, text: str) -> None:
        self.text = text.partition("\0")[0]
        self.at = 0
        self.depth = 0
        self.found: Token | None = None

    @property
    def token(self) -> Token:
        """The token that is looked at."""
        if self.found is None:
            self.found = self.scan()
        return self.found

    def take(self) -> Token:
        """Return it, and go on."""
        found = self.token
        self.found = None
        return found

    def scan(self) -> Token:
        """Read a token."""
        while self.text[self.at : self.at + 1] in (" ", "\t", "\n") and self.at < len(self.text):
            self.at += 1
        start = self.at
        if start == len(self.text):
            return Token("$end", "", start)
        if self.text[start] == "/":
            return self.pattern(start, start + 1)
        found = _token(self.text, start)
        if found is None:
            self.at += 1
            return Token("T_ERROR", f"Parse error near '{self.text[start]}'", start)
        kind, word = found.lastgroup, found[0]
        # `m_` is a name of two letters as well: what comes first in the scanner wins when both are as long.
        if kind == "word" and word[0] == "m" and len(word) <= 2 and self.text[start + 1 : start + 2] in tuple(_SEPARATORS):
            return self.pattern(start, start + 2)
        self.at = found.end()
        if kind == "mark":
            return Token(_MARKS[word], word, start)
        if kind == "char":
            return Token(f"'{word}'", word, start)
        if kind == "group":
            return Token("T_REGEX_BACKREF", word[1:], start)
        if kind == "digit":
            return Token("T_DIGIT", word, start)
        if kind == "unary":
            return Token("T_OP_UNARY", word[1:], start)
        if kind == "binary":
            fixed = _WORDS.get(word[1:], "")
            is_fixed = fixed.startswith("T_OP_") and word[1:] not in ("and", "or", "not")
            return Token(fixed if is_fixed else "T_OP_BINARY", word[1:], start)
        return Token(_WORDS.get(word, "T_ID"), word, start)

    def pattern(self, start: int, begin: int) -> Token:
        """Read a regular expression up to the separator that began it, and its flag; nothing escapes a separator."""
        end = self.text.find(self.text[begin - 1], begin)
        if end < 0:
            raise ExpressionError("syntax error, unexpected $end", len(self.text))
        self.at = end + 1
        kind = "T_REGEX"
        if self.text[self.at : self.at + 1] == "i":
            self.at += 1
            kind = "T_REGEX_I"
        return Token(kind, self.text[begin:end], begin)

    def expect(self, kind: str) -> Token:
        """Take a token of this kind."""
        if self.token.kind != kind:
            raise self.unexpected()
        return self.take()

    def unexpected(self) -> ExpressionError:
        """Return what is said of the token, in bison's words."""
        said = f": {self.token.text}" if self.token.kind == "T_ERROR" else ""
        return ExpressionError(f"syntax error, unexpected {self.token.kind}{said}", self.token.at)

    def deeper(self) -> None:
        """Count parentheses and calls."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ExpressionError("it is nested too deeply to be emulated", self.at, "not-emulated-expression")
