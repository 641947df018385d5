"""Small configurations, and what `apachectl configtest` said of them.

`configtest.conf` has the cases: `#=== NAME` begins one, `#modules`, `#defines` and `#file NAME` say what stands around it;
`{DIR}` is its folder. `configtest.json` has the answers of a real Apache (scripts/record_configtest.py). `verdicts.conf` and
`verdicts.json` have those whose fault is found by what a directive means. In `lines.conf` each line is a case, of what one
directive takes; a broken bar in it is the end of a line.
"""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
USUAL = [
    "mpm_event",
    "authn_core",
    "authz_core",
    "authz_host",
    "authz_user",
    "auth_basic",
    "authn_file",
    "access_compat",
    "alias",
    "env",
    "setenvif",
    "headers",
    "rewrite",
    "macro",
    "proxy",
    "proxy_http",
    "socache_shmcb",
    "ssl",
]


@dataclass(frozen=True)
class Case:
    name: str
    text: str
    modules: tuple[str, ...]
    defines: tuple[str, ...]
    files: tuple[tuple[str, str], ...]

    def write(self, folder: Path) -> Path:
        """Write it to a folder, and return the path of the main file."""
        for name, text in self.files:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.replace("{DIR}", str(folder)).encode("utf-8", "surrogateescape"))
        lines = ["ServerRoot {DIR}", "DefaultRuntimeDir {DIR}", "ErrorLog {DIR}/error.log"]
        if self.modules:
            lines += [f"LoadModule {one}_module /usr/lib/apache2/modules/mod_{one}.so" for one in self.modules]
        path = folder / "hub.conf"
        text = "".join(f"{one}\n" for one in lines) + self.text
        path.write_bytes(text.replace("{DIR}", str(folder)).encode("utf-8", "surrogateescape"))
        return path


def cases(name: str = "configtest") -> list[Case]:
    whole = (FOLDER / f"{name}.conf").read_bytes().decode("utf-8", "surrogateescape")
    found = []
    for name, text in zip(*[iter(re.split(r"^#=== (.*)\n", whole, flags=re.MULTILINE)[1:])] * 2, strict=True):
        modules, defines = list(USUAL), []
        parts = re.split(r"^#file (.*)\n", text, flags=re.MULTILINE)
        main = parts[0]
        if its := re.search(r"^#modules ?(.*)\n", main, flags=re.MULTILINE):
            modules = its[1].split()
            main = main.replace(its[0], "")
        if its := re.search(r"^#defines (.*)\n", main, flags=re.MULTILINE):
            defines = its[1].split()
            main = main.replace(its[0], "")
        # \0, \r and \v are hard to keep in a text file.
        main = main.replace("{NUL}", "\0").replace("{CR}", "\r").replace("{VT}", "\v")
        files = tuple(zip(parts[1::2], parts[2::2], strict=True))
        found.append(Case(name, main, tuple(modules), tuple(defines), files))
    return found


def lines() -> list[Case]:
    """Return the cases of `lines.conf`: the modules stand above them."""
    found: list[Case] = []
    modules: tuple[str, ...] = ()
    for line in (FOLDER / "lines.conf").read_text().splitlines():
        if line.startswith("#modules "):
            modules = tuple(line.split()[1:])
        else:
            found.append(Case(line, line.replace("¦", "\n") + "\n", modules, (), ()))
    return found
