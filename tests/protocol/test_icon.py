"""The icon is shown once, and no answer pays for it."""

from __future__ import annotations

import pytest
from agents import ERAS, Connect
from mcp.types import SERVER_INFO_META_KEY

from akash_mcp.protocol.icon import ICON

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("era", ERAS)
async def test_who_connects_sees_the_icon_and_no_answer_repeats_it(era: str, connect: Connect) -> None:
    async with connect(era) as agent:
        if era == "legacy":
            assert agent.client.server_info is not None
            (icon,) = agent.client.server_info.icons or []
            assert icon.src == ICON["src"]
        else:
            told = await agent.client.session.send_discover(era)
            assert told["_meta"][SERVER_INFO_META_KEY]["icons"] == [ICON]
        answer = await agent.ask("list_operations")
        assert ICON["src"] not in answer.model_dump_json(by_alias=True)
