"""`perijove check`."""

from __future__ import annotations

import os
import re
import sys
import zlib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import rich_click as click

from perijove.cli.garbage import kept
from perijove.cli.options import colours

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from perijove.checks.live import Live
    from perijove.checks.logs.reading import Log
    from perijove.checks.run import Report
    from perijove.checks.subject import Known
    from perijove.text.diagnostic import Diagnostic
    from perijove.text.source import Source

_UNREAD = 2
_ROUNDS = 6  # of fixes


@click.command(name="check")
@click.argument("files", nargs=-1, metavar="FILE…")
@click.option("--apache", is_flag=True, help="The files are Apache's, whatever they are called; what is no TOML is anyway.")
@click.option("-D", "define", multiple=True, metavar="NAME", help="Define a name for IfDefine in Apache's files; repeatable.")
@click.option("--hub", metavar="FILE", help="The hub's jupyterhub_config.py. It is read, and not run.")
@click.option("--modules", metavar="NAMES", help="That Apache loads, with commas: proxy,proxy_http,headers.")
@click.option("--apache-version", metavar="X.Y.Z", help="Of the Apache that it is for, as `apachectl -v` shows it.")
@click.option("--live", is_flag=True, help="Ask the Apache on this machine for its version, modules and files; check them.")
@click.option(
    "--log",
    "logs",
    multiple=True,
    metavar="FILE",
    help="Apache's error log, or the hub's; `-` reads it from standard input. Repeatable.",
)
@click.option("--select", multiple=True, metavar="NAMES", help="Only these checks, with commas; may be repeated.")
@click.option("--ignore", multiple=True, metavar="NAMES", help="Not these checks, with commas; may be repeated.")
@click.option("--fix", is_flag=True, help="Change the files: what is safe to fix.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option("--unsafe-fixes", is_flag=True, help="Fix also what changes more than what is wrong.")
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif", "github"]), default="text", help="Default: text.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--explain", "page", metavar="NAME", help="Print what a check is about, and stop.")
@kept()
def command(
    files: tuple[str, ...],
    apache: bool,
    define: tuple[str, ...],
    hub: str | None,
    modules: str | None,
    apache_version: str | None,
    live: bool,
    logs: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fix: bool,
    diff: bool,
    unsafe_fixes: bool,
    form: str,
    as_json: bool,
    page: str | None,
) -> None:
    """Say why a configuration will fail the users of a JupyterHub, at which line, and what to type instead.

    Apache's files and perijove's own; nothing is sent, and no server need run:

        perijove check hub.conf

    What is known besides makes it sharper:

        perijove check hub.conf --hub jupyterhub_config.py --modules proxy,proxy_http,headers --apache-version 2.4.52

    What went wrong already, with the line that is responsible:

        perijove check hub.conf --log /var/log/apache2/error.log

    To see what it would change, and to have it changed:

        perijove check hub.conf --diff

        perijove check hub.conf --fix

    Exit status: 0 if there is nothing but advice, 1 if something was found, 2 if a file cannot be read or the command
    line is wrong.
    """
    from perijove.checks.opened import of_source
    from perijove.checks.run import check
    from perijove.checks.subject import NOTHING, Subject
    from perijove.cli.options import tell
    from perijove.config import read
    from perijove.text.diagnostic import Diagnostic
    from perijove.text.source import Source

    if page is not None:
        _explain(page)
        return
    here = _here() if live else None
    if here is not None and not files:
        files, apache = (here.main,), True
    if not files and not logs:
        raise click.UsageError("name a file: `perijove check hub.conf`, or `-` for standard input")
    if [*files, *logs].count("-") > 1:
        raise click.UsageError("standard input can be read once only")
    known = _known(hub, modules, apache_version, here)
    form = "json" if as_json else form

    reports: list[Report] = []
    failed: list[Diagnostic] = []
    seen = _logs(logs, failed)
    if here is not None and here.said is not None:
        seen.append(here.said)

    def judged(source: Source) -> Report:
        if source.name == NOTHING:
            subject = Subject(source, known, None, None, ())
        else:
            subject = of_source(source, apache=apache, defines=define, known=known)
            if here is not None and subject.reading is not None:
                subject = replace(subject, diagnostics=(*subject.diagnostics, *here.unread(source)))
        return check(subject, select=_names(select), ignored=_names(ignore), logs=seen, untied=not reports)

    if not files:
        reports.append(judged(Source(NOTHING, "")))
    for name in files:
        source = read(name, octets=True)
        if isinstance(source, Diagnostic):
            failed.append(replace(source, help=_unread(name)))
        else:
            reports.append(judged(source))
    if diff:
        _diff(reports, unsafe_fixes)
    else:
        if fix:
            reports = [_fixed(one, unsafe_fixes, judged, failed) for one in reports]
        _show(reports, form)
    tell(failed, False)
    sys.exit(_UNREAD if failed else 0 if all(one.clean for one in reports) else 1)


def _unread(path: str) -> str:
    """Return what to type instead of a path that cannot be read."""
    if os.path.isdir(path):
        return f"name the files in it: `perijove check {os.path.join(path, '*.conf')}`"
    return "give the path of Apache's file or perijove's, or `-` for standard input; `apachectl -S` lists Apache's"


def _names(given: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.strip() for one in given for name in one.split(",") if name.strip())


def _here() -> Live:
    """Return what the Apache on this machine says of itself.

    Raises:
        click.UsageError: there is none.
    """
    from perijove.checks.live import ask

    found = ask()
    if isinstance(found, str):
        raise click.UsageError(found)
    return found


def _known(hub: str | None, modules: str | None, version: str | None, here: Live | None) -> Known:
    """Return what the options say, and for the rest what Apache says itself.

    Raises:
        click.UsageError: one of them is wrong.
    """
    from perijove import config
    from perijove.checks.hub import read
    from perijove.checks.subject import Known
    from perijove.text.diagnostic import Diagnostic

    if version is not None and not re.fullmatch(r"\d+(\.\d+)*", version):
        raise click.UsageError(f"`{version}` is no version: write it as `apachectl -v` does, 2.4.52")
    found = None
    if hub is not None:
        source = config.read(hub)
        if isinstance(source, Diagnostic):
            raise click.UsageError(source.message)
        said = read(source)
        if isinstance(said, str):
            raise click.UsageError(f"`{hub}` is not Python that can be read: {said}")
        found = said
    named: frozenset[str] | None = None
    if modules is not None:
        named = frozenset(one.strip().removesuffix("_module").removeprefix("mod_") for one in modules.split(",") if one.strip())
    number = None if version is None else tuple(map(int, version.split(".")))
    if here is not None:
        named = named or here.modules or None
        number = number or here.version
    return Known(hub=found, modules=named, version=number)


def _logs(files: tuple[str, ...], failed: list[Diagnostic]) -> list[Log]:
    """Go through logs. What cannot be read is added to `failed`."""
    import gzip

    from perijove.checks.logs.reading import read
    from perijove.text.diagnostic import Diagnostic, Severity

    found: list[Log] = []
    shows = sys.stderr.isatty()

    def progress(text: str) -> None:
        click.echo(f"\r{text}", nl=False, err=True)

    for name in files:
        try:
            if name == "-":
                found.append(read("<stdin>", sys.stdin.buffer, progress if shows else None))
            else:
                with gzip.open(name) if name.endswith(".gz") else open(name, "rb") as file:
                    found.append(read(name, file, progress if shows else None))
        except (OSError, EOFError, zlib.error) as error:
            why = getattr(error, "strerror", None) or str(error)
            message = f"`{name}` cannot be read: {why}"
            failed.append(Diagnostic(name="unreadable-file", severity=Severity.ERROR, message=message))
    if shows and found:
        progress("\x1b[K")
    return found


def _explain(name: str) -> None:
    from perijove.checks.catalogue import checks
    from perijove.checks.logs import reference

    message = reference.families().get(name)
    if message is not None:
        click.echo(f"{message.name} ({message.severity.value})\n\n{reference.page(message)}")
        return
    found = checks().get(name)
    if found is None:
        import difflib

        near = difflib.get_close_matches(name, list(checks()), 1)
        raise click.UsageError(
            f"no check is called `{name}`" + (f": `{near[0]}`?" if near else f": there are {', '.join(checks())}")
        )
    click.echo(f"{found.name} ({found.severity.value})\n\n{found.page}")


def _show(reports: list[Report], form: str) -> None:
    from perijove.checks.show import machines, terminal
    from perijove.engine.mask import masked_text

    if form != "text":
        shown = {"json": machines.as_json, "sarif": machines.as_sarif, "github": machines.as_annotations}[form](reports)
        click.echo(masked_text(shown))
        return
    colour = colours(sys.stdout)
    for one in reports:
        click.echo(masked_text(terminal.text(one, colour=colour)).encode("utf-8", "replace"), nl=False, color=colour)


def _diff(reports: list[Report], unsafe: bool) -> None:
    import difflib

    from perijove.checks.fix import fixed

    for report in reports:
        texts, _ = fixed(report.diagnostics, unsafe=unsafe)
        for name, text in texts.items():
            before = report.subject.sources[name].text
            lines = difflib.unified_diff(before.splitlines(True), text.splitlines(True), name, name)
            click.echo("".join(lines).encode("utf-8", "surrogateescape"), nl=False)


def _fixed(report: Report, unsafe: bool, judged: Callable[[Source], Report], failed: list[Diagnostic]) -> Report:
    """Fix what can be, round by round, since one fix may wait for another; return what is left.

    A fix after which the same is found again is taken back, and is none any more. Files are written. What came by standard
    input goes to standard output. What cannot be written is added to `failed`.
    """
    from perijove.checks.fix import fixed
    from perijove.config import read
    from perijove.text.diagnostic import Diagnostic
    from perijove.text.source import Source

    piped = report.subject.source.name.startswith("<")
    vain: set[tuple[str, str]] = set()  # whose fixes have not mended what they are for
    for _ in range(2 * _ROUNDS):
        texts, done = fixed((one for one in report.diagnostics if _told(one) not in vain), unsafe=unsafe)
        if not done:
            break
        before = report
        if not _write_all(texts, failed):
            return report
        name = report.subject.source.name
        source = Source(name, texts.get(name, report.subject.source.text)) if piped else read(name, octets=True)
        if isinstance(source, Diagnostic):
            failed.append(source)
            return report
        report = judged(source)
        was, left = (Counter(map(_told, one.diagnostics)) for one in (before, report))
        again = {_told(one) for one in done if left[_told(one)] >= was[_told(one)]}
        if again:
            vain |= again
            _write_all({name: before.subject.sources[name].text for name in texts}, failed)
            report = before
            continue
        for one in done:
            assert one.fix is not None
            click.echo(f"fixed: {one.where}: {one.fix.what}", err=True)
    kept = tuple(replace(one, fix=None) if _told(one) in vain else one for one in report.diagnostics)
    report = replace(report, diagnostics=kept)
    if piped:
        click.echo(report.subject.source.text.encode("utf-8", "surrogateescape"), nl=False)
    return report


def _told(one: Diagnostic) -> tuple[str, str]:
    return one.name, one.message


def _write_all(texts: Mapping[str, str], failed: list[Diagnostic]) -> bool:
    """Write files, but for what came by standard input; what cannot be is added to `failed`."""
    from perijove.text.diagnostic import Diagnostic, Severity

    for name, text in texts.items():
        why = "" if name.startswith("<") else _write(name, text.encode("utf-8", "surrogateescape"))
        if why:
            message = f"`{name}` cannot be written: {why}"
            failed.append(Diagnostic(name="unwritable-file", severity=Severity.ERROR, message=message))
            return False
    return True


def _write(name: str, octets: bytes) -> str:
    """Write a file; return why it cannot be."""
    try:
        with open(name, "wb") as file:
            file.write(octets)
    except OSError as error:
        return error.strerror or str(error)
    return ""
