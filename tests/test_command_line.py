"""The words of the command line: what it takes, what it refuses and how, and the status that each command ends with.

docs/commands.md is held to it: its reference by tests/test_docs.py, its table of statuses here.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from terminals import Terminal

from akash_mcp import config
from akash_mcp.cli import main, setting_flags
from akash_mcp.cli.commands.install import HOSTS
from akash_mcp.cli.commands.rank import PREFERENCES
from akash_mcp.cli.flags import SETTINGS, SWITCHES
from akash_mcp.cli.hosts import table
from akash_mcp.cli.parser import COMMANDS, build_parser, read
from akash_mcp.cli.progress import working
from akash_mcp.cli.rank import FIELDS
from akash_mcp.cli.readers import GENERATIONS
from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.limits import MOST_RUNTIME_HOURS
from akash_mcp.config import Toolset, Transport
from akash_mcp.data import examples_dir
from akash_mcp.guard.policy.policy import ApprovalMode, ApprovedTool
from akash_mcp.market.ranking import Prefer

PAGE = Path(__file__).parent.parent / "docs" / "commands.md"
SDL = str(examples_dir() / "web.yaml")
COMPOSE = 'services:\n  web:\n    image: nginx:1.28.0-alpine\n    ports: ["80:80"]\n'
SECRET = "hunter2-of-somebody"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which nothing is set up, by its home, and a folder to work in."""
    for name in os.environ:
        if name.startswith("AKASH"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "there.yaml").write_text("mine")
    (tmp_path / "offers.json").write_text(json.dumps(OFFERS))
    (tmp_path / "wrong.yaml").write_text("version: '2.0'\n")
    (tmp_path / "binary").write_bytes(b"\x00\x01\xff")
    return tmp_path


def status(*words: str) -> int:
    """What a command ends with, in this process."""
    try:
        return main.main(words)
    except SystemExit as ended:
        return int(ended.code or 0)


# ── its words are those of the settings ──────────────────────────────────────────────────────────────────────────────


def test_choices_are_those_of_the_settings() -> None:
    assert get_args(Transport) == setting_flags.TRANSPORTS
    assert get_args(Toolset) == setting_flags.TOOLSETS
    assert tuple(ApprovalMode) == setting_flags.APPROVALS
    assert get_args(ApprovedTool) == setting_flags.APPROVED_TOOLS
    assert tuple(Generation) == GENERATIONS
    assert get_args(Prefer) == PREFERENCES
    assert set(table.HOSTS) == set(HOSTS)
    assert MOST_RUNTIME_HOURS == setting_flags.MOST_HOURS


def test_every_flag_of_serve_names_a_variable_that_is_read() -> None:
    for name in (*SETTINGS, *SWITCHES):
        assert setting_flags.variable_of(name) in config.variables_of(name)


def test_what_a_flag_takes_a_setting_takes() -> None:
    """Each value at the edge of what its flag takes is one that `config` takes."""
    taken = {
        "port": ("0", "65535"),
        "max_deployments": ("0", "1000"),
        "default_hours": ("1",),
        "max_hours": (str(MOST_RUNTIME_HOURS),),
        "max_usd_per_day": ("0", "2.50", " 3"),
        "toolsets": ("deploy, observe,sdl",),
        "approval_by_tool": ("deploy=auto, run_command = deny",),
        "state_dir": ("~/x", "/x"),
    }
    for name, values in taken.items():
        for value in values:
            arguments = read(["serve", f"--{name.replace('_', '-')}={value}"])
            config.load({name: getattr(arguments, name)})


# ── wrong words ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("lnt", "akash-mcp: COMMAND: 'lnt' is not one of .*; did you mean lint\\?"),
        (
            "serve --transport htp",
            "--transport: 'htp' is not one of stdio, http or sse; did you mean http\\?",
        ),
        ("--transprot http", "there is no flag --transprot; did you mean --transport\\?"),
        ("serve --toolsets deploy,obsrve", "'obsrve' is not one of .*; did you mean observe\\?"),
        ("serve --approval ask", "--approval: 'ask' is not one of elicit, two-step, terminal, auto or deny"),
        ("serve --approval-by-tool deploy", "'deploy' is not TOOL=HOW, such as deploy=elicit"),
        ("serve --approval-by-tool deploy=atuo", "'atuo' is not .*; did you mean auto\\?"),
        ("serve --port 99999", "--port: '99999' is not a whole number from 0 to 65535"),
        ("serve --port ²", "--port: '²' is not a whole number"),
        ("serve --max-usd-per-day lots", "--max-usd-per-day: 'lots' is not an amount of US dollars"),
        ("serve --max-usd-per-day -5", "'-5' is not an amount of US dollars, .* without a sign"),
        ("serve --max-usd-per-day nan", "'nan' is not an amount"),
        ("serve --max-hours 0", "'0' is not a whole number from 1 to 8760"),
        ("serve --state-dir here", "'here' is not an absolute path, such as /.*/here"),
        ("--port 1 serve", "the command comes first: akash-mcp serve"),
        (
            "sandbox --generation 2024",
            "'2024' is not one of 2025, reference or 2026-11; did you mean 2025\\?",
        ),
        ("demo --fault no-bid*2", "no fault is called 'no-bid'; did you mean no-bids\\?"),
        ("demo --speed fast", "--speed: 'fast' is not a number of times from 0.01 to 10000"),
        ("install cusor", "HOST: 'cusor' is not one of .*; did you mean cursor\\?"),
        ("draft --image x --protocol htpp", "'htpp' is not one of http, tcp or udp; did you mean http\\?"),
        ("draft --image x --count 0", "--count: '0' is not a whole number from 1"),
        ("usage --days 0", "'0' is not a whole number of days from 1 to 366"),
        ("watch --every 60", "'60' is not a whole number of minutes from 1 to 59"),
        ("ledger settle op_1 --spent=-1", "'-1' is not an amount of US dollars"),
        ("rank x --prefer cheap", "'cheap' is not one of .*; did you mean cheapest\\?"),
        ("completion tcsh", "'tcsh' is not one of bash, zsh or fish"),
        ("help lnt", "did you mean lint\\?"),
        ("secret", "required: {set,list,rm}"),
        ("secret st X", "did you mean set\\?"),
        ("lint", "required: FILE"),
        ("lint a.yaml --jsn", "there is no flag --jsn; did you mean --json\\?"),
        ("demo a.yaml b.yaml", "there is a word too many: it takes \\[FILE\\] alone"),
        ("doctor now", "there is a word too many: it takes flags alone"),
    ],
)
def test_a_wrong_word_is_refused_by_name_with_what_is_right(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(*words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(said, err), err
    first, second = err.splitlines()
    assert first.startswith("akash-mcp")
    assert second.endswith(" --help shows what it takes.")


@pytest.mark.parametrize(
    "words",
    [
        ("secret", "set", "DB_PASSWORD", SECRET),
        ("serve", "--api-key", SECRET),
        ("serve", f"--token={SECRET}"),
        ("doctor", "--passwrod", SECRET),
        ("lint", "a.yaml", f"--registry-password={SECRET}"),
    ],
)
def test_a_word_in_the_wrong_place_is_not_repeated(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(*words) == 2
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err


def test_a_key_on_the_command_line_is_told_where_it_belongs(capsys: pytest.CaptureFixture[str]) -> None:
    assert status("--api-key=x") == 2
    assert "set AKASH_API_KEY in the environment" in capsys.readouterr().err


# A first word of what people type, then anything.
@given(
    st.sampled_from([*COMMANDS, "--debug", ""]),
    st.lists(
        st.one_of(st.text(max_size=8), st.sampled_from(["--port", "-o", "--", "-", "--json", "set"])),
        max_size=3,
    ),
)
@example("draft", ["--image"])
@example("serve", ["--", "serve"])
def test_no_words_at_all_break_it(first: str, others: list[str]) -> None:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as said:
        try:
            read([first, *others])
            ended = 0
        except SystemExit as refused:
            ended = int(refused.code or 0)
    assert (ended, bool(said.getvalue())) in ((0, False), (2, True))


def _command_lines() -> list[str]:
    """What the pages and the help tell a person to type."""
    pages = (PAGE, PAGE.parent / "first-ten-minutes.md", PAGE.parent.parent / "README.md")
    blocks = [
        block for page in pages for block in re.findall(r"(?s)```.*?```", page.read_text(encoding="utf-8"))
    ]
    found = re.findall(r"(?m)^(?:\$ |.*\| )?(akash-mcp [a-z-][^|>#&…\n]*)", "\n".join(blocks))
    return sorted({line.strip() for line in found})


@pytest.mark.parametrize("line", _command_lines())
def test_what_a_page_tells_to_type_is_taken(line: str) -> None:
    arguments = read(shlex.split(line)[1:]) if "-V" not in line else None
    assert arguments is None or callable(arguments.run)


# ── what each ends with ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples_and_a_row_of_statuses(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert status("help", command) == 0
    about, _, examples = capsys.readouterr().out.partition("examples:")
    assert max(map(len, about.splitlines())) <= 80
    assert f"  akash-mcp {command}" in examples
    assert status(command, "--no-such-flag") == 2 or build_parser(command).below()
    assert re.search(rf"(?m)^\| `{command}` \| .+\|.*\|.*\|$", PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("words", "ends_with", "said"),
    [
        (f"lint {SDL}", 0, ""),
        ("lint wrong.yaml", 1, ""),
        ("lint compose.yaml", 1, ""),
        (f"lint {SDL} missing.yaml", 2, "missing.yaml cannot be read: there is no such file or folder."),
        ("lint .", 2, ". cannot be read: it is a folder, and a file was expected."),
        ("lint binary", 2, "binary cannot be read: it is a binary file, and text was expected."),
        ("import compose.yaml", 0, ""),
        (f"import {SDL}", 1, "This is an SDL already"),
        ("import missing.yaml", 1, "missing.yaml cannot be read: there is no such file or folder."),
        ("demo compose.yaml", 1, "akash-mcp import compose.yaml -o deploy.yaml makes one of it."),
        ("demo missing.yaml", 1, "missing.yaml cannot be read"),
        ("draft --image nginx:1.29.3", 0, ""),
        ("draft --image nginx:1.29.3 --cpu 0", 1, "cpu"),
        (
            "draft --image nginx:1.29.3 -o there.yaml",
            1,
            "there.yaml is there already, and was left as it is.",
        ),
        ("import compose.yaml -o there.yaml", 1, "Write --force to overwrite it, or another name."),
        ("draft --image nginx:1.29.3 -o no/such/folder.yaml", 1, "cannot be written: there is no such file"),
        ("draft --image nginx:1.29.3 -o .", 1, ". cannot be written: it is a folder"),
        ("rank offers.json", 0, ""),
        ("rank compose.yaml", 1, "That is not JSON"),
        ("install cursor", 0, ""),
        ("secret list", 0, ""),
        ("secret rm NOT_THERE", 1, "NOT_THERE"),
        ("approve", 1, "runs in a terminal only"),
        ("ledger", 0, ""),
        ("ledger --json", 0, ""),
        ("ledger --verify", 0, ""),
        ("usage", 1, "There is no Akash Console API key."),
        ("watch --uninstall", 0, ""),
        ("completion bash", 0, ""),
        ("help", 0, ""),
        ("help secret set", 0, ""),
        ("help secret st", 2, "did you mean set?"),
        ("-V", 0, ""),
        ("serve --transport http --host 0.0.0.0", 1, "AKASH_MCP_TOKEN"),
        ("serve --console-url ftp://example.org", 1, "--console-url is 'ftp://example.org'"),
    ],
)
def test_a_command_ends_with_the_status_of_the_page(
    words: str, ends_with: int, said: str, machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(*words.split()) == ends_with
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
    assert (machine / "there.yaml").read_text() == "mine"


def test_a_file_is_overwritten_where_that_is_asked_for(machine: Path) -> None:
    assert status("draft", "--image", "nginx:1.29.3", "-o", "there.yaml", "--force") == 0
    assert "nginx:1.29.3" in (machine / "there.yaml").read_text()
    assert status("draft", "--image", "nginx:1.29.3", "-o", os.devnull) == 0  # is there, and loses nothing


def test_a_dash_is_standard_output(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status("draft", "--image", "nginx:1.29.3", "-o", "-") == 0
    assert capsys.readouterr().out.startswith("version:")
    assert not (machine / "-").exists()


def test_a_compose_file_is_one_line_of_lint(capsys: pytest.CaptureFixture[str]) -> None:
    assert status("lint", "compose.yaml") == 1
    assert capsys.readouterr().out == (
        "compose.yaml: refused: it is a compose file, and no SDL yet. "
        "akash-mcp import compose.yaml -o deploy.yaml makes one of it.\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_a_plain_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert status("ledger") == 1
    assert capsys.readouterr().err == (
        "akash-mcp: What it had to say cannot be written: no space left on device.\n"
    )


def test_outputs_that_are_closed_break_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert status("ledger") == 0
    assert status("lint", "missing.yaml") == 2
    for stream in (sys.stdout, sys.stderr):
        stream.close()


# ── a person at a terminal ───────────────────────────────────────────────────────────────────────────────────────────


def test_alone_in_a_terminal_it_shows_what_there_is() -> None:
    with Terminal(columns=80) as screen:
        assert screen.end() == 0
    assert all(f"\n  {command} " in screen.shown for command in COMMANDS)
    assert max(map(len, screen.shown.splitlines())) <= 80


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_waited_for_is_shown_to_a_person_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, quiet, is_shown in (
        (_Screen(), False, True),
        (_Screen(), True, False),
        (io.StringIO(), False, False),
    ):
        monkeypatch.setattr(sys, "stderr", stream)
        with working("Asking the Console", quiet=quiet):
            pass
        assert ("Asking the Console" in stream.getvalue()) == is_shown


# ── rank ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

CEDAR, FIR, OFFLINE = (
    "akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63",
    "akash1u5cdg7k3gl43mukca4aeultuz8x2j68mgwn28e",
    "akash1q7spv2cw06yszgfp4f9ed59lkka6ytn8g4tkjf",
)
KNOWN = {"gseq": 1, "audited": True, "registered_days": 400, "online": True, "valid_version": True}
OFFERS = [
    {
        **KNOWN,
        "provider": CEDAR,
        "price_uact_per_block": 1000,
        "uptime_30d": 0.9,
        "uptime_7d": 0.9,
        "uptime_1d": 0.9,
    },
    {
        **KNOWN,
        "provider": FIR,
        "price_uact_per_block": "1050",
        "uptime_30d": 0.999,
        "uptime_7d": 1,
        "uptime_1d": 1,
    },
    {"provider": OFFLINE, "gseq": 1, "price_uact_per_block": 10, "online": False},
]


def test_the_page_names_every_field_of_an_offer() -> None:
    page = (PAGE.parent / "ranking.md").read_text(encoding="utf-8").partition("**Offers of your own.**")[2]
    assert [name for name in FIELDS if f"`{name}`" not in page.partition("\n")[0]] == []


def test_offers_in_ranking_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert status("rank", "offers.json", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["provider"] for each in found["ranked"]] == [
        FIR,
        CEDAR,
    ]  # dearer an hour, and cheaper in the end
    assert [each["provider"] for each in found["rejected"]] == [OFFLINE]
    assert status("rank", "offers.json", "--json", "--prefer", "cheapest") == 0
    assert json.loads(capsys.readouterr().out)["ranked"][0]["provider"] == CEDAR
    assert status("rank", "offers.json", "--max-usd-per-hour", "0.01") == 1
    assert "None of them could be taken." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "That is not a JSON array of offers."),
        ('[{"provider": "akash1x", "gseq": 1}]', "Offer 1, price_uact_per_block: Field required."),
        (f'[{{"provider": "{CEDAR}", "gseq": 1, "price": 1}}]', "Offer 1 has a field 'price'"),
        (f'[{{"provider": "{CEDAR}", "gseq": 1, "price_uact_per_block": 1, "upt": 1}}]', "field 'upt'"),
        ('[{"provider": "x", "gseq": 1, "price_uact_per_block": 1}]', "Offer 1, provider: "),
        ("[" * 100_000, "That is not JSON"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_not_an_offer_is_named_by_its_place(
    text: str, said: str, machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (machine / "bad.json").write_text(text)
    assert status("rank", "bad.json") == 1
    assert said in capsys.readouterr().err
