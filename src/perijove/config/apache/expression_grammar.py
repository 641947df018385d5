"""Apache's expressions as they are written: a parser, which gives a tree.

Knows the grammar of ap_expr (httpd 2.4: server/util_expr_parse.y, and util_expr_scan.l within strings) and its words for what is wrong.
Must not know what variables and functions there are, nor what any of them mean.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache.expression_scanner import Scanner
from perijove.config.apache.expression_tree import (
    Binary,
    Both,
    Called,
    Compared,
    ExpressionError,
    Found,
    Group,
    Joined,
    Listed,
    Literal,
    Name,
    Negated,
    OneOf,
    Tree,
    Truth,
    Unary,
    Word,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.gateway.conditions import Pattern

COMPARISONS: Final = frozenset(f"T_OP_{kind}{one}" for kind in ("", "STR_") for one in ("EQ", "NE", "LT", "LE", "GT", "GE"))
_name: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*").match
_octal: Final = re.compile(r"[0-7]{1,3}").match
_digits: Final = re.compile(r"[0-9]+").match
_ESCAPES: Final = {"n": b"\n", "r": b"\r", "t": b"\t", "b": b"\b", "f": b"\f"}


def condition_of(text: str, compile_pattern: Callable[[str, bool, int], Pattern]) -> Tree:
    """Return the tree of a condition.

    Args:
        text: as it is written.
        compile_pattern: makes a regular expression: of its text, whether case does not count, and where it stands. A complaint
            of it comes before those of what follows.

    Raises:
        ExpressionError: it is none.
    """
    parser = _Parser(text, compile_pattern)
    tree = parser.either()
    parser.expect("$end")
    return tree


def text_of(text: str) -> Word:
    """Return the tree of a text.

    Raises:
        ExpressionError: it is none.
    """
    parser = _Parser(text)
    parts = parser.parts("")
    if not parts:
        return Literal(b"")
    return parts[0] if len(parts) == 1 else Joined(tuple(parts))


class _Parser(Scanner):
    """A text that is being read."""

    def __init__(self, text: str, compile_pattern: Callable[[str, bool, int], Pattern] | None = None) -> None:
        super().__init__(text)
        self.compile_pattern = compile_pattern

    # ------------------------------------------------------------------ conditions

    def either(self) -> Tree:
        """cond: cond || cond"""
        parts = [self.both()]
        while self.token.kind == "T_OP_OR":
            self.take()
            parts.append(self.both())
        tree = parts.pop()
        while parts:
            tree = OneOf(parts.pop(), tree)
        return tree

    def both(self) -> Tree:
        """cond: cond && cond"""
        parts = [self.negation()]
        while self.token.kind == "T_OP_AND":
            self.take()
            parts.append(self.negation())
        tree = parts.pop()
        while parts:
            tree = Both(parts.pop(), tree)
        return tree

    def negation(self) -> Tree:
        """cond: ! cond"""
        negative = False
        while self.token.kind == "T_OP_NOT":
            self.take()
            negative = not negative
        tree = self.simple()
        return Negated(tree) if negative else tree

    def simple(self) -> Tree:
        """cond: true, false, (cond), -X word, word -op word, comp"""
        kind = self.token.kind
        if kind == "T_ERROR":
            raise ExpressionError(self.token.text, self.token.at)
        if kind in ("T_TRUE", "T_FALSE"):
            return Truth(self.take().kind == "T_TRUE")
        if kind == "'('":
            self.deeper()
            self.take()
            tree = self.either()
            self.expect("')'")
            self.depth -= 1
            return tree
        if kind == "T_OP_UNARY":
            operator = self.take()
            return Unary(operator.text, self.word(), operator.at)
        left = self.word()
        operator = self.token
        if operator.kind in COMPARISONS:
            self.take()
            return Compared(left, operator.kind, self.word())
        if operator.kind == "T_OP_BINARY":
            self.take()
            return Binary(operator.text, left, self.word(), operator.at)
        if operator.kind in ("T_OP_REG", "T_OP_NRE"):
            self.take()
            if self.token.kind not in ("T_REGEX", "T_REGEX_I"):
                raise self.unexpected()
            regex = self.take()
            assert self.compile_pattern is not None
            found = Found(left, self.compile_pattern(regex.text, regex.kind == "T_REGEX_I", regex.at))
            return found if operator.kind == "T_OP_REG" else Negated(found)
        if operator.kind == "T_OP_IN":
            self.take()
            return self.listed(left)
        raise self.unexpected()

    def listed(self, left: Word) -> Listed:
        """wordlist: { words } or a function that returns a list, of which httpd has none."""
        if self.token.kind == "T_ID":
            function = self.take()
            self.expect("'('")
            self.word()
            self.expect("')'")
            raise ExpressionError(f"List-returning function '{function.text}' does not exist", function.at)
        self.expect("'{'")
        words = [self.word()]
        while self.token.kind == "','":
            self.take()
            words.append(self.word())
        self.expect("'}'")
        return Listed(left, tuple(words))

    # ------------------------------------------------------------------ texts

    def word(self) -> Word:
        """word: word . word"""
        parts = [self.single()]
        while self.token.kind == "T_OP_CONCAT":
            self.take()
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else Joined(tuple(parts))

    def single(self) -> Word:
        """word: a number, a string, a variable, a group, a function"""
        token = self.token
        match token.kind:
            case "T_DIGIT":
                return Literal(self.take().text.encode())
            case "T_REGEX_BACKREF":
                return Group(int(self.take().text))
            case "T_STR_BEGIN":
                self.take()
                parts = self.parts(token.text)
                return Literal(b"") if not parts else parts[0] if len(parts) == 1 else Joined(tuple(parts))
            case "T_VAR_BEGIN":
                self.take()
                return self.variable()
            case "T_ID":
                self.deeper()
                self.take()
                self.expect("'('")
                argument = self.word()
                self.expect("')'")
                self.depth -= 1
                return Called(token.text, argument, token.at)
        raise self.unexpected()

    def parts(self, end: str) -> list[Word]:
        """string: what stands up to a quote, up to a brace, or up to the end of the text."""
        parts: list[Word] = []
        octets = bytearray()
        text = self.text

        def flush() -> None:
            if octets:
                # What the scanner collects is a C string: it ends at the first NUL.
                parts.append(Literal(bytes(octets).partition(b"\0")[0]))
                octets.clear()

        while True:
            at = self.at
            mark = text[at : at + 1]
            if not mark or mark == "\n":
                if not mark and not end:
                    break
                raise self.broken("Unterminated string or variable", at, parts)
            if mark == end:
                self.at += 1
                break
            if end == "}" and mark in "\"'":
                raise ExpressionError("flex scanner jammed", at)  # Apache ends with these words
            if mark == "\\" and at + 1 < len(text):
                octets += self.escaped(at)
            elif mark == "$" and text[at + 1 : at + 2] in tuple("0123456789"):
                flush()
                parts.append(Group(int(text[at + 1])))
                self.at += 2
            elif text.startswith("%{", at):
                flush()
                self.at += 2
                parts.append(self.variable())
            else:
                octets += mark.encode("utf-8", "surrogateescape")
                self.at += 1
        flush()
        return parts

    def broken(self, message: str, at: int, begun: object) -> ExpressionError:
        """Return what is said of a string: bison speaks too, where the grammar has no place for an error."""
        return ExpressionError(message if not begun else f"syntax error, unexpected T_ERROR: {message}", at)

    def escaped(self, at: int) -> bytes:
        """Read what follows a backslash."""
        octal = _octal(self.text, at + 1)
        digits = _digits(self.text, at + 1)
        if octal is not None and digits is not None and octal.end() >= min(digits.end(), at + 4):
            value = int(octal[0], 8)
            if value > 0xFF:
                raise ExpressionError("Escape sequence out of bound", at)
            self.at = octal.end()
            return bytes((value,))
        if digits is not None:
            raise ExpressionError("Bad escape sequence", at)
        self.at = at + 2
        mark = self.text[at + 1]
        return _ESCAPES.get(mark) or mark.encode("utf-8", "surrogateescape")

    def variable(self) -> Word:
        """var: %{NAME} or %{function:text}, behind its bracket"""
        at = self.at
        found = _name(self.text, at)
        if found is None:
            raise self.no_name(at, "T_ERROR")
        self.at = found.end()
        mark = self.text[self.at : self.at + 1]
        if mark == "}":
            self.at += 1
            return Name(found[0], at)
        if mark != ":":
            raise self.no_name(self.at, "T_ERROR")
        self.at += 1
        self.deeper()
        parts = self.parts("}")
        self.depth -= 1
        if not parts:
            raise ExpressionError("syntax error, unexpected T_VAR_END", self.at - 1)
        return Called(found[0], parts[0] if len(parts) == 1 else Joined(tuple(parts)), at)

    def no_name(self, at: int, kind: str) -> ExpressionError:
        """Return what is said where a name should go on or end."""
        mark = self.text[at : at + 1]
        if mark == "}":
            return ExpressionError("syntax error, unexpected T_VAR_END", at)
        if mark == ":":
            return ExpressionError("syntax error, unexpected ':'", at)
        said = "Unterminated string or variable" if mark in ("", "\n") else f"Invalid character in variable name '{mark}'"
        return ExpressionError(f"syntax error, unexpected {kind}: {said}", at)
