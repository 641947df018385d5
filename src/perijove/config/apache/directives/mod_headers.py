"""mod_headers: Header and RequestHeader.

Source: modules/metadata/mod_headers.c (header_inout_cmd, parse_format_string, do_headers_fixup).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.config.apache.directives import directive
from perijove.config.apache.directives.mod_env import _octets, _value
from perijove.config.apache.expression import condition, fields_asked
from perijove.config.apache.expression import template as expression
from perijove.config.apache.expression_names import OF_TLS, asked_of_ssl
from perijove.config.apache.patterns import compiled
from perijove.config.apache.scope import Edit, Scope
from perijove.gateway.conditions import All, Always, Any, Compares, Comparison, Condition, HasNote, Not, NotEmpty
from perijove.gateway.rules import EditField, Operation
from perijove.gateway.templates import Fact, Given, Look, Note, Part, ResponseField, Template

if TYPE_CHECKING:
    from perijove.config.apache.directive import Directive, Word

_ACTIONS: Final = {
    "set": Operation.SET,
    "setifempty": Operation.DEFAULT,
    "add": Operation.ADD,
    "append": Operation.APPEND,
    "merge": Operation.MERGE,
    "unset": Operation.REMOVE,
    "edit": Operation.EDIT,
    "edit*": Operation.EDIT_ALL,
}
_NULL: Final = b"(null)"


@directive("Header", "RequestHeader")
def header(line: Directive, scope: Scope) -> None:
    """Edit a field."""
    response = line.name.lower() == "header"
    words = list(line.words)
    always = False
    if response and words and words[0].text.lower() in ("always", "onsuccess"):
        always = words.pop(0).text.lower() == "always"
    if not words:
        scope.error("header-action", f"{line.name} has too few arguments", line.span, f"write `{line.name} set Name value`")
        return
    action = words.pop(0)
    name = action.text.lower()
    if name in ("echo", "note") and response:
        if name == "echo" and words:
            found = compiled(words[0].text, False, words[0].span, scope)
            if found is not None:
                echo = EditField(Operation.ECHO, b"", (), found, always)
                scope.response.append(Edit(echo, Always(), line.span))
        return
    if name not in _ACTIONS:
        known = "'add', 'set', 'setifempty', 'append', 'merge', 'unset', 'edit', 'edit*'" + (
            ", 'echo', or 'note'" if response else ""
        )
        scope.error("header-action", f"first argument must be {known}.", action.span, f"write `{line.name} set Name value`")
        return
    operation = _ACTIONS[name]
    wanted = 1 if operation is Operation.REMOVE else 3 if operation in (Operation.EDIT, Operation.EDIT_ALL) else 2
    if len(words) < wanted:
        scope.error("header-arguments", f"header {name} needs {wanted} arguments" if wanted == 3 else
                    f"header name and value required for {name}", line.span, f"write `{line.name} {name} Name value`")  # fmt: skip
        return
    field = _octets(words[0].text.rstrip(":"))
    when, early = _condition(words[wanted:], scope, line)
    if when is None:
        return
    if response and field.lower() == b"content-type" and operation in (Operation.ADD, Operation.APPEND, Operation.MERGE):
        # What a response's type is said to be is written over these (ap_http_header_filter).
        when = All((when, Not(NotEmpty((ResponseField(b"content-type"),)))))
    if response and field.lower() == b"content-type" and always:
        # Set and edited is what the type is said to be, in whichever table (ap_set_content_type).
        if operation is Operation.REMOVE:
            return
        operation = Operation.SET if operation is Operation.DEFAULT else operation
        always = False
    value: Template | None = ()
    pattern = None
    if wanted == 3:
        pattern = compiled(words[1].text, False, words[1].span, scope)
        value = _format(words[2], scope, captures=True)
        if pattern is None:
            return
    elif wanted == 2:
        value = _format(words[1], scope)
    if value is None:
        return
    edit = EditField(operation, field, value, pattern, always)
    if response and not always:
        # What the condition asks for makes variants, whether it holds or not (ap_expr_exec_ctx; add_vary, server/util_expr_eval.c).
        for asked in (
            one for word in words[wanted:] if word.text.lower().startswith("expr=") for one in fields_asked(word.text)
        ):
            scope.response.append(Edit(EditField(Operation.APPEND, b"Vary", (asked,)), Always(), line.span))
    (scope.response if response else scope.request).append(Edit(edit, when, line.span, early))


def _condition(words: list[Word], scope: Scope, line: Directive) -> tuple[Condition | None, bool]:
    """Return when an edit is made, and whether that is early; None after an error was told."""
    when: Condition = Always()
    early = any(word.text.lower() == "early" for word in words)
    for word in words:
        text = word.text
        if text.lower() == "early":
            continue
        if text.lower().startswith("env="):
            name = text[4:]
            if not name.lstrip("!"):
                scope.error("header-condition", "error: missing environment variable name. envclause should be in the form env=envar",
                            word.span, "write `env=NAME`")  # fmt: skip
                return None, False
            has: Condition = HasNote(_octets(name.lstrip("!")))
            if name.lstrip("!").upper() == "HTTPS" and "ssl" in scope.modules and not early:
                has = Any((has, Compares((Fact.HTTPS,), Comparison.SAME, (b"on",))))  # by then (ssl_hook_Fixup, mod_ssl.c)
            when = Not(has) if name.startswith("!") else has
        elif text.lower().startswith("expr="):
            found = condition(text[5:], word.span, scope)
            if found is None:
                return None, False
            when = found
        else:
            scope.error("header-condition", "error: envclause should be in the form env=envar or expr=expression", word.span,
                        "quote a value with spaces, and put remarks on a line of their own")  # fmt: skip
            return None, False
    return when, early


def _format(word: Word, scope: Scope, captures: bool = False) -> Template | None:
    """Return a value: `%{NAME}e` and its like, `expr=…`, captures of an edit."""
    text = word.text
    if text.startswith("expr="):
        return expression(text[5:], word.span, scope)
    parts: list[Part] = []
    literal = ""
    at = 0
    while at < len(text):
        if text[at] != "%":
            literal += text[at]
            at += 1
            continue
        mark = text[at + 1 : at + 2]
        if mark in ("%", ""):  # one at the end stands for itself
            literal += "%"
            at += 2
            continue
        part: Part | None = None
        end = at + 2
        if mark == "{":
            close = text.find("}", at)
            kind = text[close + 1 : close + 2] if close > 0 else ""
            name = _octets(text[at + 2 : close])
            end = close + 2
            if kind == "e":
                part = Note(name, _NULL)
                if name.upper() == b"HTTPS" and "ssl" in scope.modules:
                    part = Look(((b"on", b"on"),), (Fact.HTTPS,), (part,))
            elif kind == "s":
                part = _ssl(name, scope)
        elif mark == "t":
            literal, part = literal + "t=", Fact.MICROSECONDS
        elif mark == "D":
            literal, part = literal + "D=", Fact.DURATION
        elif mark in ("l", "i", "b"):
            part = {"l": b"l=0 0 0", "i": b"i=100", "b": b"b=100"}[mark]
        if part is None:
            scope.error(
                "header-format", "Unrecognized header format %" + (mark or ""), word.span, "write `%%` for a percent sign"
            )
            return None
        parts += [*_literal(literal, captures), part]
        literal = ""
        at = end
    parts += _literal(literal, captures)
    return tuple(part for part in parts if part != b"") or (b"",)


def _literal(text: str, captures: bool) -> Template:
    return _value(text) if captures else (_octets(text),)


def _ssl(name: bytes, scope: Scope) -> Part:
    """`%{NAME}s` asks mod_ssl, which knows the request's variables as well; without it there is nothing to ask."""
    if "ssl" not in scope.modules:
        return _NULL
    its = OF_TLS.get(name.decode("latin-1").upper()) or asked_of_ssl(name.decode("latin-1"), scope)
    return Given(its, its, (_NULL,))
