"""Which values, arguments and names are not what was meant in the container, and which are left alone."""

from __future__ import annotations

import json

import pytest
from sdl_data import BASE, changed

from akash_mcp.sdl import Finding, check

IMAGE = "    image: nginx:1.27.0\n"
DB = """\
  db:
    image: acme/db:1
    expose: [{port: 5432, to: [{service: web}]}, {port: 6379, to: [{service: web}]}]
"""
TWO = BASE.replace("services:\n", f"services:\n{DB}", 1).replace(
    "deployment:\n", "deployment:\n  db: {dc: {profile: web, count: 1}}\n", 1
)


def noted(sdl: str) -> list[Finding]:
    report = check(sdl)
    assert report.ok, report.errors
    found = [warning for warning in report.warnings if warning.rule.startswith("N")]
    assert {warning.judge for warning in found} <= {"runtime"}
    return found


def of_env(*entries: str, sdl: str = BASE) -> list[Finding]:
    return noted(sdl.replace(IMAGE, f"{IMAGE}    env: {json.dumps(entries)}\n", 1))


def of_words(
    *, command: list[str] | None = None, args: list[str] | None = None, env: str = "[]"
) -> list[Finding]:
    lines = f"    command: {json.dumps(command or [])}\n    args: {json.dumps(args or [])}\n    env: {env}\n"
    return noted(BASE.replace(IMAGE, IMAGE + lines, 1))


@pytest.mark.parametrize(
    "value",
    ['"hello world"', "'s3cr3t-value'", '""', r'"a \"b\" c"', "'{\"a\": 1}'", '"{"a": 1}"', '"["a", "b"]"'],
)
def test_quotes_around_a_value_are_a_part_of_it(value: str) -> None:
    (found,) = of_env(f"GREETING={value}")
    assert (found.rule, found.line) == ("N01", 5)
    assert "write - GREETING=… without them" in found.fix
    assert value.strip("\"'{}[]") == "" or value not in found.message + found.fix


@pytest.mark.parametrize(
    "value",
    [
        '{"a": "b"}',
        '["x"]',
        '"a" "b"',
        "'a' 'b'",
        "it's",
        '"',
        '5"',
        "'self'",
        'say "hi"',
        '"a", "b"',
        "\"a'",
    ],
)
def test_quotes_that_belong_to_a_value_are_left_alone(value: str) -> None:
    assert of_env(f"GREETING={value}") == []


@pytest.mark.parametrize(
    ("entries", "message", "fix"),
    [
        (["A=${HOME}"], "nobody fills in ${HOME}: A keeps it as text", "write the value itself"),
        (["A=${HOME}/x"], "${HOME}", "write the value itself"),
        (["A=${home}"], "${home}", "write the value itself"),
        (["A=${PW:-hunter22}/x"], "nobody fills in ${PW}", "write the value itself"),
        (["TOKEN=$TOKEN"], "$TOKEN", "write TOKEN=secret://TOKEN"),
        (["URL=http://$HOST:80/"], "$HOST", "write the value itself"),
        ([r"DIR=%APPDATA%\x"], "%APPDATA%", "write the value itself"),
        (["NAME=x", "A=${NAME}/y"], "${NAME}", "write $(NAME)"),
        (["A=${NAME}/y", "NAME=x"], "${NAME}", "move NAME above A, and write $(NAME)"),
        (["A=$(NAME)/y", "NAME=x"], "$(NAME) in A stays as it is", "move NAME above A"),
        (["A=$(NAME)"], "$(NAME) in A stays as it is", "write the value itself"),
        (["A=http://$(AKASH_INGRESS_HOST)"], "$(AKASH_INGRESS_HOST)", "behind your variables"),
        (["A=http://${AKASH_HOST}/"], "${AKASH_HOST}", "providers set AKASH_INGRESS_HOST"),
    ],
)
def test_what_nobody_fills_in_is_named_with_what_would_be(entries: list[str], message: str, fix: str) -> None:
    (found,) = of_env(*entries)
    assert found.rule == "N02"
    assert message in found.message
    assert fix in found.fix
    assert "hunter22" not in found.message + found.fix


@pytest.mark.parametrize(
    "entries",
    [
        ["NAME=x", "A=$(NAME)/y"],
        ["A=$(KUBERNETES_SERVICE_HOST)"],
        ["A=$$(NAME)"],
        ["HASH=$2b$10$abcdefghijkl"],
        ["HASH=$apr1$salt$hash"],
        ["PRICE=5$"],
        ["PW=pa$WORD"],
        ["LINE=${time} ${level} ${message}"],
        ["URL=/a%20b%2Fc%AB%CD"],
        ["A=secret://NAME"],
        ["A=ac-secret://NAME"],
        ["NAME"],
    ],
)
def test_what_is_filled_in_or_meant_to_the_letter_is_left_alone(entries: list[str]) -> None:
    assert [found for found in of_env(*entries) if found.rule == "N02"] == []


@pytest.mark.parametrize(
    ("command", "args", "fix"),
    [
        (None, ["--port", "$PORT"], "write $(PORT)"),
        (None, ["--port=${PORT}"], "write $(PORT)"),
        (None, ["--host=$(AKASH_HOST)"], "add the variable to env"),
        (["serve", "$MODEL"], None, 'start a shell: command: ["sh", "-c"]'),
    ],
)
def test_a_reference_in_a_command_that_no_shell_reads_is_named(
    command: list[str] | None, args: list[str] | None, fix: str
) -> None:
    (found,) = of_words(command=command, args=args, env="[PORT=80]")
    assert found.rule == "N02"
    assert fix in found.fix


@pytest.mark.parametrize(
    ("command", "args"),
    [
        (["sh", "-c"], ["serve --port $PORT ${HOME}"]),
        (["/bin/bash", "-ec", "exec serve $PORT"], None),
        (None, ["--port", "$(PORT)"]),
        (None, ["--host=$(AKASH_INGRESS_HOST)"]),
        (["python", "-c", 'print("$HOME")'], None),
        (None, ["--match=^a$", "--format=${msg}"]),
        (None, ['--text=say "hi"']),
    ],
)
def test_what_a_shell_or_kubernetes_reads_is_left_alone(
    command: list[str] | None, args: list[str] | None
) -> None:
    assert of_words(command=command, args=args, env="[PORT=80]") == []


def test_quotes_around_the_value_of_an_option_are_a_part_of_it() -> None:
    (found,) = of_words(args=['--name="web"'])
    assert (found.rule, found.path) == ("N01", "/services/web/args/0")


@pytest.mark.parametrize(
    ("entry", "fix"),
    [
        ("KEY=<YOUR_KEY>", "secret set KEY; then write KEY=secret://KEY"),
        ("OPENAI_API_KEY=sk-...", "write OPENAI_API_KEY=secret://OPENAI_API_KEY"),
        ("HF_TOKEN=hf_", "secret://HF_TOKEN"),
        ("HF_TOKEN=hf_**********", "secret://HF_TOKEN"),
        ("PASSWORD=changeme", "secret://PASSWORD"),
        ("DATABASE_URL=postgres://...", "write DATABASE_URL=…"),
        ("NAME=REPLACE_ME", "write NAME=…"),
        ("NAME=TODO", "write NAME=…"),
        ("NAME=...", "write NAME=…"),
        ("NAME=xxx", "write NAME=…"),
        ("NAME=YOUR_API_KEY", "write NAME=…"),
    ],
)
def test_a_placeholder_is_one_warning_with_what_to_write(entry: str, fix: str) -> None:
    report = changed((IMAGE, f"{IMAGE}    env: [{json.dumps(entry)}]\n"))
    (found,) = report.warnings
    assert found.rule == "N03"
    assert fix in found.fix


@pytest.mark.parametrize(
    "entry",
    [
        "DB=todo",
        "LINE={{.Time}} {{.Level}}",
        "HTML=<b>hello</b>",
        "SIZE=xxl",
        "GLOB=a...b",
        "CRON=*/5 * * * *",
    ],
)
def test_words_that_only_resemble_a_placeholder_are_left_alone(entry: str) -> None:
    assert of_env(entry) == []


def test_placeholders_beside_the_variables_are_named_where_they_stand() -> None:
    found = changed(
        (IMAGE, IMAGE.replace("nginx", "ghcr.io/your-org/app") + "    args: [--domain=example.com]\n"),
        ("as: 80\n", "as: 80\n        accept: [changeme.com]\n"),
    )
    assert [(warning.rule, warning.path) for warning in found.warnings] == [
        ("N03", "/services/web/args/0"),
        ("N03", "/services/web/expose/0/accept/0"),
        ("N03", "/services/web/image"),
    ]


@pytest.mark.parametrize(
    ("value", "port"),
    [
        ("postgres://u:p@localhost:5432/x", 5432),
        ("postgresql+asyncpg://localhost/x", 5432),
        ("http://127.0.0.1:5432", 5432),
        ("localhost:6379", 6379),
        ("redis://[::1]/0", 6379),
    ],
)
def test_localhost_for_a_neighbour_is_named_with_the_neighbour(value: str, port: int) -> None:
    found = [each for each in of_env(f"STORE={value}", sdl=TWO) if each.rule == "N05"]
    assert [f"port {port} is that of service db" in each.message for each in found] == [True]
    assert found[0].fix == f"write db:{port} in the place of localhost"


def test_a_port_that_is_not_open_to_the_service_is_to_be_opened_too() -> None:
    shut = TWO.replace("{port: 5432, to: [{service: web}]}", "{port: 5432, to: [{service: db}]}", 1)
    (found,) = of_env("STORE=http://localhost:5432", sdl=shut)
    assert "add - service: web to the to of its port" in found.fix


@pytest.mark.parametrize(
    "entries",
    [
        ["STORE=http://localhost:80/"],
        ["STORE=http://localhost:9999/"],
        ["STORE=http://db:5432"],
        ["STORE=http://localhost.example-corp.com:5432"],
        ["PUBLIC_URL=http://localhost:5432"],
        ["STORE=http://localhost:5432", "PORT=5432"],
        ["STORE=http://localhost"],
    ],
)
def test_localhost_of_its_own_is_left_alone(entries: list[str]) -> None:
    assert of_env(*entries, sdl=TWO) == []
