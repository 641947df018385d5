from perijove.config.apache.flow import Flow
from perijove.config.apache.methods import ALLOWED, of_files
from perijove.gateway.rules import Refuse


def test_files_have_their_methods() -> None:
    flow = Flow()
    of_files(flow, ALLOWED)
    found = [rule.do for rule in flow.rules()]
    assert [one.status for one in found if isinstance(one, Refuse)] == [200, 501, 405]
    assert [bool(one.allow) for one in found if isinstance(one, Refuse)] == [True, True, True]
