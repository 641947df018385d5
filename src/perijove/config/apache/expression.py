"""Apache's expressions (ap_expr), as conditions and texts.

Knows what the parts of an expression's tree mean (httpd 2.4: server/util_expr_eval.c). Must not know how one is spelt
(`expression_grammar`), nor what directive it stands in, but for the words that this puts before a complaint.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache import expression_grammar as grammar
from perijove.config.apache import expression_names as names
from perijove.config.apache import expression_tree as tree
from perijove.config.apache import glob
from perijove.config.apache.expression_tree import ExpressionError
from perijove.config.apache.words import octets
from perijove.gateway.conditions import (
    All,
    Always,
    Any,
    Apart,
    Compares,
    Comparison,
    Condition,
    Disk,
    Groups,
    Matches,
    Never,
    Not,
    NotEmpty,
    OnDisk,
    Pattern,
    Within,
)
from perijove.gateway.templates import Capture, Template, Variable
from perijove.text.source import Span

if TYPE_CHECKING:
    from perijove.config.apache.scope import Scope
    from perijove.gateway.conditions import Network

# AP_EXPR_MAX_RECURSION: Apache evaluates no deeper, complains in its log and goes on in one way or another.
_RECURSION: Final = 20
_COMPARISONS: Final = {
    "T_OP_EQ": (Comparison.NUMBERS_SAME, False),
    "T_OP_NE": (Comparison.NUMBERS_SAME, True),
    "T_OP_LT": (Comparison.NUMBERS_LESS, False),
    "T_OP_GE": (Comparison.NUMBERS_LESS, True),
    "T_OP_GT": (Comparison.NUMBERS_MORE, False),
    "T_OP_LE": (Comparison.NUMBERS_MORE, True),
    "T_OP_STR_EQ": (Comparison.SAME, False),
    "T_OP_STR_NE": (Comparison.SAME, True),
    "T_OP_STR_LT": (Comparison.LESS, False),
    "T_OP_STR_GE": (Comparison.LESS, True),
    "T_OP_STR_GT": (Comparison.MORE, False),
    "T_OP_STR_LE": (Comparison.MORE, True),
}
_DISK: Final = {
    "d": Disk.DIRECTORY,
    "e": Disk.ANYTHING,
    "f": Disk.FILE,
    "s": Disk.FILLED,
    "L": Disk.LINK,
    "h": Disk.LINK,
    "x": Disk.EXECUTABLE,
}
_FALSE: Final = (b"", b"0", b"off", b"no", b"false")


def condition(
    text: str,
    span: Span,
    scope: Scope,
    says: str = "Cannot parse condition clause: ",
    groups: Groups = Groups.FORGOTTEN,
    texts: bool = False,
) -> Condition | None:
    """Return what a condition means, or None after an error was told.

    Args:
        text: the expression, without the quotes around it.
        span: where it stands.
        scope: where its directive stands.
        says: what httpd puts before a complaint.
        groups: what becomes of the groups that its patterns find.
        texts: `eq`, `lt` and their like compare texts, as SSLRequire has it, not numbers.
    """
    try:
        return condition_of(text, scope, groups, texts)
    except ExpressionError as error:
        _tell(error, text, span, scope, says)
        return None


def template(text: str, span: Span, scope: Scope, says: str = "Can't parse value expression : ") -> Template | None:
    """Return what a text means, or None after an error was told. The arguments are those of `condition`."""
    try:
        return _text(_Depth(0).of_word(grammar.text_of(text)), scope, groups=False)
    except ExpressionError as error:
        _tell(error, text, span, scope, says)
        return None


_fields: Final = re.compile(r"(?i)\b(?:req|http)(?::([^}\s]+)|\(\s*['\"]([^'\"]+))|%\{HTTP_([A-Z_]+)\}")


def fields_asked(text: str) -> list[bytes]:
    """Return the names of the request's fields that an expression asks for, but for Host: virtual hosts are no variants (add_vary)."""
    names = [octets(one[1] or one[2] or one[3].replace("_", "-").title()) for one in _fields.finditer(text)]
    return [name for name in names if name.lower() != b"host"]


def unquoted(text: str) -> str:
    """Return the rest of a line without the quotes around all of it (Require expr)."""
    text = text.strip()
    if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
        inside = text[1:-1]
        plain = inside.replace("\\\\", "").replace("\\" + text[0], "")
        if text[0] not in plain:
            return inside.replace("\\" + text[0], text[0]).replace("\\\\", "\\")
    return text


def condition_of(text: str, scope: Scope, groups: Groups = Groups.FORGOTTEN, texts: bool = False) -> Condition:
    """Return what a condition means.

    Raises:
        ExpressionError: it means nothing, or cannot be emulated.
    """
    parsed = grammar.condition_of(text, translated)
    _Depth(0).of(parsed)
    lowering = _Lowering(scope, texts)
    found = lowering.condition(parsed)
    return Apart(found, groups) if lowering.grouped else found


def _tell(error: ExpressionError, text: str, span: Span, scope: Scope, says: str) -> None:
    line = span.source.line(span.line)
    begin = line.find(text, span.column - 1) if text else -1
    where = span if begin < 0 else Span(span.source, span.line, begin + error.offset + 1)
    own = "" if error.name.startswith("not-emulated") else says
    message = f"{own}{error.message} (at character {error.offset + 1} of the expression)"
    scope.error(error.name, message, where, error.help or _help(error.message))


def _help(message: str) -> str:
    """Return what to type instead of what httpd's parser has stumbled over."""
    named = re.search(r"(Variable|Function|operator) '-?(.*)' does not exist", message)
    if named is None:
        return next((said for begin, said in _HELP.items() if begin in message), "")
    if named[1] == "operator":
        return "operators are `==`, `!=`, `=~`, `-eq`, `-in` and their like"
    function = named[1] == "Function"
    near = names.nearest(named[2], function=function)
    if near:
        return f"the nearest name is `{near}`"
    return "" if function else "a field of the request is `%{HTTP:NAME}`, a variable `%{ENV:NAME}`"


# What the parser says, and what is mostly meant by it.
_HELP: Final = {
    "Unterminated string or variable": "close `%{NAME}` by `}`, and what begins with a quote by the same quote",
    "Invalid character in variable name": "a variable is `%{NAME}` or `%{HTTP:FIELD}`, without spaces",
    "unexpected T_OP_STR_EQ": "compare by `==`, one time: `%{HTTP_HOST} == 'hub.example.org'`",
    "expecting T_REGEX": "a pattern stands between slashes: `%{REQUEST_URI} =~ m#^/user/#`",
    "unexpected $end": "something is missing at the end: compare with `== 'TEXT'`, or close the parenthesis",
    "unexpected T_ID": "put texts into single quotes: `%{HTTP_HOST} == 'hub.example.org'`",
}


class _Depth:
    """Counts how deep Apache would go into a tree; what it would give up on is refused."""

    def __init__(self, level: int) -> None:
        self.level = level

    def of(self, node: tree.Tree) -> tree.Tree:
        """Count a condition (ap_expr_eval): each call is a level, but negations and what stands on the right are none."""
        level = self.level + 1
        self._check(level)
        inner = _Depth(level)
        while isinstance(node, tree.Negated | tree.OneOf | tree.Both):
            if isinstance(node, tree.Negated):
                node = node.of
            else:
                inner.of(node.left)
                node = node.right
        match node:
            case tree.Compared(left, _, right) | tree.Binary(_, left, right):
                inner.of_word(left)
                inner.of_word(right)
            case tree.Found(subject) | tree.Unary(_, subject):
                inner.of_word(subject)
            case tree.Listed(subject, words):
                for one in (subject, *words):
                    inner.of_word(one)
        return node

    def of_word(self, word: tree.Word) -> tree.Word:
        """Count a text (ap_expr_eval_word)."""
        level = self.level
        at = word
        while isinstance(at, tree.Called):
            level += 1
            self._check(level)
            at = at.argument
        self._check(level + 1)
        if isinstance(at, tree.Joined):
            for part in at.parts:
                _Depth(level + 1).of_word(part)
        return word

    def _check(self, level: int) -> None:
        if level > _RECURSION:
            raise ExpressionError(
                f"Recursion limit reached: Apache evaluates {_RECURSION} levels, and then goes on as if nothing was asked",
                0,
                "not-emulated-expression",
                "ask less in one expression: use a list, as in `… in { 'a', 'b' }`, or a regular expression",
            )


class _Lowering:
    """Says what a tree means."""

    def __init__(self, scope: Scope, texts: bool = False) -> None:
        self.scope = scope
        self.texts = texts
        self.grouped = False  # whether a pattern has groups, or a text asks for one

    def condition(self, node: tree.Tree) -> Condition:
        """Return what a condition means."""
        match node:
            case tree.Truth(value):
                return Always() if value else Never()
            case tree.Negated(of):
                return Not(self.condition(of))
            case tree.OneOf():
                return Any(self.spine(node, tree.OneOf))
            case tree.Both():
                return All(self.spine(node, tree.Both))
            case tree.Compared(left, operator, right):
                how, contrary = _COMPARISONS[f"T_OP_STR_{operator[-2:]}" if self.texts else operator]
                compares = Compares(self.text(left), how, self.text(right))
                return Not(compares) if contrary else compares
            case tree.Listed(subject, words):
                one = self.text(subject)
                return Any(tuple(Compares(one, Comparison.SAME, self.text(word)) for word in words))
            case tree.Found(subject, pattern):
                self.grouped = self.grouped or pattern.groups > 0
                return Matches(self.text(subject), pattern, captures=pattern.groups > 0)
            case tree.Unary():
                return self.unary(node)
            case tree.Binary():
                return self.binary(node)

    def spine(self, node: tree.Tree, kind: type[tree.OneOf] | type[tree.Both]) -> tuple[Condition, ...]:
        """Return the operands of operators that follow each other."""
        parts: list[tree.Tree] = []
        while isinstance(node, kind):
            parts.append(node.left)
            node = node.right
        return tuple(self.condition(one) for one in (*parts, node))

    def unary(self, node: tree.Unary) -> Condition:
        """Return what -X means."""
        name = node.name
        if name in _DISK:
            return OnDisk(self.text(node.argument), _DISK[name])
        if name in ("F", "U", "A"):
            raise ExpressionError(
                f"-{name} is not emulated",
                node.at,
                "not-emulated-expression",
                "it asks Apache itself what a request would give",
            )
        if name == "R":
            return Within((Variable.CLIENT_IP,), (self.network(name, node.argument, node.at),))
        argument = self.text(node.argument)
        match name:
            case "n":
                return NotEmpty(argument)
            case "z":
                return Not(NotEmpty(argument))
            case "T":
                return Not(Any(tuple(Compares(argument, Comparison.SAME_FOLDED, (one,)) for one in _FALSE)))
        raise ExpressionError(f"Unary operator '-{name}' does not exist", node.at)

    def binary(self, node: tree.Binary) -> Condition:
        """Return what -name means. Case does not count."""
        name = node.name.lower()
        if name == "ipmatch":
            return Within(self.text(node.left), (self.network(node.name, node.right, node.at),))
        if name not in ("strmatch", "strcmatch", "fnmatch"):
            raise ExpressionError(f"Binary operator '-{node.name}' does not exist", node.at)
        wanted = self.text(node.right)
        if not _is_literal(wanted):
            raise ExpressionError(
                f"-{node.name} with a pattern that is made of the request is not emulated",
                node.at,
                "not-emulated-expression",
                "write the pattern, or compare with ==",
            )
        octets = _literal(wanted)
        pattern = glob.pattern_of(octets, pathname=name == "fnmatch", nocase=name == "strcmatch")
        return Matches(self.text(node.left), Pattern(pattern, 0, False, octets.decode("utf-8", "surrogateescape")))

    def network(self, name: str, word: tree.Word, at: int) -> Network:
        """Return the network that a text names (subnet_parse_arg)."""
        if not isinstance(word, tree.Literal):
            raise ExpressionError(f"-{name} requires subnet/netmask as constant argument", at)
        text = word.octets.decode("latin-1")
        found = subnet(text)
        if found is None and re.fullmatch(r"[0-9.]+/[0-9]+(\.[0-9]+){3}", text):
            raise ExpressionError(
                f"'{text}' is not emulated", at, "not-emulated-expression", "write a mask whose ones stand before its zeros"
            )
        if found is None:
            raise ExpressionError("parsing of subnet/netmask failed", at)
        return found

    def text(self, word: tree.Word) -> Template:
        """Return what a text means."""
        found = _text(word, self.scope)
        self.grouped = self.grouped or _asks_for_group(word)
        return found


def _text(word: tree.Word, scope: Scope, groups: bool = True) -> Template:
    """Return what a text means; without `groups` there is no pattern whose groups `$1` could be (ap_expr_str_exec)."""
    match word:
        case tree.Literal(octets):
            return (octets,) if octets else ()
        case tree.Name(name, at):
            return names.variable(name, at, scope)
        case tree.Called(name, argument, at):
            return names.called(name, _text(argument, scope, groups), at)
        case tree.Group(number):
            return (Capture(number),) if groups else ()
        case tree.Joined(parts):
            return tuple(one for part in parts for one in _text(part, scope, groups))


def _asks_for_group(word: tree.Word) -> bool:
    match word:
        case tree.Group():
            return True
        case tree.Called(_, argument):
            return _asks_for_group(argument)
        case tree.Joined(parts):
            return any(_asks_for_group(part) for part in parts)
    return False


def _is_literal(text: Template) -> bool:
    return all(isinstance(part, bytes) for part in text)


def _literal(text: Template) -> bytes:
    return b"".join(part for part in text if isinstance(part, bytes))


def translated(pattern: str, nocase: bool, at: int) -> Pattern:
    """Return a regular expression.

    Raises:
        ExpressionError: it is none, or cannot be emulated.
    """
    from perijove.config.apache.regex import Invalid, Untranslatable, translate

    try:
        found = translate(pattern, nocase)
    except Invalid as error:
        raise ExpressionError(f"Failed to compile regular expression: {error}", at) from error
    except Untranslatable as error:
        raise ExpressionError(str(error), at, "not-emulated-expression") from error
    return Pattern(found.pattern, found.groups, found.guarded, pattern)


def subnet(text: str) -> Network | None:
    """Return the network that a text names, as apr_ipsubnet_create does: whole, in part (`10.1`), or with a mask."""
    address, slash, mask = text.partition("/")
    if not slash and ":" not in address:
        parts = address.removesuffix(".").split(".")
        if not 1 <= len(parts) <= 4 or not all(part.isascii() and part.isdigit() and int(part) < 256 for part in parts):
            return None
        whole = ".".join([*(str(int(part)) for part in parts), *["0"] * (4 - len(parts))])
        return ipaddress.IPv4Network(f"{whole}/{8 * len(parts)}")
    try:
        its = ipaddress.ip_address(address)
        if isinstance(its, ipaddress.IPv6Address) and its.ipv4_mapped:
            return None
        if not slash:
            return ipaddress.ip_network(its)
        if mask.isascii() and mask.isdigit() and int(mask) == 0:
            return None
        return ipaddress.ip_network(f"{address}/{mask}", strict=False)
    except ValueError:
        return None


__all__ = ["ExpressionError", "condition", "condition_of", "subnet", "template", "translated", "unquoted"]
