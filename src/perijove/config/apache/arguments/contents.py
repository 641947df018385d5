"""Arguments of modules that change, list or choose what is sent: filters, listings, languages, expiry.

Sources: modules/filters, modules/mappers/mod_dir.c, mod_negotiation.c, mod_vhost_alias.c, modules/generators/mod_autoindex.c,
modules/metadata/mod_expires.c, mod_usertrack.c, modules/http/mod_mime.c. Knows what `apachectl configtest` says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache.arguments.expires import UNITS
from perijove.config.apache.arguments.kinds import (
    Check,
    atoi,
    complaint,
    every,
    fits,
    listed,
    names,
    number,
    one_of,
    refused,
    said,
    whole,
    wrong,
)
from perijove.config.apache.directive import Directive, Fault, Section
from perijove.config.apache.modules import enabling
from perijove.config.apache.words import fold

if TYPE_CHECKING:
    from perijove.config.apache.directive import Scope

# ---------------------------------------------------------------------------------------------------- cookies


def cookie_expiry(item: Directive | Section, scope: Scope) -> Fault | None:
    """CookieExpires: seconds, or numbers with what they count (set_cookie_exp)."""
    text = said(item)
    help_ = 'write seconds, or `"2 weeks 3 days"`'
    if re.fullmatch(r"[0-9]+", text):
        return None
    words = text.split()
    if words[:1] and fold(words[0][0]) == "p":
        words = words[1:]
    while words:
        if not words[0][0].isdigit():
            return wrong(item, "bad expires code, numeric value expected.", help_)
        if len(words) == 1:
            return None if len(text.split()) > 1 else wrong(item, "bad expires code, missing <type>", help_)
        if not fold(words[1]).startswith(tuple(UNITS)):
            return wrong(item, "bad expires code, unrecognized type", help_)
        words = words[2:]
    return None


def cookie_domain(item: Directive | Section, scope: Scope) -> Fault | None:
    """CookieDomain: a dot, a name, and one more dot (set_cookie_domain)."""
    if not said(item).startswith("."):
        return wrong(item, "CookieDomain values must begin with a dot", "write `.{word}`")
    if "." not in said(item)[1:]:
        return wrong(item, "CookieDomain values must contain at least one embedded dot", "write `.example.org`")
    return None


# --------------------------------------------------------------------------------------------------- filters

# Output filters by the modules that register them; an ExtFilterDefine registers more.
_FILTERS: Final = {
    "brotli_compress": "brotli",
    "buffer": "buffer",
    "byterange": "core",
    "cache": "cache",
    "cache_out": "cache",
    "cache_save": "cache",
    "chunk": "core",
    "content_length": "core",
    "data": "data",
    "deflate": "deflate",
    "dumpio_output": "dumpio",
    "fixup_headers_err": "headers",
    "fixup_headers_out": "headers",
    "http_header": "core",
    "includes": "include",
    "inflate": "deflate",
    "mod_expires": "expires",
    "old_write": "core",
    "proxy-html": "proxy_html",
    "rate_limit": "ratelimit",
    "sed": "sed",
    "substitute": "substitute",
    "xlateout": "charset_lite",
    "xml2enc": "xml2enc",
}


def _unknown_filter(name: str, scope: Scope) -> bool:
    # What programs are filters, and those of Lua and of modules that are not httpd's, have any name.
    others = {"ext_filter", "lua"} & scope.modules
    return not scope.strangers and not others and _FILTERS.get(fold(name)) not in scope.modules | {"core"}


def _no_filter(item: Directive | Section, name: str, at: int) -> Fault:
    module = _FILTERS.get(fold(name))
    help_ = enabling(module) if module else "write `DEFLATE`, `INFLATE` or another filter of a module that is loaded"
    return wrong(item, f"Unknown filter provider {name}", help_, at, "unknown-filter")


def filter_by_type(item: Directive | Section, scope: Scope) -> Fault | None:
    """AddOutputFilterByType: filters, and for what."""
    if len(item.words) < 2:
        message = "AddOutputFilterByType requires at least two arguments"
        return Fault("argument-count", message, "write `AddOutputFilterByType DEFLATE text/html`")
    names = re.split(";", said(item))
    bad = next((one for one in names if one and _unknown_filter(one, scope)), None)
    return None if bad is None else _no_filter(item, bad, 0)


def filter_provider(item: Directive | Section, scope: Scope) -> Fault | None:
    """FilterProvider: a smart filter, what does the work, and when."""
    if _unknown_filter(said(item, 1), scope):
        return _no_filter(item, said(item, 1), 1)
    found = complaint(said(item, 2), item, scope)
    return (
        None if found is None else Fault("bad-expression", f"Error parsing FilterProvider expression:{found[0]}", found[1], 2)
    )


def substitution(item: Directive | Section, scope: Scope) -> Fault | None:
    """Substitute: `s/PATTERN/TEXT/FLAGS`, with any mark in place of the slash (set_pattern)."""
    text = said(item)
    help_ = 'write `"s|PATTERN|TEXT|in"`, in quotes if it has spaces'
    if fold(text[:1]) != "s":
        return wrong(item, "Bad Substitute format, must be an s/// pattern", help_)
    mark = text[1:2]
    found, *others = text[2:].split(mark) if mark else [""]
    if not mark or not found or not others:
        return wrong(item, "Bad Substitute format, must be a complete s/// pattern", help_)
    flags = mark.join(others[1:])
    if any(fold(one) not in "infq" for one in flags):
        return wrong(item, "Bad Substitute flag, only s///[infq] are supported", help_)
    if "n" in fold(flags):
        return None
    from perijove.config.apache.regex import Invalid, Untranslatable, translate

    try:
        translate(found)
    except Invalid as error:
        return wrong(item, "Substitute could not compile regex", f"{error}; the flag `n` takes it as it is", name="bad-pattern")
    except Untranslatable:
        pass  # httpd runs it
    return None


def program(item: Directive | Section, scope: Scope) -> Fault | None:
    """ExtFilterDefine: `mode=`, `cmd=` and others (define_filter)."""
    rest = item.rest.text.strip().partition(" ")[2].strip()
    while rest:
        key = fold(rest.partition("=")[0]) if "=" in rest.split()[0] else fold(rest.split()[0])
        if key == "mode":
            word = rest.split()[0]
            if fold(word.partition("=")[2]) not in ("input", "output"):
                return Fault("bad-value", f"Invalid mode: `{word.partition('=')[2]}'", "write `mode=output` or `mode=input`")
        elif key == "cmd":
            command = rest.partition("=")[2]
            if command.startswith('"'):
                end = re.match(r'"(?:\\.|[^"\\])*"', command)
                if end is None:
                    return Fault("bad-value", "Expected cmd= delimiter", 'write `cmd="/bin/PROGRAM ARGUMENT"`')
                rest = command[end.end() :].strip()
                continue
        elif key not in ("ftype", "enableenv", "disableenv", "intype", "outtype", "preservescontentlength"):
            return Fault("bad-value", f"Unexpected parameter: `{rest}'", 'write `mode=output cmd="/bin/PROGRAM"`')
        rest = rest.partition(" ")[2].strip()
    return None


# -------------------------------------------------------------------------------------------------- listings

_INDEX: Final = names("""
    none fancyindexing foldersfirst htmltable iconsarelinks ignorecase ignoreclient scanhtmltitles showforbidden
    suppresscolumnsorting suppressdescription suppresshtmlpreamble suppressicon suppresslastmodified suppressrules suppresssize
    trackmodified versionsort xhtml useolddateformat addaltclass iconwidth iconheight
    """)
_WIDTHS: Final = {"namewidth": ("NameWidth", 5), "descriptionwidth": ("DescriptionWidth", 12)}


def index_options(item: Directive | Section, scope: Scope) -> Fault | None:
    """IndexOptions (add_opts)."""
    for at, word in enumerate(item.words):
        sign = word.text[:1] if word.text[:1] in ("+", "-") else ""
        name, equals, value = word.text[len(sign) :].partition("=")
        key = fold(name)
        if key == "none" and not equals:
            if sign:
                return wrong(item, "Cannot combine '+' or '-' with 'None' keyword", "write `None` alone", at)
            if len(item.words) > 1:
                return wrong(item, "Cannot combine other IndexOptions keywords with 'None'", "write `None` alone", at)
        elif key in _WIDTHS:
            shown, least = _WIDTHS[key]
            if not equals and sign != "-":
                return wrong(item, f"{shown} with no value may only appear as '-{shown}'", f"write `{shown}=*`", at)
            if equals and sign == "-":
                return wrong(item, f"Cannot combine '-' with {shown}=n", f"write `{shown}={value}`", at)
            if equals and value[:1].isdigit() and atoi(value) < least:
                return wrong(item, f"{shown} value must be greater than {least}", f"write `{shown}=*`", at)
        elif key in ("iconwidth", "iconheight") and equals:
            if sign == "-":
                shown = "IconWidth" if key == "iconwidth" else "IconHeight"
                return wrong(item, f"Cannot combine '-' with {shown}=n", f"write `{shown}={value}`", at)
        elif key in ("charset", "type") and equals:
            continue
        elif equals or key not in _INDEX:
            return wrong(item, "Invalid directory indexing option", "write `FancyIndexing`, `FoldersFirst` or another", at)
    return None


def icon(item: Directive | Section, scope: Scope) -> Fault | None:
    """AddIcon and its like: `(TEXT,URL)`, or a URL (add_icon)."""
    if said(item).startswith("(") and ("," not in said(item) or not said(item).endswith(")")):
        return wrong(item, "missing closing paren", "write `(TXT,/icons/text.gif)`, without spaces")
    return None


def language(item: Directive | Section, scope: Scope) -> Fault | None:
    """ForceLanguagePriority: what if no language fits."""
    for at, word in enumerate(item.words):
        if fold(word.text) not in ("none", "prefer", "fallback"):
            return wrong(item, "Invalid ForceLanguagePriority option {word}", listed("Prefer", "Fallback", "None"), at)
    names = [fold(word.text) for word in item.words]
    if "none" in names and len(set(names)) > 1:
        first = "Prefer" if "prefer" in names else "Fallback"
        return wrong(
            item, f"Cannot combine ForceLanguagePriority options None and {first}", "leave `None` out", names.index("none")
        )
    return None


def views(item: Directive | Section, scope: Scope) -> Fault | None:
    """MultiviewsMatch (multiviews_match)."""
    seen: set[str] = set()
    for at, word in enumerate(item.words):
        name = fold(word.text)
        if name not in ("any", "negotiatedonly", "filters", "handlers"):
            return wrong(item, "Unrecognized option '{word}'", listed("Any", "NegotiatedOnly", "Filters", "Handlers"), at)
        if seen and (name in ("any", "negotiatedonly") or seen & {"any", "negotiatedonly"}) and name not in seen:
            shown = {"any": "Any", "negotiatedonly": "NegotiatedOnly", "filters": "Filters", "handlers": "Handlers"}[name]
            return wrong(item, f"{shown} is incompatible with Any and NegotiatedOnly", "name one of them", at)
        seen.add(name)
    return None


def index_redirect(item: Directive | Section, scope: Scope) -> Fault | None:
    """DirectoryIndexRedirect: a switch, or a status."""
    text = fold(said(item))
    if text in ("on", "off", "permanent", "temp", "seeother"):
        return None
    help_ = "write `On`, or `permanent`"
    if not text[:1].isdigit():
        return wrong(item, "DirectoryIndexRedirect ON|OFF|permanent|temp|seeother|3xx", help_)
    if not 300 <= atoi(text) <= 399:
        return wrong(item, "DirectoryIndexRedirect only accepts values between 300 and 399", help_)
    return None


def virtual_root(item: Directive | Section, scope: Scope) -> Fault | None:
    """VirtualDocumentRoot and its like: a path with parts of the host's name (vhost_alias_set)."""
    text = said(item)
    if fold(text) == "none":
        return None
    if not text.startswith("/"):
        return wrong(item, "format string must be an absolute path, or 'none'", "write `/srv/www/%0`")
    if not re.fullmatch(r"(?:[^%]|%(?:%|p|-?[0-9]\+?(?:\.-?[0-9]\+?)?))*", text, re.DOTALL):
        return wrong(item, "syntax error in format string", "write `%0` for all of the name, `%1` for its first part")
    return None


_LETTERS: Final = "write one of `AddSuffix`, `NoChange` and `Remove`"
_note: Final = ("input", "output", "ratio")


def _filter_note(message: str) -> Check:
    def check(item: Directive | Section, scope: Scope) -> Fault | None:
        if len(item.words) > 1 and fold(said(item)) not in _note:
            return wrong(item, message, listed("Input", "Output", "Ratio"))
        return None

    return check


CONTENTS: Final[dict[str, Check]] = {
    "AddOutputFilterByType": filter_by_type,
    "BrotliAlterETag": one_of(
        "BrotliAlterETag accepts only 'AddSuffix', 'NoChange' and 'Remove'", "AddSuffix", "NoChange", "Remove"
    ),
    "BrotliCompressionMaxInputBlock": number("{name} must be between 16 and 24", 16, 24),
    "BrotliCompressionQuality": number("{name} must be between 0 and 11", 0, 11),
    "BrotliCompressionWindow": number("{name} must be between 10 and 24", 10, 24),
    "BrotliFilterNote": _filter_note("Unknown BrotliFilterNote type '{word}'"),
    "BufferSize": number("BufferSize must be a size in bytes, and greater than zero", 1, bits=64),
    "CharsetOptions": one_of(
        "Invalid CharsetOptions option: {word}",
        "ImplicitAdd",
        "NoImplicitAdd",
        "TranslateAllMimeTypes",
        "NoTranslateAllMimeTypes",
    ),
    "CookieDomain": cookie_domain,
    "CookieExpires": cookie_expiry,
    "CookieSameSite": one_of("CookieSameSite accepts 'Strict', 'Lax', or 'None'", "Strict", "Lax", "None"),
    "CookieStyle": one_of("Invalid {name} keyword: '{word}'", "Netscape", "Cookie", "Cookie2", "RFC2109", "RFC2965"),
    "DeflateAlterEtag": one_of(
        "DeflateAlterETAG accepts only 'NoChange', 'AddSuffix', and 'Remove'", "NoChange", "AddSuffix", "Remove"
    ),
    "DeflateBufferSize": number("DeflateBufferSize should be positive", 1),
    "DeflateCompressionLevel": number("Compression Level must be between 1 and 9", 1, 9),
    "DeflateFilterNote": _filter_note("Unknown note type {word}"),
    "DeflateInflateLimitRequestBody": whole("{name} requires a non-negative integer.", 0),
    "DeflateInflateRatioBurst": number("{name} must be positive", 1),
    "DeflateInflateRatioLimit": number("{name} must be positive", 1),
    "DeflateMemLevel": number("DeflateMemLevel must be between 1 and 9", 1, 9),
    "DeflateWindowSize": number("DeflateWindowSize must be between 1 and 15", 1, 15),
    "DirectoryIndexRedirect": index_redirect,
    "ExtFilterDefine": program,
    "ExtFilterOptions": one_of("Invalid ExtFilterOptions option: {word}", "LogStderr", "NoLogStderr", "Onfail=remove"),
    "FancyIndexing": refused(
        "The FancyIndexing directive is no longer supported. Use IndexOptions FancyIndexing.",
        "write `IndexOptions FancyIndexing`",
    ),
    "FilterProvider": filter_provider,
    "ForceLanguagePriority": language,
    "IndexOptions": index_options,
    "IndexOrderDefault": every(
        one_of("First keyword must be 'Ascending' or 'Descending'", "Ascending", "Descending", at=0),
        one_of("Second keyword must be 'Name', 'Date', 'Size', or 'Description'", "Name", "Date", "Size", "Description", at=1),
    ),
    "ModemStandard": one_of(
        "mod_dialup: Unknown Modem Standard specified.", "V.21", "V.26bis", "V.32", "V.34", "V.92", cased=False
    ),
    "MultiviewsMatch": views,
    "ProxyHTMLBufSize": whole(
        "Invalid value for directive {name}, expected integer", -(1 << 63), help_="write a number of octets"
    ),
    "SSIEndTag": fits(r"\S*", "SSIEndTag may not contain any whitespaces", "write it without spaces"),
    "SSIStartTag": fits(r"\S*", "SSIStartTag may not contain any whitespaces", "write it without spaces"),
    "Substitute": substitution,
    "SubstituteMaxLineLength": fits(
        r"\+?[0-9]{1,18}[bkmg]?",
        "SubstituteMaxLineLength must be a non-negative integer optionally suffixed with 'b', 'k', 'm' or 'g'.",
        "write `1m`",
    ),
    "XBitHack": one_of("XBitHack must be set to Off, On, or Full", "Off", "On", "Full"),
    **dict.fromkeys(("AddIcon", "AddIconByEncoding", "AddIconByType"), icon),
    **dict.fromkeys(
        ("VirtualDocumentRoot", "VirtualDocumentRootIP", "VirtualScriptAlias", "VirtualScriptAliasIP"), virtual_root
    ),
}
