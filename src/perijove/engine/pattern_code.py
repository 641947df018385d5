r"""From the spelling of a guarded pattern to the instructions of `machine`.

Knows a small part of the spelling of Python's `re`: literal octets, classes of octets and ranges, `.` for any octet,
groups `(` `(?:` `(?>` `(?=` `(?!` `(?<=` `(?<!`, repeats, `\A` `\Z` `\b`, references as `(?:\1)` and `(?i:\1)`; and `\K`
and `(?P<g1>`, which several groups may be called. Must not know how instructions are run, nor where a pattern came from.

Repeats are written out as PCRE2 does (compile_branch in pcre2_compile.c), so that groups keep what they keep there:
`X{2,}` is `XX+`, `X{0,2}` is `(?:X(?:X)?)?`, and a round that found nothing is the last.
"""

from __future__ import annotations

from array import array
from typing import Final, cast

from perijove.engine import KIND

MOST: Final = 20_000  # instructions
# How many steps a search may take. PCRE2's default limit is 10,000,000 calls of its own, about 0.2 s; Apache takes a match
# that comes to it for none (ap_regexec in server/util_pcre.c). A step is smaller than such a call: these take 40 ms compiled,
# and 1 s pure.
STEPS: Final = 10_000_000 if KIND == "compiled" else 2_000_000
DEEPEST: Final = 4  # loops, in each other, that may find nothing and are still remembered

# Instructions: a number, and two operands.
FOUND: Final = 0
OCTET: Final = 1  # x: set
JUMP: Final = 2  # x: where to
SPLIT: Final = 3  # x: where to first; y: where to if that fails
OPEN: Final = 4  # x: group
CLOSE: Final = 5  # x: group
ENTER: Final = 6  # x: register. A round of a loop begins
AGAIN: Final = 7  # x: where a loop's body is; y: register. SPLIT x, next; if the round found nothing, next
AGAIN_LAZY: Final = 8  # the same, next first
START: Final = 9
END: Final = 10
BOUNDARY: Final = 11
BACK: Final = 12  # x: group
BACK_NOCASE: Final = 13  # x: group
KEEP: Final = 14
MARK: Final = 15  # x: mark. What follows is not gone back into
CUT: Final = 16  # x: mark. Up to here
RETURN: Final = 17  # x: mark. As CUT, and back to where it was set
NOT: Final = 18  # x: mark; y: where to if what follows fails
FAIL_TO: Final = 19  # x: mark of a NOT: what followed was found, which fails
STEP_BACK: Final = 20  # x: octets

_WORD: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_ALL: Final = frozenset(range(256))
_LOOKS: Final = {"(?=": (False, False), "(?!": (False, True), "(?<=": (True, False), "(?<!": (True, True)}
_MOST_TIMES: Final = 1 << 30

# A node: its kind, then what that has. Nodes are tuples: they are made once and gone over once.
Node = tuple[object, ...]


class Code:
    """Instructions, and what is known of them."""

    def __init__(self, spelling: bytes) -> None:
        """Make them.

        Raises:
            ValueError: this is no spelling of a guarded pattern, or there would be too many instructions.
        """
        tree, self.groups = _Reading(spelling).whole()
        self.ops = array("i")
        self.x = array("i")
        self.y = array("i")
        self._sets: dict[frozenset[int], int] = {}
        self.registers = 0
        self.marks = 0
        self._loops: list[int] = []  # registers of loops that may find nothing, around this place
        self._unremembered = 0  # look-arounds and the like around this place
        self._remembers = not _has(tree, "back")
        self.memo = array("i")  # for each instruction the first row of what is remembered; -1 is none
        self.flags: list[tuple[int, ...]] = []  # for each instruction the registers that matter there
        self.rows = 0
        self._write(tree)
        self._emit(FOUND)
        self.sets = b"".join(bytes(octet in octets for octet in range(256)) for octets in self._sets)
        self.anchored = _anchored(tree)
        first = _first(tree)
        self.first = None if first is None else bytes(octet in first for octet in range(256))

    def _emit(self, op: int, x: int = 0, y: int = 0) -> int:
        if len(self.ops) >= MOST:
            raise ValueError("the pattern repeats too often to be run with care")
        self.ops.append(op)
        self.x.append(x)
        self.y.append(y)
        row = -1
        flags: tuple[int, ...] = ()
        if op in (SPLIT, AGAIN, AGAIN_LAZY) and self._remembers and not self._unremembered and len(self._loops) <= DEEPEST:
            row = self.rows
            flags = tuple(self._loops)
            self.rows += 1 << len(flags)
        self.memo.append(row)
        self.flags.append(flags)
        return len(self.ops) - 1

    def _write(self, node: Node) -> None:
        match node:
            case ("octets", octets):
                found = cast("frozenset[int]", octets)
                self._emit(OCTET, self._sets.setdefault(found, len(self._sets)))
            case ("sequence", *parts):
                for part in parts:
                    self._write(cast("Node", part))
            case ("choice", *branches):
                self._choice([cast("Node", branch) for branch in branches])
            case ("group", number, body):
                self._emit(OPEN, cast("int", number))
                self._write(cast("Node", body))
                self._emit(CLOSE, cast("int", number))
            case ("repeat", body, low, high, how):
                if how == "+":
                    self._unbroken(("repeat", body, low, high, ""), CUT)
                else:
                    self._repeat(cast("Node", body), cast("int", low), cast("int", high), how == "?")
            case ("atomic", body):
                self._unbroken(cast("Node", body), CUT)
            case ("look", body, behind, negative):
                self._look(cast("Node", body), bool(behind), bool(negative))
            case ("back", number, nocase):
                self._emit(BACK_NOCASE if nocase else BACK, cast("int", number))
            case ("at", op):
                self._emit(cast("int", op))
            case ("at", op, octets):
                self._emit(cast("int", op), cast("int", octets))

    def _choice(self, branches: list[Node]) -> None:
        ends = []
        for branch in branches[:-1]:
            split = self._emit(SPLIT)
            self.x[split] = split + 1
            self._write(branch)
            ends.append(self._emit(JUMP))
            self.y[split] = len(self.ops)
        self._write(branches[-1])
        for end in ends:
            self.x[end] = len(self.ops)

    def _repeat(self, body: Node, low: int, high: int, lazy: bool) -> None:
        endless = high == _MOST_TIMES
        for _ in range(low - 1 if endless else low):
            self._write(body)
        skips = []
        if endless:
            if low == 0:
                skips.append(self._emit(SPLIT))
            self._loop(body, lazy)
        else:
            for _ in range(high - low):
                skips.append(self._emit(SPLIT))
                self._write(body)
        for skip in skips:
            out = len(self.ops)
            self.x[skip], self.y[skip] = (out, skip + 1) if lazy else (skip + 1, out)

    def _loop(self, body: Node, lazy: bool) -> None:
        begin = len(self.ops)
        if not _nullable(body):
            self._write(body)
            end = self._emit(SPLIT)
            self.x[end], self.y[end] = (end + 1, begin) if lazy else (begin, end + 1)
            return
        register = self.registers
        self.registers += 1
        self._emit(ENTER, register)
        self._loops.append(register)
        self._write(body)
        self._loops.pop()
        self._emit(AGAIN_LAZY if lazy else AGAIN, begin, register)

    def _unbroken(self, body: Node, end: int) -> None:
        mark = self.marks
        self.marks += 1
        self._emit(MARK, mark)
        self._unremembered += 1
        self._write(body)
        self._unremembered -= 1
        self._emit(end, mark)

    def _look(self, body: Node, behind: bool, negative: bool) -> None:
        if behind:
            body = ("sequence", ("at", STEP_BACK, _width(body)), body)
        if not negative:
            self._unbroken(body, RETURN)
            return
        mark = self.marks
        self.marks += 1
        begin = self._emit(NOT, mark)
        self._unremembered += 1
        self._write(body)
        self._unremembered -= 1
        self._emit(FAIL_TO, mark)
        self.y[begin] = len(self.ops)


def _parts(node: Node) -> list[Node]:
    return [cast("Node", part) for part in node[1:] if isinstance(part, tuple)]


def _has(node: Node, kind: str) -> bool:
    return node[0] == kind or any(_has(part, kind) for part in _parts(node))


def _nullable(node: Node) -> bool:
    match node[0]:
        case "octets":
            return False
        case "choice":
            return any(_nullable(part) for part in _parts(node))
        case "sequence" | "group" | "atomic":
            return all(_nullable(part) for part in _parts(node))
        case "repeat":
            return node[2] == 0 or _nullable(_parts(node)[0])
    return True


def _width(node: Node) -> int:
    match node[0]:
        case "octets":
            return 1
        case "choice":
            return _width(_parts(node)[0])
        case "sequence" | "group" | "atomic":
            return sum(_width(part) for part in _parts(node))
        case "repeat":
            return cast("int", node[2]) * _width(_parts(node)[0])
    return 0


def _anchored(node: Node) -> bool:
    match node[0]:
        case "at":
            return node[1] == START
        case "choice":
            return all(_anchored(part) for part in _parts(node))
        case "sequence":
            parts = _parts(node)
            return bool(parts) and _anchored(parts[0])
        case "group" | "atomic":
            return _anchored(_parts(node)[0])
    return False


def _first(node: Node) -> frozenset[int] | None:
    """Return the octets that what is found can begin with; None if it may be nothing, or is not known."""
    match node[0]:
        case "octets":
            return cast("frozenset[int]", node[1])
        case "choice":
            found: frozenset[int] = frozenset()
            for part in _parts(node):
                one = _first(part)
                if one is None:
                    return None
                found |= one
            return found
        case "sequence":
            before: frozenset[int] = frozenset()
            for part in _parts(node):
                one = _beginning(part)
                if one is None:
                    return None
                before |= one
                if not _nullable(part):
                    return before
            return None
        case "group" | "atomic":
            return _first(_parts(node)[0])
        case "repeat":
            return _first(_parts(node)[0]) if node[2] else None
    return None


def _beginning(node: Node) -> frozenset[int] | None:
    """Return the octets that a part can begin with if it is not nothing."""
    if node[0] in ("at", "look"):
        return frozenset()
    if node[0] == "repeat":
        return _beginning(_parts(node)[0])
    return _first(node)


class _Reading:
    """A spelling that is being read."""

    def __init__(self, spelling: bytes) -> None:
        self.text = spelling.decode("latin-1")
        self.at = 0
        self.groups = 0

    def whole(self) -> tuple[Node, int]:
        """Read all of it; return the tree and the number of groups."""
        self.take("(?s)")
        tree = self.alternatives()
        if self.at != len(self.text):
            raise self.refuse()
        return tree, self.groups

    def refuse(self) -> ValueError:
        """Return what to raise for this place."""
        return ValueError(f"cannot run {self.text!r}: it is not understood at {self.at}")

    def take(self, text: str) -> bool:
        """Read a text if it comes next."""
        if not self.text.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def alternatives(self) -> Node:
        """Read branches up to `)` or the end."""
        branches: list[Node] = [self.branch()]
        while self.take("|"):
            branches.append(self.branch())
        return branches[0] if len(branches) == 1 else ("choice", *branches)

    def branch(self) -> Node:
        """Read items up to `|`, `)` or the end."""
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self.repeated(self.item()))
        return parts[0] if len(parts) == 1 else ("sequence", *parts)

    def repeated(self, item: Node) -> Node:
        """Read the quantifier behind an item, if there is one."""
        if self.take("*"):
            low, high = 0, _MOST_TIMES
        elif self.take("+"):
            low, high = 1, _MOST_TIMES
        elif self.take("?"):
            low, high = 0, 1
        elif self.take("{"):
            end = self.text.index("}", self.at)
            first, comma, second = self.text[self.at : end].partition(",")
            self.at = end + 1
            low = int(first)
            high = low if not comma else int(second) if second else _MOST_TIMES
        else:
            return item
        how = "?" if self.take("?") else "+" if self.take("+") else ""
        return ("repeat", item, low, high, how)

    def item(self) -> Node:
        """Read one item."""
        for text, (behind, negative) in _LOOKS.items():
            if self.take(text):
                return ("look", self.closed(), behind, negative)
        if self.take("(?i:\\"):
            number = self.number()
            self.end()
            return ("back", number, True)
        if self.take("(?:"):
            return ("sequence", self.closed())
        if self.take("(?>"):
            return ("atomic", self.closed())
        if self.take("(?P<g"):
            number = self.number()
            if not self.take(">"):
                raise self.refuse()
            self.groups = max(self.groups, number)
            return ("group", number, self.closed())
        if self.text.startswith("(?", self.at):
            raise self.refuse()
        if self.take("("):
            self.groups += 1
            number = self.groups
            return ("group", number, self.closed())
        if self.take("."):
            return ("octets", _ALL)
        if self.take("["):
            return ("octets", self.octets())
        for text, op in (("\\A", START), ("\\Z", END), ("\\b", BOUNDARY), ("\\K", KEEP)):
            if self.take(text):
                return ("at", op)
        if self.text.startswith("\\", self.at) and self.text[self.at + 1 : self.at + 2].isdecimal():
            self.at += 1
            return ("back", self.number(), False)
        if self.text[self.at] in "*+?{":
            raise self.refuse()
        return ("octets", frozenset((self.octet(),)))

    def closed(self) -> Node:
        """Read the rest of a group."""
        found = self.alternatives()
        self.end()
        return found

    def end(self) -> None:
        """Read the end of a group."""
        if not self.take(")"):
            raise self.refuse()

    def number(self) -> int:
        """Read a number."""
        start = self.at
        while self.text[self.at : self.at + 1].isdecimal():
            self.at += 1
        if self.at == start:
            raise self.refuse()
        return int(self.text[start : self.at])

    def octet(self) -> int:
        """Read an octet, escaped or not."""
        if self.take("\\x"):
            self.at += 2
            return int(self.text[self.at - 2 : self.at], 16)
        if self.take("\\n"):
            return 10
        if self.take("\\") and (not self.text[self.at : self.at + 1] or self.text[self.at].isalnum()):
            raise self.refuse()
        self.at += 1
        return ord(self.text[self.at - 1])

    def octets(self) -> frozenset[int]:
        """Read a class behind its `[`."""
        negative = self.take("^")
        found: set[int] = set()
        while not self.take("]"):
            if self.at >= len(self.text):
                raise self.refuse()
            first = self.octet()
            last = self.octet() if self.take("-") else first
            found.update(range(first, last + 1))
        return _ALL - found if negative else frozenset(found)
