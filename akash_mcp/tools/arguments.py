"""The arguments that many tools share, each with its schema and the check that stands behind it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from akash_mcp.errors import BadArgument
from akash_mcp.ids import Dseq, parse_dseq, parse_provider
from akash_mcp.ids import ProviderAddress as Address
from akash_mcp.market.ranking import Prefer
from akash_mcp.money import NotMoney, Usd
from akash_mcp.sdl.yaml.arrival import is_path, unfenced
from akash_mcp.workflow.jobs.until import Until, parse_until

ADDED_BY_HOSTS = frozenset(
    (
        "toolCallId",  # n8n's MCP Client Tool, with the next three where a chat started the workflow (n8n issue 21500)
        "sessionId",
        "action",
        "chatInput",
        "wait_for_previous",  # Gemini CLI, for the order of its calls (MemPalace/mempalace pull request 322)
        "waitForPreviousTools",  # Antigravity, for the same
    )
)
"""Arguments that no model chose and no tool has: they mean something to the host alone. Any other that a tool does not
have is refused, since it may be a limit that somebody misspelt."""


def given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that a caller means: without what its host adds, and without null, by which callers that have to
    name every argument leave one out (OpenAI's strict mode)."""
    return {
        name: value for name, value in arguments.items() if value is not None and name not in ADDED_BY_HOSTS
    }


def _usd(value: Any) -> Usd:
    if isinstance(value, Usd):
        return value
    # JSON has one kind of number and Python reads it as a float; its shortest text is what was written.
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise NotMoney("expected an amount in US dollars")
    amount = Usd.parse(str(value) if isinstance(value, float) else value)
    if not amount:
        raise NotMoney("must be more than 0 USD")
    return amount


def _dseq(value: Any) -> Dseq:
    return parse_dseq(str(value))


def _until(value: Any) -> Until:
    if isinstance(value, Until):
        return value
    try:
        return parse_until(str(value))
    except BadArgument as bad:
        raise ValueError(f"{bad.what} {bad.next_step}".rstrip(".")) from None


def _provider(value: Any) -> Address:
    return parse_provider(str(value).strip())


def yaml_text(value: Any) -> Any:
    """YAML as a model sends it: a fence of backticks is taken off, and a path is told from the text that is meant."""
    if not isinstance(value, str):
        return value
    if is_path(value):
        raise ValueError(
            "this is the path of a file, and the server reads no files: send the text that it holds"
        )
    return unfenced(value)


UsdArg = Annotated[Usd, BeforeValidator(_usd), WithJsonSchema({"type": "number"})]
DseqArg = Annotated[
    Dseq,
    BeforeValidator(_dseq),
    WithJsonSchema({"type": "string", "pattern": r"^\d+$", "description": "The deployment"}),
]
ProviderArg = Annotated[
    Address,
    BeforeValidator(_provider),
    WithJsonSchema({"type": "string", "pattern": "^akash1"}),
]
PreferArg = Annotated[Prefer, Field(description="Balanced if absent")]
UntilArg = Annotated[
    Until,
    BeforeValidator(_until),
    WithJsonSchema(
        {
            "type": "string",
            "description": "Closes a job at a text in its log or its program's end: log:SERVICE:TEXT, exit:SERVICE",
        }
    ),
]
SdlArg = Annotated[
    str, BeforeValidator(yaml_text), Field(description="YAML text, or its sdl_id", max_length=512 * 1024)
]
ComposeArg = Annotated[
    str, BeforeValidator(yaml_text), Field(description="The file's YAML text", max_length=512 * 1024)
]
RegionsArg = Annotated[
    list[Annotated[str, Field(max_length=60)]], Field(description="Germany, DE, EU, us-west", max_length=10)
]
NameArg = Annotated[str | None, Field(description="What to call it", max_length=200)]

_TEXT = WithJsonSchema({"type": "string"})
UsdOut = Annotated[Usd, PlainSerializer(lambda usd: usd.plain(), return_type=str), _TEXT]
"""What something costs, in US dollars, as a decimal text that is rounded up: `"0.0124"`."""
UsdLeft = Annotated[Usd, PlainSerializer(lambda usd: usd.plain(ROUND_DOWN), return_type=str), _TEXT]
"""What is left, came back or may be spent, rounded down."""
UsdRate = Annotated[Usd, PlainSerializer(lambda usd: usd.precise(), return_type=str), _TEXT]
"""US dollars an hour, rounded up, with the digits that tell offers apart: `"0.0123457"`."""
