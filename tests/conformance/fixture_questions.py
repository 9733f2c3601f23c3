"""What the official suite is asked: before 2026-07-28 inside a call, since then by an answer that wants one.

The latter are called again with what was asked for. What they remember until then is sealed by the server's own
codec, as that of `deploy` is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import anyio
from fixture_contents import Ctx, result, text
from mcp import MCPError
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts.base import Prompt
from mcp.types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolResult,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingCapability,
    SamplingMessage,
    TextContent,
)

from akash_mcp.tools.tool import Effect, ToolSpec

_PAUSE = 0.05  # seconds, as the suite asks for

Answered = CallToolResult | InputRequiredResult
Schema = dict[str, Any]


async def _asked(ctx: Ctx, message: str, schema: Schema) -> CallToolResult:
    answer = await ctx.session.elicit_form(message, schema, related_request_id=ctx.request_id)
    return result(text(f"Elicitation completed: action={answer.action}, content={answer.content}"))


async def test_elicitation(ctx: Ctx, message: str) -> CallToolResult:
    """Ask for a name and an address."""
    fields = {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    }
    return await _asked(ctx, message, _form(fields))


async def test_elicitation_sep1034_defaults(ctx: Ctx) -> CallToolResult:
    """Ask with a default for each kind of field."""
    fields: Schema = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    }
    return await _asked(ctx, "Please correct what is filled in", _form(fields, required=()))


async def test_elicitation_sep1330_enums(ctx: Ctx) -> CallToolResult:
    """Ask for a choice in each way that a choice can be written."""
    options, few = ["option1", "option2", "option3"], ["opt1", "opt2", "opt3"]
    titled = [
        {"const": f"value{number}", "title": f"{nth} Option"}
        for number, nth in enumerate(("First", "Second", "Third"), 1)
    ]
    fields: Schema = {
        "untitledSingle": {"type": "string", "enum": options},
        "titledSingle": {"type": "string", "oneOf": titled},
        "legacyEnum": {
            "type": "string",
            "enum": few,
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled}},
    }
    return await _asked(ctx, "Please choose", _form(fields, required=()))


async def test_sampling(ctx: Ctx, prompt: str) -> CallToolResult:
    """Ask the client's model."""
    answer = await ctx.session.create_message(
        [SamplingMessage(role="user", content=TextContent(type="text", text=prompt))],
        max_tokens=100,
        related_request_id=ctx.request_id,
    )
    return result(text(f"LLM response: {_said(answer)}"))


async def _logging(ctx: Ctx) -> CallToolResult:
    for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.session.send_log_message("info", words, related_request_id=ctx.request_id)
        await anyio.sleep(_PAUSE)
    return result(text("Logged three times."))


async def test_tool_with_logging(ctx: Ctx) -> CallToolResult:
    """Log three times."""
    return await _logging(ctx)


async def test_logging_tool(ctx: Ctx) -> CallToolResult:
    """Log three times, to a client that may not have asked for it."""
    return await _logging(ctx)


async def test_missing_capability(ctx: Ctx) -> CallToolResult:
    """Need what the client has not declared."""
    if ctx.client_capabilities is None or ctx.client_capabilities.sampling is None:
        needed = ClientCapabilities(sampling=SamplingCapability())
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This tool needs sampling",
            {"requiredCapabilities": needed.model_dump(by_alias=True, exclude_none=True)},
        )
    return result(text("The client has it."))


async def test_trigger_tool_change(ctx: Ctx) -> CallToolResult:
    """Say that the list of tools changed."""
    await ctx.notify_tools_changed()
    return result(text("Said."))


async def test_trigger_prompt_change(ctx: Ctx) -> CallToolResult:
    """Say that the list of prompts changed."""
    await ctx.notify_prompts_changed()
    return result(text("Said."))


async def test_input_required_result_elicitation(ctx: Ctx) -> Answered:
    """Want a name."""
    answer = _form_answer(ctx, "user_name", "name")
    if answer is None:
        return InputRequiredResult(input_requests={"user_name": _name("What is your name?")})
    return result(text(f"Hello, {answer}!"))


async def test_streaming_elicitation(ctx: Ctx) -> Answered:
    """Want a name, in a stream."""
    await ctx.report_progress(0, 1)
    return await test_input_required_result_elicitation(ctx)


async def test_input_required_result_sampling(ctx: Ctx) -> Answered:
    """Want a model's answer."""
    answer = _answers(ctx).get("capital_question")
    if not isinstance(answer, CreateMessageResult):
        question = _sample("What is the capital of France?", 100)
        return InputRequiredResult(input_requests={"capital_question": question})
    return result(text(_said(answer)))


async def test_input_required_result_list_roots(ctx: Ctx) -> Answered:
    """Want the client's folders."""
    answer = _answers(ctx).get("client_roots")
    if not isinstance(answer, ListRootsResult):
        return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})
    return result(text(_roots(answer)))


async def _confirmed(ctx: Ctx) -> Answered:
    if ctx.request_state != "asked" or _form_answer(ctx, "confirm", "ok") is None:
        ask = _elicit("Please confirm", _form({"ok": {"type": "boolean"}}))
        return InputRequiredResult(input_requests={"confirm": ask}, request_state="asked")
    return result(text("state-ok"))


async def test_input_required_result_request_state(ctx: Ctx) -> Answered:
    """Want a yes, and what it remembers back."""
    return await _confirmed(ctx)


async def test_input_required_result_tampered_state(ctx: Ctx) -> Answered:
    """Want a yes, and what it remembers back as it was."""
    return await _confirmed(ctx)


async def test_input_required_result_multiple_inputs(ctx: Ctx) -> Answered:
    """Want a name, a greeting and folders."""
    greeting, roots = _answers(ctx).get("greeting"), _answers(ctx).get("client_roots")
    name = _form_answer(ctx, "user_name", "name")
    if (
        name is None
        or not isinstance(greeting, CreateMessageResult)
        or not isinstance(roots, ListRootsResult)
    ):
        wanted: dict[str, InputRequest] = {
            "user_name": _name("What is your name?"),
            "greeting": _sample("Generate a greeting", 50),
            "client_roots": ListRootsRequest(),
        }
        return InputRequiredResult(input_requests=wanted, request_state="asked")
    return result(text(f"{_said(greeting)} {name} {_roots(roots)}"))


async def test_input_required_result_multi_round(ctx: Ctx) -> Answered:
    """Want a name, and then a colour."""
    color = _form_answer(ctx, "step2", "color")
    if color is not None and ctx.request_state is not None:
        return result(text(f"{ctx.request_state} likes {color}."))
    name = _form_answer(ctx, "step1", "name")
    if name is None:
        ask = _name("Step 1: What is your name?")
        return InputRequiredResult(input_requests={"step1": ask}, request_state="nobody")
    ask = _elicit("Step 2: What is your favorite color?", _form({"color": {"type": "string"}}))
    return InputRequiredResult(input_requests={"step2": ask}, request_state=str(name))


async def test_input_required_result_capabilities(ctx: Ctx) -> Answered:
    """Want only what the client has declared that it can give."""
    can = ctx.client_capabilities or ClientCapabilities()
    wanted: dict[str, InputRequest] = {}
    if can.elicitation is not None:
        wanted["user_name"] = _name("What is your name?")
    if can.sampling is not None:
        wanted["greeting"] = _sample("Generate a greeting", 50)
    if not wanted or _answers(ctx):
        return result(text("Nothing more is wanted."))
    return InputRequiredResult(input_requests=wanted)


async def test_input_required_result_prompt(ctx: Ctx) -> str | InputRequiredResult:
    """A prompt that wants a context."""
    context = _form_answer(ctx, "user_context", "context")
    if context is None:
        ask = _elicit("What context should the prompt use?", _form({"context": {"type": "string"}}))
        return InputRequiredResult(input_requests={"user_context": ask})
    return f"Go on with this context: {context}"


_FUNCTIONS: tuple[Callable[..., Awaitable[Any]], ...] = (
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
    test_sampling,
    test_tool_with_logging,
    test_logging_tool,
    test_missing_capability,
    test_trigger_tool_change,
    test_trigger_prompt_change,
    test_streaming_elicitation,
    test_input_required_result_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_request_state,
    test_input_required_result_tampered_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
    test_input_required_result_capabilities,
)
QUESTIONS = tuple(
    ToolSpec(function, title=function.__name__, effect=Effect.READS, text_only=True)
    for function in _FUNCTIONS
)


def add_asking_prompt(server: MCPServer[Any]) -> None:
    """Add the prompt that asks."""
    server.add_prompt(Prompt.from_function(test_input_required_result_prompt))


def _form(fields: Schema, required: tuple[str, ...] | None = None) -> Schema:
    return {"type": "object", "properties": fields, "required": [*(fields if required is None else required)]}


def _elicit(message: str, schema: Schema) -> ElicitRequest:
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _name(message: str) -> ElicitRequest:
    return _elicit(message, _form({"name": {"type": "string"}}))


def _sample(question: str, most: int) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=text(question))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=most))


def _answers(ctx: Ctx) -> dict[str, Any]:
    return dict(ctx.input_responses or {})


def _form_answer(ctx: Ctx, key: str, field: Literal["name", "ok", "color", "context"]) -> object | None:
    """What stands in a form that came back filled in; None where it did not, and is to be asked for again."""
    answer = _answers(ctx).get(key)
    if not isinstance(answer, ElicitResult) or answer.action != "accept":
        return None
    return (answer.content or {}).get(field)


def _said(answer: CreateMessageResult) -> str:
    return answer.content.text if isinstance(answer.content, TextContent) else ""


def _roots(answer: ListRootsResult) -> str:
    return " ".join(f"{root.name} {root.uri}" for root in answer.roots)
