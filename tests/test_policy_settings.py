"""The policy as a person writes it, with named budgets; what is unknown or contradictory stops the start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp import config
from akash_mcp.config import AgentLimits
from akash_mcp.errors import BadSettings
from akash_mcp.guard.policy.limits import Limits
from akash_mcp.guard.policy.policy import ApprovalMode, ApprovedTool, Policy
from akash_mcp.money import Usd
from akash_mcp.tools import TOOLSETS

PROVIDER = "akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63"

WriteFile = Callable[[str], dict[str, str]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own configuration file may decide a test."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def write(tmp_path: Path) -> WriteFile:
    """Write a configuration file and return the environment that names it."""

    def write(text: str) -> dict[str, str]:
        path = tmp_path / "akash.toml"
        path.write_text(text)
        path.chmod(0o600)
        return {"AKASH_MCP_CONFIG": str(path)}

    return write


def refusal(environ: dict[str, str], flags: dict[str, object] | None = None) -> str:
    with pytest.raises(BadSettings) as caught:
        config.load(flags, environ)
    return str(caught.value)


AGENTS = """
max_usd_per_day = 20
max_usd_per_month = 100

[agents.builder]
max_usd_per_deployment = 2
max_usd_per_day = 8
max_hours = 12

[agents.tester]
max_usd_per_month = 30
"""


def test_an_agent_s_limits_are_its_own_and_else_those_of_all(write: WriteFile) -> None:
    policy = config.load({"agent": "builder"}, write(AGENTS)).policy
    roof = Limits(max_usd_per_day=Usd(20), max_usd_per_month=Usd(100))
    assert policy == Policy(
        agent="builder",
        roof=roof,
        max_usd_per_deployment=Usd(2),
        max_usd_per_day=Usd(8),
        max_usd_per_month=Usd(100),
        max_hours=12,
        default_hours=12,
    )


def test_without_an_agent_the_limits_of_all_hold(write: WriteFile) -> None:
    policy = config.load(environ=write(AGENTS)).policy
    assert (policy.agent, policy.roof, policy.max_usd_per_day) == ("", None, Usd(20))


def test_where_no_budgets_are_defined_a_name_only_says_who_spends() -> None:
    policy = config.load(environ={"AKASH_MCP_AGENT": "builder"}).policy
    assert policy == Policy(agent="builder")


def test_an_agent_that_the_file_does_not_define_is_refused(write: WriteFile) -> None:
    told = refusal(write(AGENTS) | {"AKASH_MCP_AGENT": "bilder"})
    assert "AKASH_MCP_AGENT is 'bilder', and the file defines no such agent; did you mean builder?" in told
    assert "[agents.bilder]" in told


@pytest.mark.parametrize("name", ["Builder", "a b", "-a", "a" * 33, "../x", "ä", "a.b"])
def test_an_agent_s_name_is_short_and_plain(name: str, write: WriteFile) -> None:
    assert "up to 32 small letters" in refusal({"AKASH_MCP_AGENT": name})
    assert "line 2" in refusal(write(f'port = 1\n[agents."{name}"]\nmax_usd_per_day = 1'))


def test_an_agent_has_every_limit_that_all_together_have() -> None:
    assert set(AgentLimits.model_fields) == {each.name for each in fields(Limits)}
    assert set(AgentLimits.model_fields) < set(config.Settings.model_fields)


@pytest.mark.parametrize(
    ("name", "agent", "roof"),
    [
        ("max_usd_per_deployment", "11", "10 where nobody sets it"),
        ("max_usd_per_day", "21", "20 where nobody sets it"),
        ("max_deployments", "6", "5 where nobody sets it"),
        ("max_hours", "721", "720 where nobody sets it"),
    ],
)
def test_no_agent_has_more_than_all_together(name: str, agent: str, roof: str, write: WriteFile) -> None:
    told = refusal(write(f"# mine\n[agents.builder]\n{name} = {agent}"))
    assert f"akash.toml, line 3: agents.builder.{name} is {agent}, and {name} is {roof}" in told
    assert "no agent has more than all agents together" in told


def test_a_flag_lowers_the_roof_and_an_agent_s_budget_is_held_to_it(write: WriteFile) -> None:
    told = refusal(write(AGENTS), {"max_usd_per_day": "5"})
    assert (
        "line 7: agents.builder.max_usd_per_day is 8, and --max-usd-per-day is 5: no agent has more" in told
    )


def test_every_agent_is_held_to_the_roof_whichever_one_runs(write: WriteFile) -> None:
    environ = write("[agents.a]\nmax_usd_per_day = 1\n[agents.b]\nmax_usd_per_day = 50")
    assert "agents.b.max_usd_per_day is 50" in refusal(environ | {"AKASH_MCP_AGENT": "a"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[agents.a]\nmax_usd_per_dya = 1",
            "line 2: agents.a.max_usd_per_dya: there is no 'max_usd_per_dya'",
        ),
        ("[agents.a]\nmax_usd_per_day = 'x'", "line 2: agents.a.max_usd_per_day is 'x'"),
        ("[agents]\na.max_usd_per_day = -1", "line 2: agents.a.max_usd_per_day is '-1'"),
        ("agents = { a = { port = 1 } }", "line 1: agents: there is no 'port' here"),
        ("agents = 5", "line 1: agents is '5'"),
        ("[agents]\na = 5", "line 2: agents.a is '5'"),
        ("[approval_by_tool]\n\ndeply = 'auto'", "line 3: approval_by_tool.deply: there is no 'deply'"),
        ("[approval_by_tool]\ndeploy = 'perhaps'", "line 2: approval_by_tool.deploy is 'perhaps'"),
        ("[approval_by_tool]\nget_logs = 'deny'", "there is no 'get_logs' here"),
        ("max_hours = 0", "line 1: max_hours is '0'"),
        ("max_hours = 8761", "less than or equal to 8760"),
    ],
)
def test_what_is_unknown_or_wrong_in_a_table_is_named_with_its_line(
    text: str, told: str, write: WriteFile
) -> None:
    assert told in refusal(write(text))


def test_a_tool_that_is_misspelt_is_named_with_what_was_meant() -> None:
    told = refusal({"AKASH_MCP_APPROVAL_BY_TOOL": "close_deploymet=auto"})
    assert told.startswith("AKASH_MCP_APPROVAL_BY_TOOL: there is no 'close_deploymet' here; did you mean")
    assert "close_deployment" in told


def test_single_tools_are_approved_otherwise(write: WriteFile) -> None:
    rules = {"close_deployment": ApprovalMode.AUTO, "run_command": ApprovalMode.DENY}
    text = {"AKASH_MCP_APPROVAL_BY_TOOL": "close_deployment=auto, run_command = deny,"}
    assert config.load(environ=text).policy.approval_by_tool == rules
    table = write("[approval_by_tool]\nclose_deployment = 'auto'\nrun_command = 'deny'")
    assert config.load(environ=table).policy.approval_by_tool == rules


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("deploy", "write TOOL=HOW"),
        ("deploy=", "write TOOL=HOW"),
        ("deploy=auto,deploy=deny", "names deploy twice"),
        ("deploy=maybe", "'elicit'"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(value: str, told: str) -> None:
    text = refusal({"AKASH_MCP_APPROVAL_BY_TOOL": value})
    assert text.startswith("AKASH_MCP_APPROVAL_BY_TOOL is ")
    assert told in text


def test_the_tools_with_rules_are_those_that_need_approval() -> None:
    specs = [spec for toolset in TOOLSETS.values() for spec in toolset]
    assert set(get_args(ApprovedTool)) == {spec.name for spec in specs if spec.carry_out}


def test_the_amount_that_nobody_is_asked_about() -> None:
    assert config.load({"auto_up_to_usd": "1"}, {}).policy.auto_up_to_usd == Usd(1)


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ("max_usd_per_deployment = 6", "max_usd_per_day = 5"),
        ("max_usd_per_deployment = 6", "max_usd_per_month = 5"),
        ("max_usd_per_day = 6", "max_usd_per_month = 5"),
        ("max_usd_per_month = 6", "max_usd_total = 5"),
        ("max_usd_per_day = 5.000001", "max_usd_total = 5"),
        ("max_usd_per_hour = 2", "max_usd_per_hour_together = 1"),
        ("default_hours = 48", "max_hours = 24"),
        ("auto_up_to_usd = 3", "max_usd_per_deployment = 2"),
        ("auto_up_to_usd = 3", "max_usd_per_day = 2"),
    ],
)
def test_what_a_person_wrote_and_can_never_hold_is_refused_with_both_lines(
    small: str, large: str, write: WriteFile
) -> None:
    told = refusal(write(f"{small}\n\n{large}"))
    assert f"line 1: {small.replace('=', 'is')}, and " in told
    assert f"line 3: {large.replace('=', 'is')}: " in told
    assert "Change one of the two." in told
    config.load(environ=write(large))  # the default of the other is no contradiction


def test_an_agent_s_own_limits_must_not_contradict_one_another(write: WriteFile) -> None:
    told = refusal(write("[agents.a]\nmax_usd_per_deployment = 6\nmax_usd_per_day = 5"))
    assert "line 2: agents.a.max_usd_per_deployment is 6, and " in told
    assert "line 3: agents.a.max_usd_per_day is 5: max_usd_per_deployment can never be reached." in told
    told = refusal(write("max_usd_per_day = 5\n[agents.a]\nmax_usd_per_deployment = 6"))
    assert "agents.a.max_usd_per_deployment is 6, and" in told


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("max_usd_per_deployment = 30", "max_usd_per_day is 20 where nobody sets it"),
        ("default_hours = 1000", "max_hours is 720 where nobody sets it: no run may last that long"),
        ("auto_up_to_usd = 15", "max_usd_per_deployment is 10 where nobody sets it"),
    ],
)
def test_a_default_that_comes_before_what_was_written_is_warned_of(
    text: str, warned: str, write: WriteFile, caplog: pytest.LogCaptureFixture
) -> None:
    config.load(environ=write(text))
    assert warned in caplog.text


def test_lowering_one_limit_below_the_others_defaults_says_nothing(
    write: WriteFile, caplog: pytest.LogCaptureFixture
) -> None:
    policy = config.load(environ=write("max_usd_per_day = 5\nmax_hours = 6")).policy
    assert caplog.text == ""
    assert (policy.default_hours, policy.max_hours) == (6, 6)


def test_a_provider_is_allowed_or_denied(write: WriteFile) -> None:
    told = refusal(write(f'allowed_providers = ["{PROVIDER}"]') | {"AKASH_MCP_DENIED_PROVIDERS": PROVIDER})
    assert "akash.toml, line 1: allowed_providers, and AKASH_MCP_DENIED_PROVIDERS: " in told
    assert f"{PROVIDER} is both allowed and denied" in told


@pytest.mark.parametrize("how", ["auto", "deny"])
def test_an_amount_that_is_not_asked_about_needs_somebody_who_is_asked_above_it(how: str) -> None:
    told = refusal({"AKASH_MCP_APPROVAL": how}, {"auto_up_to_usd": "1"})
    assert f"--auto-up-to-usd is 1, and AKASH_MCP_APPROVAL is {how}: above that amount" in told


def test_all_contradictions_are_told_at_once(write: WriteFile) -> None:
    told = refusal(write("max_usd_per_deployment = 9\nmax_usd_per_day = 8\nmax_usd_total = 7"))
    assert told.count("can never be reached") == 3


@pytest.mark.parametrize(
    "name",
    ["MAX_USD_PER_DYA", "MAX_USD_PER_YEAR", "ALLOWED_PROVIDER", "DENY_PROVIDERS", "AGENTS", "READONLY"],
)
def test_a_variable_that_would_limit_and_is_not_known_is_refused(name: str) -> None:
    told = refusal({f"AKASH_MCP_{name}": "1"})
    assert told.startswith(f"AKASH_MCP_{name} is not a setting, and what it limits would not be limited")
    config.load(environ={f"AKASH_MCP_{name}": " "})  # an empty one is not set


cents = st.integers(1, 3000).map(lambda number: f"{number / 100:.2f}")
LIMITS = ("max_usd_per_deployment", "max_usd_per_day", "max_usd_per_month", "max_usd_total", "auto_up_to_usd")


@given(st.dictionaries(st.sampled_from(LIMITS), cents))
def test_a_policy_that_is_taken_has_no_limit_above_a_wider_one_that_was_written(
    written: dict[str, str],
) -> None:
    chain = ["auto_up_to_usd", *LIMITS[:4]]
    values = [Usd(written[name]) for name in chain if name in written]
    try:
        config.load(written, {})
    except BadSettings:
        assert values != sorted(values)
    else:
        assert values == sorted(values)
