from pathlib import Path

import pytest

from perijove.config.apache.build import Builder
from perijove.config.apache.defines import Variables
from perijove.config.apache.modules import STATIC
from perijove.config.apache.nodes import Node
from perijove.text.source import Source


def built(text: str, *modules: str, root: str = "/", environment: dict[str, str] | None = None) -> tuple[Builder, list[Node]]:
    builder = Builder(Variables(environment or {}), root, (*STATIC, *modules))
    return builder, builder.file(Source("hub.conf", text))


def shown(nodes: list[Node]) -> list[object]:
    return [[one.name, shown(one.children)] if one.name.startswith("<") else f"{one.name} {one.args}" for one in nodes]


def told(builder: Builder) -> list[tuple[str, int]]:
    return [(one.name, one.where.line if one.where else 0) for one in builder.diagnostics]


def test_tree() -> None:
    _, nodes = built("A 1\n<B x>\nC 2\n<D>\n</D>\n</B>\n# E\nF")
    assert shown(nodes) == ["A 1", ["<B", ["C 2", ["<D", []]]], "F "]


def test_conditions_leave_no_trace() -> None:
    _, nodes = built("<IfModule core.c>\nA 1\n<IfModule nix.c>\nB 2\n</IfModule>\n<C>\nD\n</C>\n</IfModule>\nE")
    assert shown(nodes) == ["A 1", ["<C", ["D "]], "E "]


def test_order_matters_for_what_is_carried_out_at_once() -> None:
    load = "LoadModule macro_module mod_macro.so"
    builder, nodes = built(f"<IfModule mod_macro.c>\nA\n</IfModule>\n{load}\n<IfModule mod_macro.c>\nB\n</IfModule>")
    assert shown(nodes) == ["B "]
    assert "macro" in builder.modules
    # Without the module, Use and Macro are directives like any other, which the check will not find.
    assert shown(built(f"Use a\n{load}")[1]) == ["Use a"]


@pytest.mark.parametrize(
    ("text", "faults", "tree"),
    [
        ("</A>\nB", [("section-not-open", 1)], ["B "]),
        ("<A>\nB", [("section-not-closed", 1)], [["<A", ["B "]]]),
        ("<A>\n<B>\n</A>\nC", [("sections-cross", 3)], [["<A", [["<B", []]]], "C "]),
        ("<A>\n</B>\n</A>\nC", [("sections-cross", 2)], [["<A", []], "C "]),
        ("<A>\n</A\nB", [("bracket-missing", 2)], [["<A", []], "B "]),
        ("<IfModule core.c>\n<A>\n</IfModule>\nB", [("sections-cross", 3)], [["<A", []], "B "]),
        ("<A>\n<IfModule core.c>\n</A>\n</IfModule>\nB", [("section-not-open", 3)], [["<A", ["B "]]]),
        ("<IfModule nix.c>\n<A>\n</B>\n</A>\n</IfModule>\nC", [("sections-cross", 3)], ["C "]),
        ("<IfModule nix.c>\nC", [("section-not-closed", 1)], []),
        ("<IfModule core.c>\nC", [("section-not-closed", 1)], ["C "]),
        ("Define a b c\nDefine\nB", [("too-many-arguments", 1), ("too-few-arguments", 2)], ["B "]),
        ("<IfVersion>\nA\n</IfVersion>\nB", [("bad-condition", 1)], ["B "]),
    ],
)
def test_goes_on_after_a_fault(text: str, faults: list[tuple[str, int]], tree: list[object]) -> None:
    builder, nodes = built(text)
    assert told(builder) == faults
    assert shown(nodes) == tree


def test_includes(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("A\nInclude b.conf\n")
    (tmp_path / "b.conf").write_text("B\n${X}\n")
    builder, nodes = built("Include a.conf\nInclude nix\nC", root=str(tmp_path))
    assert shown(nodes) == ["A ", "B ", "${X} ", "C "]
    assert builder.files == ["hub.conf", str(tmp_path / "a.conf"), str(tmp_path / "b.conf")]
    assert [(one.source.name, one.line) for one in nodes[1].via] == [("hub.conf", 1), (str(tmp_path / "a.conf"), 2)]
    assert told(builder) == [("undefined-variable", 2), ("include-not-found", 2)]


def test_a_loop_of_includes_ends(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("Include *\nInclude *\n<IfModule core.c>\nInclude *\n</IfModule>\n")
    builder, _ = built("Include *", root=str(tmp_path))
    assert [name for name, _ in told(builder)] == ["include-loop"]


@pytest.mark.parametrize("line", ["<A>", "<IfModule core.c>", "<IfModule core.c>\n<A>"])
def test_a_nest_without_end_ends(line: str) -> None:
    builder, _ = built(f"{line}\n" * 5000)
    assert "too-much" in [name for name, _ in told(builder)]


def test_macros_that_multiply_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perijove.config.apache.build._LINES", 10_000)
    text = "<Macro m0>\nA\n</Macro>\n"
    for i in range(1, 40):
        text += f"<Macro m{i}>\nUse m{i - 1}\nUse m{i - 1}\n</Macro>\n"
    builder, _ = built(text + "Use m39", "macro")
    assert [name for name, _ in told(builder)] == ["too-much"]


def test_macros() -> None:
    builder, nodes = built("<Macro Host $p>\n<A $p>\nB $p\n</A>\n</Macro>\nUse HOST 80\nUse host 81", "macro")
    assert shown(nodes) == [["<A", ["B 80"]], ["<A", ["B 81"]]]
    assert [one.args for one in nodes] == ["80>", "81>"]
    assert [one.line.span().line for one in nodes] == [2, 2]
    assert [one.via[0].line for one in nodes] == [6, 7]
    assert not builder.diagnostics


def test_where_a_macro_is_used_is_told() -> None:
    builder, _ = built("<Macro m>\n</A>\n</Macro>\n\nUse m", "macro")
    (fault,) = builder.diagnostics
    assert fault.where is not None
    assert fault.where.line == 2
    assert fault.help.endswith("; the macro is used at hub.conf:5")


def test_server_root(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_text("A")
    builder, nodes = built("ServerRoot sub\nInclude a", root=str(tmp_path))
    assert shown(nodes) == ["A "]
    assert builder.root == str(tmp_path / "sub")


def test_programs_of_lua_are_passed_over() -> None:
    _, nodes = built("<LuaHookFixups x>\nfunction () end\n</LuaHookFixups>\nA", "lua")
    assert shown(nodes) == [["<LuaHookFixups", []], "A "]


def test_modules() -> None:
    def load(*names: str) -> Builder:
        return built("".join(f"LoadModule {one}_module modules/mod_{one}.so\n" for one in names))[0]

    assert told(load("proxy", "proxy")) == [("module-loaded-twice", 2)]
    assert told(load("core")) == [("module-is-static", 1)]
    assert told(load("mpm_event", "mpm_worker")) == [("two-mpms", 2)]
    assert told(built("LoadModule proxy_module x/mod_env.so")[0]) == [("wrong-module-file", 1)]
    assert built("LoadModule mod_shib /x/mod_shib.so")[0].modules >= {"mod_shib"}


def test_macros_that_double_macro_after_macro_come_to_an_end() -> None:
    doubled = "".join(f"<Macro M{n}>\nUse M{n - 1}\nUse M{n - 1}\n</Macro>\n" for n in range(1, 40))
    builder = Builder(Variables({}, set()), "/", (*STATIC, "macro"))
    builder.file(Source("a.conf", f"<Macro M0>\nErrorLog a\n</Macro>\n{doubled}Use M39\n"))
    assert "macros make more than 50000 lines" in [one.message for one in builder.diagnostics]
