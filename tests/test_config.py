from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import get_args

import pytest

from akash_mcp import config
from akash_mcp.config import Settings, Toolset
from akash_mcp.errors import BadSettings
from akash_mcp.guard.policy.policy import ApprovalMode, Policy
from akash_mcp.money import Usd
from akash_mcp.tools import TOOLSETS

PROVIDER = "akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63"
KEY_OF_CONSOLE = "ac.sk.production.0123456789"
KEY = "sk-console-0123456789"

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


def test_with_nothing_set_the_limits_are_small_and_there_is_no_key() -> None:
    settings = config.load(environ={})
    assert settings.api_key is None
    assert settings.policy == Policy()
    assert settings.max_usd_per_deployment == Usd(10)
    assert settings.max_usd_per_day == Usd(20)
    assert settings.toolsets == ("deploy", "observe")


def test_a_flag_beats_the_environment_which_beats_the_file(write: WriteFile) -> None:
    environ = write("max_usd_per_day = 1\nmax_deployments = 1\nport = 1") | {
        "AKASH_MCP_MAX_USD_PER_DAY": "2",
        "AKASH_MCP_MAX_DEPLOYMENTS": "2",
    }
    settings = config.load({"max_usd_per_day": "3"}, environ)
    assert (settings.max_usd_per_day, settings.max_deployments, settings.port) == (Usd(3), 2, 1)


def test_the_default_file_is_read_where_it_exists(tmp_path: Path) -> None:
    path = config.default_config_file()
    path.parent.mkdir(parents=True)
    path.write_text("read_only = true")
    assert config.load(environ={}).read_only


def test_the_console_key_is_taken_under_both_names_and_the_longer_one_wins() -> None:
    short = config.load(environ={"AKASH_API_KEY": KEY})
    both = config.load(environ={"AKASH_API_KEY": "other", "AKASH_MCP_API_KEY": KEY})
    assert short.api_key == both.api_key
    assert short.api_key is not None
    assert short.api_key.get_secret_value() == KEY


def test_every_setting_has_a_variable_of_our_prefix() -> None:
    variables = {name: config.variables_of(name) for name in Settings.model_fields}
    assert variables.pop("agents") == ()  # tables, which only the file can hold
    assert all(known[0] == f"AKASH_MCP_{name.upper()}" for name, known in variables.items())


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_variable_counts_as_not_set(value: str) -> None:
    assert config.load(environ={"AKASH_API_KEY": value, "AKASH_MCP_PORT": value}).api_key is None


@pytest.mark.parametrize(
    "value",
    [
        "${AKASH_API_KEY}",
        "${user_config.api_key}",
        "${input:akash-api-key}",
        "{env:AKASH_API_KEY}",
        "$AKASH_API_KEY",
    ],
)
def test_a_placeholder_that_a_host_left_in_place_is_not_taken_for_a_key(
    value: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert config.load(environ={"AKASH_API_KEY": value}).api_key is None
    assert "AKASH_API_KEY holds a placeholder" in caplog.text


@pytest.mark.parametrize("value", ["${AKUA_API_TOKEN}", "${user_config.akua_token}", "{env:AKUA_API_TOKEN}"])
def test_a_placeholder_is_not_taken_for_a_token_of_akua_and_is_not_warned_of(
    value: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = config.load(environ={"AKUA_API_TOKEN": value})
    assert (settings.akua_token, settings.toolsets) == (None, ("deploy", "observe"))
    assert not caplog.records


def test_the_names_of_a_workspace_win_one_over_the_other() -> None:
    names = ["AKUA_WORKSPACE_ID", "AKUA_WORKSPACE", "AKASH_MCP_AKUA_WORKSPACE"]
    environ: dict[str, str] = {}
    for name in names:
        environ[name] = f"ws_of_{name}"
        settings = config.load(environ=environ)
        assert (settings.akua_workspace, settings.place_of("akua_workspace")) == (f"ws_of_{name}", name)


@pytest.mark.parametrize(
    ("environ", "owner"),
    [
        ({"AKUA_API_TOKEN": KEY_OF_CONSOLE}, "the Console"),
        ({"AKASH_MCP_AKUA_TOKEN": f" {KEY_OF_CONSOLE} "}, "the Console"),
        ({"AKASH_API_KEY": "sk_akua_0123456789"}, "Akua"),
        ({"AKASH_API_KEY": "cnap_pat_0123456789"}, "Akua"),
    ],
)
def test_a_key_of_another_service_stops_the_start_and_is_not_shown(
    environ: dict[str, str], owner: str
) -> None:
    said = refusal(environ)
    assert f"for {owner}, which" in said
    assert next(iter(environ)) in said
    assert next(iter(environ.values())).strip() not in said


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://api.akua.dev", "https://api.akua.dev/v1"),
        ("https://api.akua.dev/", "https://api.akua.dev/v1"),
        ("https://akua.example/api/v2/", "https://akua.example/api/v2"),
    ],
)
def test_the_address_of_akua_has_one_form(given: str, meant: str) -> None:
    assert config.load(environ={"AKUA_API_URL": given}).akua_url == meant


def test_a_token_of_akua_switches_its_tools_on_where_nobody_names_toolsets(write: WriteFile) -> None:
    def toolsets(environ: dict[str, str], **flags: object) -> tuple[str, ...]:
        return config.load(flags, environ).toolsets

    token = {"AKUA_API_TOKEN": "sk_akua_0123456789"}
    assert toolsets({}) == ("deploy", "observe")
    assert toolsets(token) == ("deploy", "observe", "akua")
    assert toolsets(write('akua_token = "sk_akua_0123456789"')) == ("deploy", "observe", "akua")
    for named in (
        toolsets(token, toolsets="deploy,observe"),
        toolsets(token | {"AKASH_MCP_TOOLSETS": "deploy,observe"}),
        toolsets(token | write('toolsets = ["deploy", "observe"]')),
    ):
        assert named == ("deploy", "observe")
    assert toolsets(token, sandbox=True) == ("deploy", "observe"), "a sandbox knows no real network"
    assert toolsets({}, toolsets="akua") == ("akua",), "it then says what is missing"


def test_every_setting_survives_a_field_of_a_bundle_that_was_left_empty(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And only of a key that is missing is anybody warned."""
    variables = [config.variables_of(name)[0] for name in Settings.model_fields if name != "agents"]
    environ = {variable: f"${{user_config.{variable.lower()}}}" for variable in variables}
    assert config.load(environ=environ) == config.load(environ={})
    assert [record.getMessage().split()[0] for record in caplog.records] == ["AKASH_MCP_API_KEY"]


def test_behind_a_field_that_was_left_empty_the_key_of_the_environment_counts() -> None:
    environ = {"AKASH_MCP_API_KEY": "${user_config.api_key}", "AKASH_API_KEY": KEY}
    key = config.load(environ=environ).api_key
    assert key is not None
    assert key.get_secret_value() == KEY


def test_a_limit_in_a_variable_that_was_not_filled_in_stops_the_start() -> None:
    assert "AKASH_MCP_MAX_USD_PER_DAY" in refusal({"AKASH_MCP_MAX_USD_PER_DAY": "${env:LIMIT}"})


def test_money_in_the_file_is_exact(write: WriteFile) -> None:
    assert config.load(environ=write("max_usd_per_day = 0.1")).max_usd_per_day == Usd("0.1")


def test_lists_are_comma_separated_text_or_toml_lists(write: WriteFile) -> None:
    settings = config.load(
        environ=write(f'allowed_providers = ["{PROVIDER}"]')
        | {"AKASH_MCP_ALLOW_PRIVATE_PROVIDERS": "127.0.0.0/8, ::1/128"}
    )
    assert settings.policy.allowed_providers == frozenset({PROVIDER})
    assert settings.allow_private_providers == (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def test_the_policy_is_what_was_set() -> None:
    policy = config.load({"approval": "two-step", "max_usd_per_hour": "0.5", "audited_only": True}, {}).policy
    assert policy.approval is ApprovalMode.TWO_STEP
    assert policy.max_usd_per_hour == Usd("0.5")
    assert policy.audited_only


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MAX_USD_PER_DAY", "ten", "write US dollars, such as 10 or 2.50"),
        ("MAX_USD_PER_DAY", "-1", "not negative"),
        ("MAX_USD_PER_DAY", "NaN", "is not an amount of money"),
        ("MAX_USD_PER_DAY", "Infinity", "is not an amount of money"),
        ("MAX_DEPLOYMENTS", "-1", "greater than or equal to 0"),
        ("APPROVAL", "yes", "'elicit', 'two-step', 'terminal', 'auto' or 'deny'"),
        ("TRANSPORT", "websocket", "'stdio', 'http' or 'sse'"),
        ("PORT", "70000", "less than or equal to 65535"),
        ("TOOLSETS", "deploy,wat", "'deploy'"),
        ("READ_ONLY", "perhaps", "valid boolean"),
        ("ALLOWED_PROVIDERS", "akash1nonsense", "not a bech32 address"),
        ("ALLOW_PRIVATE_PROVIDERS", "10.0.0.1/8", "has host bits set"),
        ("STATE_DIR", "state", "absolute path"),
        ("CONSOLE_URL", "console-api.akash.network", "https://console-api.akash.network"),
        ("CONSOLE_URL", "http://console-api.akash.network", "use https"),
        ("AKUA_URL", "api.akua.dev", "such as https://api.akua.dev/v1"),
        ("CONSOLE_URL", "https://user:word@console-api.akash.network", "must not contain a user name"),
    ],
)
def test_a_bad_value_names_its_variable_and_what_is_accepted(name: str, value: str, said: str) -> None:
    text = refusal({f"AKASH_MCP_{name}": value})
    assert text.startswith(f"AKASH_MCP_{name} is ")
    assert said in text


def test_all_bad_values_are_reported_at_once() -> None:
    text = refusal({"AKASH_MCP_PORT": "x"}, {"max_deployments": "y"})
    assert [line.split(" ")[0] for line in text.splitlines()] == ["--max-deployments", "AKASH_MCP_PORT"]


def test_the_toolsets_of_settings_are_those_of_the_server() -> None:
    assert get_args(Toolset) == tuple(TOOLSETS)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/", "http://[::1]:9000", "http://10.1.2.3", "http://localhost:1"]
)
def test_plain_http_is_for_our_own_networks(url: str) -> None:
    assert config.load(environ={"AKASH_CONSOLE_URL": url}).console_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "https://hush@example.com",
        "https://u:hush@example.com/a",
        "https://u:hu/sh@example.com",
        "https://x/?k=hush",
    ],
)
def test_what_an_address_should_not_hold_is_not_shown(url: str) -> None:
    with pytest.raises(BadSettings) as caught:
        config.load(environ={"AKASH_CONSOLE_URL": url})
    assert "AKASH_CONSOLE_URL is 'https://" in caught.value.what
    assert "sh" not in str(caught.value).replace("https://console-api.akash.network", "")


def test_a_bad_line_of_the_file_is_named(write: WriteFile) -> None:
    assert "akash.toml, line 3: port is 'x'" in refusal(write("\n# comment\nport = 'x'\n"))


@pytest.mark.parametrize("line", ["max_usd_per_dya = 5", '"max_usd_per_dya" = 5', "[max_usd_per_dya]"])
def test_an_unknown_key_of_the_file_is_named_with_what_was_meant(write: WriteFile, line: str) -> None:
    text = refusal(write(f"port = 1\n\n{line}\n"))
    assert "line 3" in text
    assert "did you mean max_usd_per_day?" in text


def test_a_file_that_is_not_toml_is_refused_with_its_line(write: WriteFile) -> None:
    assert "line 2" in refusal(write("port = 1\nmax hours = 2\n"))


def test_a_named_file_that_is_missing_stops_the_start(tmp_path: Path) -> None:
    assert "does not exist" in refusal({"AKASH_MCP_CONFIG": str(tmp_path / "gone.toml")})


def test_a_file_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    assert "cannot be read" in refusal({"AKASH_MCP_CONFIG": str(tmp_path)})
    assert "cannot be read" in refusal({"AKASH_MCP_CONFIG": str(tmp_path / "binary.toml")})


def test_a_mistyped_variable_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    config.load(environ={"AKASH_MCP_TRANSPROT": "http", "AKASH_NODE": "x"})
    assert [record.getMessage() for record in caplog.records] == [
        "AKASH_MCP_TRANSPROT is not a setting and has no effect; did you mean AKASH_MCP_TRANSPORT?"
    ]


def test_a_secret_that_others_can_read_is_warned_of(
    write: WriteFile, caplog: pytest.LogCaptureFixture
) -> None:
    environ = write(f"api_key = '{KEY}'")
    config.load(environ=environ)
    assert caplog.text == ""
    Path(environ["AKASH_MCP_CONFIG"]).chmod(0o644)
    config.load(environ=environ)
    assert "chmod 600" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    "url", ["https://hooks.example.org/a?b=c", "http://127.0.0.1:8080/x", "http://[::1]/x"]
)
def test_a_webhook_is_reached_over_https_or_on_this_machine(url: str) -> None:
    settings = config.load(environ={"AKASH_MCP_NOTIFY_URL": url})
    assert settings.notify_url is not None
    assert settings.notify_url.get_secret_value() == url
    assert url not in repr(settings)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/T0KEN",
        "http://10.0.0.1/T0KEN",
        "https://me:T0KEN@a.b",
        "ftp://a/T0KEN",
        "T0KEN",
    ],
)
def test_another_webhook_is_refused_and_not_repeated(url: str) -> None:
    message = refusal({"AKASH_MCP_NOTIFY_URL": url})
    assert message.startswith("AKASH_MCP_NOTIFY_URL: ")
    assert "T0KEN" not in message


def test_a_command_is_words_as_in_a_shell_or_a_list(write: WriteFile) -> None:
    said = config.load(environ={"AKASH_MCP_NOTIFY_COMMAND": "notify-send 'two words' $HOME"})
    assert said.notify_command == ("notify-send", "two words", "$HOME")
    listed = config.load(environ=write('notify_command = ["~/bin/tell me", "a b"]'))
    assert listed.notify_command == (str(Path.home() / "bin" / "tell me"), "a b")
    assert config.load(environ=write("notify_command = []")).notify_command == ()


@pytest.mark.parametrize("command", ["bin/tell", "./tell", "'open"])
def test_a_command_that_depends_on_the_working_folder_or_is_not_one_is_refused(command: str) -> None:
    assert refusal({"AKASH_MCP_NOTIFY_COMMAND": command}).startswith("AKASH_MCP_NOTIFY_COMMAND is ")


@pytest.mark.parametrize("name", ["AKASH_API_KEY", "AKASH_MCP_TOKEN"])
def test_secrets_never_appear_in_messages_or_repr(name: str) -> None:
    settings = config.load(environ={name: KEY})
    assert KEY not in repr(settings)
    assert KEY not in str(settings)
    assert KEY not in refusal({name: f"{KEY} {KEY}"})


def test_a_secret_of_the_wrong_kind_in_the_file_is_not_shown(write: WriteFile) -> None:
    assert "12345" not in refusal(write("token = 12345"))


def test_the_settings_page_lists_every_setting_variable_and_default() -> None:
    """docs/settings.md names every setting with its variables and default, and nothing else."""
    page = (Path(__file__).parent.parent / "docs" / "settings.md").read_text(encoding="utf-8")
    table = page.partition("## The file")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE))
    assert list(rows) == list(Settings.model_fields)
    for name, row in rows.items():
        variables, default, _ = row.split(" | ", 2)
        known = ", ".join(f"`{variable}`" for variable in config.variables_of(name))
        assert variables == (known or "only in the file")
        assert default == shown_default(name)


def shown_default(name: str) -> str:
    field = Settings.model_fields[name]
    if name == "state_dir":
        return "see below"
    value = field.get_default(call_default_factory=True)
    if value in (None, (), {}):
        return "none"
    if isinstance(value, Usd):
        return f"`{value.amount}`"
    return f"`{','.join(value)}`" if isinstance(value, tuple) else f"`{str(value).lower()}`"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("port = 1e999999999", "port is '1e999999999': input should be a valid integer"),
        ("max_deployments = 1e-999990", "max_deployments is '1e-999990': input should be a valid integer"),
        (
            "max_usd_per_day = 1e999999999",
            "max_usd_per_day is '1e999999999': an amount of money is 0, or from",
        ),
        (f"port = {'9' * 5_001}", "too long to be read"),
        (f"allowed_hosts = {'[' * 100_000}", "too long to be read"),
        (f"max_usd_per_hour = 0.{'9' * 1_000_000}", "has at most 40 characters"),
    ],
    ids=lambda text: text[:30],
)
def test_a_number_that_nobody_can_mean_is_refused_at_once(write: WriteFile, line: str, reason: str) -> None:
    began = time.perf_counter()
    assert reason in refusal(write(line))
    assert time.perf_counter() - began < 5  # the first froze the start for good


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize(("mode", "who"), [(0o666, "every user"), (0o602, "every user")])
def test_a_file_that_others_can_write_sets_no_limits(write: WriteFile, mode: int, who: str) -> None:
    environ = write("max_usd_per_day = 1")
    Path(environ["AKASH_MCP_CONFIG"]).chmod(mode)
    told = refusal(environ)
    assert f"can be written by {who} of this machine" in told
    assert f"Run chmod go-w {environ['AKASH_MCP_CONFIG']}" in told


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_file_in_a_folder_that_others_can_write_sets_no_limits(write: WriteFile, tmp_path: Path) -> None:
    environ = write("max_usd_per_day = 1")
    tmp_path.chmod(0o777)
    assert f"chmod go-w {tmp_path}" in refusal(environ)
    tmp_path.chmod(0o1777)  # as /tmp: nobody can replace what is ours there
    assert config.load(environ=environ).max_usd_per_day == Usd(1)
