"""The record of what the server says at first, made from the SDK's own answers when a version is made.

It holds for the versions of the libraries that it was made with, since those decide every byte.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable

from akash_mcp.fast_start.early_answers import ENVELOPE, HANDSHAKE
from akash_mcp.tool_choice import Serving, choose, serves_akua

TYPE_CHECKING = False  # importing typing for it would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any

PATH = os.path.join(os.path.dirname(__file__), "record.json")


class RecordedTool:
    """A tool of the record: what the choice of tools asks about it, and how each era lists it."""

    __slots__ = ("listed", "plans", "reads")

    def __init__(self, tool: dict[str, Any]) -> None:
        self.reads: bool = tool["reads"]
        self.plans: bool = tool["plans"]
        self.listed: dict[str, Any] = tool["listed"]


class Record:
    """What a server says at first, for whatever it may serve."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.made_with: dict[str, str] = record["made_with"]
        self.versions = {era: tuple(record["eras"][era]["versions"]) for era in (HANDSHAKE, ENVELOPE)}
        self._eras = record["eras"]
        self._tools = {name: RecordedTool(tool) for name, tool in record["tools"].items()}
        self.toolsets = {
            toolset: tuple(self._tools[name] for name in names)
            for toolset, names in record["toolsets"].items()
        }

    def results(self, serving: Serving) -> Callable[[str, str, str], str]:
        """What gives the JSON text of a result, by era, method and protocol version."""
        return lambda era, method, version: self._result(serving, era, method, version)

    def _result(self, serving: Serving, era: str, method: str, version: str) -> str:
        said = self._eras[era]
        result = dict(said["results"][method])
        if serving.sandbox:
            result |= said["on_sandbox"].get(method, {})
        if "instructions" in result and serves_akua(serving.toolsets):
            result = {**result, "instructions": result["instructions"] + said["instructions_with_akua"]}
        if "protocolVersion" in result:
            result = {**result, "protocolVersion": version}
        if "tools" in result:
            tools = choose(
                self.toolsets,
                serving.toolsets,
                read_only=serving.read_only,
                confirm=self._tools["confirm"],
            )
            listed = [tool.listed[era] for tool in tools]
            if serving.sandbox:
                listed = [_also_answering(tool, said["answers_also_on_sandbox"]) for tool in listed]
            result = {**result, "tools": listed}
        return json.dumps(result, ensure_ascii=False, separators=(",", ":"))


def _also_answering(tool: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """A tool whose answers have more fields, where its answers have any."""
    if "outputSchema" not in tool:
        return tool
    schema = tool["outputSchema"]
    return {**tool, "outputSchema": {**schema, "properties": {**schema["properties"], **fields}}}


def load() -> Record:
    """The record that comes with the package. Raises `OSError` or `ValueError` where it cannot be read."""
    with open(PATH, encoding="utf-8") as file:
        return Record(json.load(file))


def is_made_with(versions: dict[str, str], folders: Iterable[str]) -> bool:
    """Whether these versions of these packages are what is installed in the first of `folders` that has any of them.

    A version may be the beginning of one, such as `2.14.`.
    """
    for folder in folders:
        try:
            names = os.listdir(folder or os.curdir)
        except OSError:
            continue
        installed = [name.removesuffix(".dist-info") for name in names if name.endswith(".dist-info")]
        found = {package: version for package, _, version in (name.rpartition("-") for name in installed)}
        if versions.keys() & found.keys():
            return all(found.get(package, "").startswith(version) for package, version in versions.items())
    return False
