from perijove.config.apache.table import How, Where, table


def test_what_the_binaries_say() -> None:
    """A sample, checked by hand against httpd's sources."""
    (one,) = table().commands["proxypassreverse"]
    assert (one.name, one.module, one.how) == ("ProxyPassReverse", "proxy", How.TAKE123)
    assert one.where == Where.RSRC_CONF | Where.ACCESS_CONF
    assert one.within == {"limit", "directory", "files", "if"}
    assert one.about == "a virtual path and a URL for reverse proxy behaviour"
    (one,) = table().commands["sslproxyengine"]
    assert one.where == Where.RSRC_CONF | Where.PROXY_CONF
    assert {one.module for one in table().commands["listen"]} == {"mpm_event", "mpm_worker", "mpm_prefork"}


def test_what_is_carried_out_at_once() -> None:
    names = {its[0].name for its in table().commands.values() if its[0].at_once}
    expected = {"<IfModule", "<IfDefine", "<IfVersion", "<Macro", "Use", "Include", "Define", "LoadModule", "ServerRoot"}
    assert expected < names


def test_names_of_sources() -> None:
    sources = table().sources
    assert (sources["core"], sources["mpm_event"], sources["proxy"]) == ("core.c", "event.c", "mod_proxy.c")
