"""A tool as a value: a function, the toolset it belongs to, and what it does to money and things.

`AkashTool` is the SDK's tool with five differences, each of which a model or its owner would otherwise pay for:
unknown arguments are refused, schemas are flat and slim, errors are our own sentences with a code for programs (never
a traceback, never an echo of what was passed in), a result travels once as compact JSON text and once as structured
content, and each answer takes along what happened since the last one.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools.base import Tool
from mcp.types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import BaseModel, ValidationError

from akash_mcp.errors import NOTHING_MOVED, AkashError, BadArgument, InternalError, NotApproved
from akash_mcp.tools import task_call
from akash_mcp.tools.approval import is_asked_at_akua, op_id_of_yes
from akash_mcp.tools.arguments import given
from akash_mcp.tools.deadline import bounded, start_call
from akash_mcp.tools.error_result import error_result
from akash_mcp.tools.hiding import hidden, learn_secrets, tool_result
from akash_mcp.tools.new_notices import FIELD, SCHEMA, take_notices
from akash_mcp.workflow import play_money as play_money_words
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)


class Effect(StrEnum):
    """What calling a tool can do. Read-only servers have the tools that read, and no others."""

    READS = "reads"
    CHANGES = "changes"
    SPENDS = "spends"
    DELETES = "deletes"


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool, before it is registered. Its name is the function's, its description the function's docstring.

    `idempotent`: the same call again does nothing more. `open_world`: it asks the Console, the chain, providers or
    registries. `carry_out`: of a tool that plans, what is done with the decision on a plan of its, which `confirm`
    brings too.
    """

    function: Callable[..., Awaitable[Any]]
    title: str
    effect: Effect
    idempotent: bool = False
    open_world: bool = True
    text_only: bool = False
    carry_out: Callable[[Any, Any], Awaitable[BaseModel]] | None = None

    @property
    def name(self) -> str:
        """The tool's name."""
        return self.function.__name__

    @property
    def reads(self) -> bool:
        """Whether it only reads."""
        return self.effect is Effect.READS

    @property
    def plans(self) -> bool:
        """Whether it makes plans that `confirm` carries out."""
        return self.carry_out is not None

    def build(self, *, play_money: bool = False) -> AkashTool:
        """The tool as servers register it: made once a process, since its schemas take 7 ms and nothing changes it."""
        return _built(self, play_money)


@cache
def _built(spec: ToolSpec, play_money: bool) -> AkashTool:
    tool = AkashTool.from_function(
        bounded(spec.function),
        title=spec.title,
        description=" ".join((spec.function.__doc__ or "").split()),
        annotations=ToolAnnotations(
            read_only_hint=spec.effect is Effect.READS,
            destructive_hint=spec.effect in (Effect.SPENDS, Effect.DELETES),
            idempotent_hint=spec.idempotent or spec.effect is Effect.READS,
            open_world_hint=spec.open_world,
        ),
        structured_output=False if spec.text_only else None,
    )
    assert isinstance(tool, AkashTool)
    tool.make_strict(
        {FIELD: SCHEMA} | ({play_money_words.FIELD: play_money_words.SCHEMA} if play_money else {})
    )
    return tool


class AkashTool(Tool):
    """See the module's docstring."""

    def make_strict(self, also_answered: dict[str, Any]) -> None:
        """Refuse unknown arguments and slim both schemas. Once, before the tool is first listed.

        `also_answered`: the fields that any answer may have.
        """
        arguments = self.fn_metadata.arg_model
        arguments.model_config["extra"] = "forbid"
        arguments.model_rebuild(force=True)
        self.parameters = {**slim(self.parameters, left_out=_CHECKED_HERE), "additionalProperties": False}
        if self.fn_metadata.output_schema is not None:
            schema = slim(self.fn_metadata.output_schema)
            schema["properties"] = schema["properties"] | also_answered
            self.fn_metadata.output_schema = schema

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> Any:
        """Run the tool; see the module's docstring for what becomes of its result and errors."""
        start_call()
        arguments = given(arguments)
        services = context.request_context.lifespan_context
        try:
            _refuse_halves(self.name, arguments)
            if await _goes_by_akash(services, self.name, arguments):
                await bounded(services.accounts.recall)()
            note = await bounded(learn_secrets)(services, arguments)
            result = await super().run(arguments, context)
        except (ToolError, AkashError) as raised:
            error = self._in_our_words(raised)
            if isinstance(error, InternalError):  # its traceback goes to stderr; the model gets none of it
                log.error("%s broke", self.name, exc_info=raised)
            else:
                log.info("%s failed: %s", self.name, error.code)
            return error_result(
                error,
                retryable=self._may_be_repeated(error),
                notices=await take_notices(services),
                play_money=services.play_money,
            )
        if isinstance(result, BaseModel) and not isinstance(result, CallToolResult):
            if isinstance(result, InputRequiredResult):
                return result
            goes_on = (call := task_call.current()) is not None and call.op_id is not None
            notices = [] if goes_on else await take_notices(services)
            return tool_result(result, note, notices, play_money=services.play_money)
        if isinstance(result, str):
            result = hidden("\n".join(filter(None, [result, note, *await take_notices(services)])))
        return self.fn_metadata.convert_result(result)

    def _may_be_repeated(self, error: AkashError) -> bool:
        """Whether a call that failed in this way may be sent again: by a tool that does nothing twice, or where no
        money moved."""
        assert self.annotations is not None
        return error.retryable and (bool(self.annotations.idempotent_hint) or error.money == NOTHING_MOVED)

    def _in_our_words(self, error: ToolError | AkashError) -> AkashError:
        cause = error if isinstance(error, AkashError) else error.__cause__
        if isinstance(cause, AkashError):
            return cause
        if isinstance(cause, ValidationError):
            problems = "; ".join(_problem(dict(problem)) for problem in cause.errors())
            return BadArgument(f"{self.name} was not called: {problems}.", next_step="Correct the arguments.")
        if isinstance(error, UnexpectedToolError):
            return self._broken()
        if isinstance(cause, ToolError) and "elicitation" in str(cause):
            return NotApproved(
                "The client answered the question without a clear yes, so it counts as a no.",
                next_step="Ask the user what they want; do not call again unasked.",
            )
        return AkashError(f"{error}.")

    def _broken(self) -> InternalError:
        what = f"{self.name} failed inside this server; the user finds the details in its log."
        if self.annotations is not None and self.annotations.read_only_hint:
            return InternalError(what)
        return InternalError(
            what,
            money="Whether money moved is not known.",
            next_step="Look with list_deployments before trying again.",
        )


async def _goes_by_akash(services: Runtime, tool: str, arguments: dict[str, Any]) -> bool:
    """Whether a call goes by the account of the Console's key, which may have to be read from a keyring first. None at
    Akua does, and what `confirm` is about its yes says."""
    if tool != "confirm":
        return not tool.startswith("akua_")
    return not await is_asked_at_akua(services, op_id_of_yes(str(arguments.get("approval_token", ""))))


def _refuse_halves(tool: str, value: Any) -> None:
    """Raise `BadArgument` for text with half a character in it (a lone surrogate): it can be neither kept nor sent."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as half:
            raise BadArgument(
                f"{tool} was not called: an argument holds half a character, which is not text."
            ) from half
    elif isinstance(value, dict):
        for item in (*value.keys(), *value.values()):
            _refuse_halves(tool, item)
    elif isinstance(value, list):
        for item in value:
            _refuse_halves(tool, item)


def _problem(problem: dict[str, Any]) -> str:
    """One finding of pydantic's, without the rejected value: that is the caller's data and may be a secret."""
    name = ".".join(str(part) for part in problem["loc"]) or "arguments"
    if problem["type"] == "extra_forbidden":
        return f"there is no argument {name!r}"
    if problem["type"] == "missing":
        return f"argument {name!r} is missing"
    if problem["type"] == "value_error":
        return f"{name}: {problem['ctx']['error']}"
    return f"{name}: {problem['msg'].lower()}"


_CHECKED_HERE = frozenset(
    (
        *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "minItems", "maxItems"),
        "default",
    )
)
"""What the server refuses with a sentence, or fills in. Anthropic's strict tools refuse a schema with bounds, OpenAI's
one with a default, older Gemini both; and every session would pay for them. What a model should know of it stands in
the description."""


def slim(schema: dict[str, Any], *, left_out: Collection[str] = ()) -> dict[str, Any]:
    """A JSON schema without titles, `$ref`, null unions and null defaults: fewer tokens, and hosts refuse the rest.
    Nor is in it what is `left_out`."""
    definitions = schema.get("$defs", {})

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            target = definitions[node["$ref"].rsplit("/", 1)[-1]]
            return walk({**copy.deepcopy(target), **{k: v for k, v in node.items() if k != "$ref"}})
        if "anyOf" in node:
            options = [option for option in node["anyOf"] if option != {"type": "null"}]
            if len(options) == 1:
                rest = {k: v for k, v in node.items() if k != "anyOf" and not (k == "default" and v is None)}
                return walk({**options[0], **rest})
        out: dict[str, Any] = {}
        for key, value in node.items():
            if key in left_out or key == "$defs" or (key == "title" and isinstance(value, str)):
                continue
            if key == "properties":
                out[key] = {name: walk(child) for name, child in value.items()}
            elif key == "const":
                out["enum"] = [value]
            elif key in ("enum", "default", "required", "examples"):
                out[key] = value
            else:
                out[key] = walk(value)
        return out

    slimmed = walk(schema)
    assert isinstance(slimmed, dict)
    return slimmed
