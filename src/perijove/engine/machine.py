"""Runs guarded patterns: goes back as PCRE2 does, in the same order, but never twice from the same place for the same end.

Knows the instructions of `pattern_code`. Must not know how they were spelt.

What a place in the pattern and one in the subject lead to does not depend on how they were reached, unless the pattern
refers to groups, or the place is in a look-around or an atomic group. So what failed once is remembered, and fails at
once: time and memory are in proportion to the subject's length times the pattern's. That a round of a loop which finds
nothing is the loop's last does depend on how it was reached; there the place counts twice. (Bit-state search: RE2's
bitstate.cc; Davis, Servant and Lee, "Using selective memoization to defeat regular expression denial of service", 2021.)
What cannot be remembered is bounded by `STEPS` alone.
"""

from __future__ import annotations

from array import array
from typing import Final

from perijove.engine import pattern_code as code

_STEPS: Final = code.STEPS
_DEEPEST: Final = 4_000_000  # numbers that the stack may hold
_ROOM: Final = 1024  # numbers that it holds between searches

FOUND: Final = code.FOUND
OCTET: Final = code.OCTET
JUMP: Final = code.JUMP
SPLIT: Final = code.SPLIT
OPEN: Final = code.OPEN
CLOSE: Final = code.CLOSE
ENTER: Final = code.ENTER
AGAIN: Final = code.AGAIN
AGAIN_LAZY: Final = code.AGAIN_LAZY
START: Final = code.START
END: Final = code.END
BOUNDARY: Final = code.BOUNDARY
BACK: Final = code.BACK
BACK_NOCASE: Final = code.BACK_NOCASE
KEEP: Final = code.KEEP
MARK: Final = code.MARK
CUT: Final = code.CUT
RETURN: Final = code.RETURN
NOT: Final = code.NOT
FAIL_TO: Final = code.FAIL_TO
STEP_BACK: Final = code.STEP_BACK


class Found:
    """What was found, with the interface of `re.Match` as far as it is used."""

    __slots__ = ("_spans", "_subject", "re")

    def __init__(self, subject: bytes, spans: array[int], machine: Machine) -> None:
        """Keep the spans of all groups."""
        self._subject = subject
        self._spans = spans
        self.re = machine

    def group(self, number: int = 0) -> bytes | None:
        """Return what a group has; None if it took no part."""
        start = self._spans[2 * number]
        return None if start < 0 else self._subject[start : self._spans[2 * number + 1]]

    def start(self, number: int = 0) -> int:
        """Return where a group begins; -1 if it took no part."""
        return self._spans[2 * number]

    def end(self, number: int = 0) -> int:
        """Return where a group ends; -1 if it took no part."""
        return self._spans[2 * number + 1]

    def span(self, number: int = 0) -> tuple[int, int]:
        """Return where a group begins and ends."""
        return self._spans[2 * number], self._spans[2 * number + 1]


class Machine:
    """A guarded pattern, ready to run."""

    __slots__ = (
        "_anchored",
        "_first",
        "_flag_at",
        "_flags",
        "_memo",
        "_numbers",
        "_ops",
        "_room",
        "_rows",
        "_sets",
        "_stack",
        "_x",
        "_y",
        "gave_up",
        "groups",
        "steps",
    )

    def __init__(self, spelling: bytes, remembers: bool = True) -> None:
        """Make it.

        Args:
            spelling: see `pattern_code`.
            remembers: what failed; False is for seeing what that is good for.
        """
        made = code.Code(spelling)
        self.groups = made.groups
        self.gave_up = 0  # searches that came to `STEPS`
        self.steps = 0  # that the last search took
        self._ops = made.ops
        self._x = made.x
        self._y = made.y
        self._sets = made.sets
        self._memo = made.memo if remembers else array("i", [-1] * len(made.ops))
        # For each instruction where its registers begin in `_flags`, which has those of all, and -1 behind each.
        begins = array("i")
        flags = array("i")
        for registers in made.flags:
            begins.append(len(flags))
            flags.extend([3 * (made.groups + 1) + register for register in registers])
            flags.append(-1)
        self._flag_at = begins
        self._flags = flags
        self._rows = made.rows
        self._anchored = made.anchored
        self._first = made.first
        # Numbers of a search: start and end of each group; where each group was opened; where the round of each loop began; for
        # each mark the height of the stack and the place in the subject.
        self._numbers = 3 * (made.groups + 1) + made.registers + 2 * made.marks
        self._room = _ROOM
        self._stack = array("i", bytes(4 * _ROOM))

    def search(self, subject: bytes) -> Found | None:
        """Return the first that is found in a subject, or None. None, too, if that took too many steps."""
        length = len(subject)
        numbers = array("i", [-1]) * self._numbers
        rows = self._rows
        seen = bytearray((rows * (length + 1) >> 3) + 1)
        first = self._first
        self.steps = 0
        start = 0
        result = 0
        while start <= length:
            if first is not None:
                while start < length and not first[subject[start]]:
                    start += 1
                if start == length:
                    break
            result = self._run(subject, length, start, numbers, seen)
            if result or self._anchored:
                break
            start += 1
        if self._room > _ROOM:
            self._room = _ROOM
            self._stack = array("i", bytes(4 * _ROOM))
        if result < 0:
            self.gave_up += 1
        return Found(subject, numbers, self) if result > 0 else None

    def _grow(self, height: int) -> None:
        more = array("i", bytes(8 * self._room))
        more[:height] = self._stack[:height]
        self._stack = more
        self._room *= 2

    def _run(self, subject: bytes, length: int, start: int, numbers: array[int], seen: bytearray) -> int:
        """Try at one place: 1 is found, 0 is not, -1 that it took too long. What fails leaves `numbers` as they were."""
        ops = self._ops
        x = self._x
        y = self._y
        sets = self._sets
        memo = self._memo
        flag_at = self._flag_at
        flags = self._flags
        stack = self._stack
        at = start
        pc = 0
        height = 0
        opened = 2 * (self.groups + 1)
        rounds = opened + self.groups + 1
        marks = self._numbers
        steps = self.steps
        numbers[0] = start
        while True:
            steps += 1
            if steps > _STEPS:
                self.steps = steps
                return -1
            if height + 8 > self._room:
                if height > _DEEPEST:
                    self.steps = steps
                    return -1
                self._grow(height)
                stack = self._stack
            op = ops[pc]
            ok = True
            if op == OCTET:
                if at < length and sets[(x[pc] << 8) + subject[at]]:
                    at += 1
                    pc += 1
                else:
                    ok = False
            elif op in (SPLIT, AGAIN, AGAIN_LAZY):
                if op != SPLIT and numbers[rounds + y[pc]] == at:
                    pc += 1
                else:
                    row = memo[pc]
                    if row >= 0:
                        flag = flag_at[pc]
                        weight = 1
                        while flags[flag] >= 0:
                            if numbers[flags[flag]] == at:
                                row += weight
                            weight <<= 1
                            flag += 1
                        bit = row * (length + 1) + at
                        if seen[bit >> 3] >> (bit & 7) & 1:
                            ok = False
                        else:
                            seen[bit >> 3] |= 1 << (bit & 7)
                    if ok:
                        if op == SPLIT:
                            stack[height] = y[pc]
                            pc = x[pc]
                        elif op == AGAIN:
                            stack[height] = pc + 1
                            pc = x[pc]
                        else:
                            stack[height] = x[pc]
                            pc += 1
                        stack[height + 1] = at
                        height += 2
            elif op == JUMP:
                pc = x[pc]
            elif op == OPEN:
                slot = opened + x[pc]
                stack[height] = -1 - slot
                stack[height + 1] = numbers[slot]
                height += 2
                numbers[slot] = at
                pc += 1
            elif op == CLOSE:
                # A group has what it had until it is closed: PCRE2 sets both ends at once.
                slot = 2 * x[pc]
                stack[height] = -1 - slot
                stack[height + 1] = numbers[slot]
                stack[height + 2] = -2 - slot
                stack[height + 3] = numbers[slot + 1]
                height += 4
                numbers[slot] = numbers[opened + x[pc]]
                numbers[slot + 1] = at
                pc += 1
            elif op == ENTER:
                slot = rounds + x[pc]
                stack[height] = -1 - slot
                stack[height + 1] = numbers[slot]
                height += 2
                numbers[slot] = at
                pc += 1
            elif op == FOUND:
                numbers[1] = at
                self.steps = steps
                return 1
            elif op == START:
                ok = at == 0
                pc += 1
            elif op == END:
                ok = at == length
                pc += 1
            elif op == BOUNDARY:
                ok = (at > 0 and _is_word(subject[at - 1])) != (at < length and _is_word(subject[at]))
                pc += 1
            elif op in (BACK, BACK_NOCASE):
                slot = 2 * x[pc]
                begin = numbers[slot]
                size = numbers[slot + 1] - begin
                if begin < 0 or at + size > length:
                    ok = False
                else:
                    steps += size
                    for offset in range(size):
                        one = subject[begin + offset]
                        other = subject[at + offset]
                        if one != other and (op == BACK or _lower(one) != _lower(other)):
                            ok = False
                            break
                    at += size
                    pc += 1
            elif op == KEEP:
                stack[height] = -1
                stack[height + 1] = numbers[0]
                height += 2
                numbers[0] = at
                pc += 1
            elif op in (MARK, NOT):
                slot = marks - 2 - 2 * x[pc]
                numbers[slot] = height
                numbers[slot + 1] = at
                if op == NOT:
                    stack[height] = y[pc]
                    stack[height + 1] = at
                    height += 2
                pc += 1
            elif op in (CUT, RETURN):
                # Ways to go back are dropped; what has to be put back then is not.
                slot = marks - 2 - 2 * x[pc]
                low = numbers[slot]
                each = low
                while each < height:
                    if stack[each] < 0:
                        stack[low] = stack[each]
                        stack[low + 1] = stack[each + 1]
                        low += 2
                    each += 2
                height = low
                if op == RETURN:
                    at = numbers[slot + 1]
                pc += 1
            elif op == FAIL_TO:
                low = numbers[marks - 2 - 2 * x[pc]]
                while height > low:
                    height -= 2
                    if stack[height] < 0:
                        numbers[-1 - stack[height]] = stack[height + 1]
                ok = False
            else:  # STEP_BACK
                at -= x[pc]
                ok = at >= 0
                pc += 1
            if not ok:
                while True:
                    if height == 0:
                        self.steps = steps
                        return 0
                    height -= 2
                    steps += 1
                    pc = stack[height]
                    if pc >= 0:
                        at = stack[height + 1]
                        break
                    numbers[-1 - pc] = stack[height + 1]


def _is_word(octet: int) -> bool:
    return 48 <= octet <= 57 or 65 <= octet <= 90 or octet == 95 or 97 <= octet <= 122


def _lower(octet: int) -> int:
    return octet + 32 if 65 <= octet <= 90 else octet
