"""Make the table of Apache's directives from an installed httpd: `python scripts/apache_directives.py > TABLE`.

`apache2 -L` tells names and contexts, but not how arguments are taken. That stands in the `command_rec` arrays of
the binaries (httpd's include/http_config.h), which this script reads out of the ELF files: nothing is guessed.
What a directive's function refuses by ap_check_cmd_context() is asked of the server itself, with `-t`.
Debian's paths are built in; amd64 and arm64 have the same layouts.
"""

import concurrent.futures
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

SERVER = Path("/usr/sbin/apache2")
MODULES = Path("/usr/lib/apache2/modules")
ENABLED = Path("/etc/apache2/mods-available")
STATIC = ("core", "so", "watchdog", "http", "log_config", "logio", "version", "unixd")
HOW = (
    "RAW_ARGS", "TAKE1", "TAKE2", "ITERATE", "ITERATE2", "FLAG", "NO_ARGS",
    "TAKE12", "TAKE3", "TAKE23", "TAKE123", "TAKE13", "TAKE_ARGV",
)  # fmt: skip
# A section of each kind for ap_check_cmd_context(): GLOBAL_ONLY and its parts (include/http_config.h).
PROBES = {
    "vhost": ("<VirtualHost 127.0.0.1:1>", "</VirtualHost>"),
    "limit": ("<Directory /x>\n<Limit GET>", "</Limit>\n</Directory>"),
    "directory": ("<Directory /x>", "</Directory>"),
    "location": ("<Location /x>", "</Location>"),
    "files": ("<Files x>", "</Files>"),
    "proxy": ('<Proxy "http://x/">', "</Proxy>"),
    "if": ('<If "true">', "</If>"),
}
OR_LIMIT, ACCESS_CONF, RSRC_CONF, EXEC_ON_READ = 1, 64, 128, 256


class Elf:
    """What a loader would make of a 64-bit little-endian ELF file."""

    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        offset, size, count = struct.unpack_from("<Q", self.data, 40)[0], *struct.unpack_from("<HH", self.data, 58)
        sections = [struct.unpack_from("<IIQQQQIIQQ", self.data, offset + size * i) for i in range(count)]
        self.loads = [(one[3], one[3] + one[5], one[4]) for one in sections if one[3] and one[1] == 1]
        self.pointers: dict[int, int] = {}
        symbols = []
        for one in sections:
            if one[1] == 11:  # SHT_DYNSYM
                names = sections[one[6]]
                for at in range(one[4], one[4] + one[5], 24):
                    name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", self.data, at)
                    symbols.append((self.text(names[4] + name), value))
        self.symbols = dict(symbols)
        for one in sections:
            if one[1] == 4:  # SHT_RELA
                for at in range(one[4], one[4] + one[5], 24):
                    where, info, addend = struct.unpack_from("<QQq", self.data, at)
                    symbol = info >> 32
                    self.pointers[where] = (symbols[symbol][1] if symbol else 0) + addend

    def text(self, offset: int) -> str:
        """Return a string at an offset of the file."""
        return self.data[offset : self.data.index(b"\0", offset)].decode()

    def offset(self, address: int) -> int:
        """Return where in the file an address of memory comes from."""
        return next(address - low + at for low, high, at in self.loads if low <= address < high)

    def word(self, address: int) -> int:
        """Return an int."""
        return struct.unpack_from("<I", self.data, self.offset(address))[0]

    def string(self, address: int) -> str:
        """Return a string."""
        return self.text(self.offset(address))

    def module(self, name: str) -> tuple[str, list[tuple[str, int, int, str]]]:
        """Return the name of a module's source file, and its directives: name, where, how, help."""
        at = self.symbols[f"{name}_module"]
        source = Path(self.string(self.pointers[at + 16])).name
        rows = []
        command = self.pointers.get(at + 88, 0)
        while command and self.pointers.get(command):
            help_at = self.pointers.get(command + 32, 0)
            rows.append(
                (
                    self.string(self.pointers[command]),
                    self.word(command + 24),
                    self.word(command + 28),
                    self.string(help_at) if help_at else "",
                )
            )
            command += 40
        return source, rows


def loads() -> list[tuple[str, str]]:
    """Return `name, LoadModule line` of each module of Debian's, those that others need first."""
    found, done = {}, []
    for path in sorted(ENABLED.glob("*.load")):
        text = path.read_text()
        line = re.search(r"^\s*(LoadModule\s+(\w+)_module\s.*)", text, re.MULTILINE)
        needs = re.search(r"^# Depends:(.*)", text, re.MULTILINE)
        if line:
            found[line[2]] = (line[1], needs[1].split() if needs else [])

    def add(name: str) -> None:
        if name in found and (name, found[name][0]) not in done:
            for need in found[name][1]:
                add(need)
            done.append((name, found[name][0]))

    for name in found:
        add(name)
    return done


def probe(task: tuple[str, str, str, str, str]) -> tuple[str, str, bool]:
    """Tell whether the server says that a directive `cannot occur within` a section."""
    folder, name, how, kind, prelude = task
    words = "On" if how == "FLAG" else "" if how == "NO_ARGS" else "x y z" if how in ("TAKE3", "TAKE23") else "x"
    words = "x y" if how in ("TAKE2", "ITERATE2") else words
    line = f"{name} {words}>\n</{name[1:]}>" if name.startswith("<") else f"{name} {words}"
    before, after = PROBES[kind]
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".conf") as file:
        file.write(f"{prelude}{before}\n{line}\n{after}\n")
        file.flush()
        said = subprocess.run([str(SERVER), "-t", "-f", file.name], capture_output=True, text=True, check=False).stderr
    return name, kind, "cannot occur within" in said or "not allowed in <VirtualHost>" in said


def main() -> None:
    """Print the table: a line of `module NAME SOURCE` for each module, and one for each of its directives."""
    dynamic = [(name, line) for name, line in loads() if not name.startswith("mpm_")]
    rows: list[tuple[str, str, int, str, str]] = []
    sources: list[tuple[str, str]] = []
    server = Elf(SERVER)
    named = [(one, server) for one in STATIC]
    for name, line in [*dynamic, *((f"mpm_{one}", f"mod_mpm_{one}.so") for one in ("event", "worker", "prefork"))]:
        named.append((name, Elf(MODULES / Path(line.split()[-1]).name)))
    for name, elf in named:
        source, commands = elf.module(name)
        sources.append((name, source))
        rows += [(command, name, where, HOW[how], text) for command, where, how, text in commands]
    with tempfile.TemporaryDirectory() as folder:
        prelude = f"ServerRoot {folder}\nDefaultRuntimeDir {folder}\nListen 127.0.0.1:1\n"
        prelude += f"LoadModule mpm_event_module {MODULES}/mod_mpm_event.so\n" + "".join(f"{one}\n" for _, one in dynamic)
        tasks = []
        for command, module, where, how, _ in rows:
            if where & EXEC_ON_READ or module in ("mpm_worker", "mpm_prefork"):
                continue
            kinds = ["vhost"] if where & RSRC_CONF else []
            if where & (ACCESS_CONF | 31):
                kinds += [one for one in PROBES if one != "vhost"]
            tasks += [(folder, command, how, kind, prelude) for kind in kinds]
        refused: dict[str, set[str]] = {}
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for command, kind, no in pool.map(probe, sorted(set(tasks))):
                if no:
                    refused.setdefault(command, set()).add(kind)
    for module, source in sources:
        print(f"module\t{module}\t{source}")
        for command, its, where, how, text in rows:
            if its == module:
                print(
                    "\t".join(
                        ("", command, how, str(where), ",".join(sorted(refused.get(command, ()))), text.replace("\n", "\\n"))
                    )
                )


if __name__ == "__main__":
    sys.exit(main())
