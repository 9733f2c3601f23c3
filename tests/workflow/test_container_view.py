"""What a container found instead of what was meant: from events, the end of its log, and the notes of its SDL."""

from __future__ import annotations

import pytest
from failing_deployments import sdl_of, service
from hypothesis import given
from hypothesis import strategies as st
from test_event_patterns import LEASE, LIFE, POD, event, life, named

from akash_mcp.clients.provider.log_frames import LogLine
from akash_mcp.workflow.desired_state import DesiredDisk, DesiredService
from akash_mcp.workflow.diagnosis import causes
from akash_mcp.workflow.diagnosis.causes import CauseKind
from akash_mcp.workflow.diagnosis.container_view import view_in_log
from akash_mcp.workflow.diagnosis.evidence import LeaseEvidence, ServiceEvidence
from akash_mcp.workflow.diagnosis.rules import LeaseDiagnosis, diagnose_lease
from akash_mcp.workflow.diagnosis.sdl_notes import SdlNote, notes_of

TASK = "Error: failed to create containerd task: unable to start container process: "
N06 = SdlNote("N06", 12, "a fresh disk belongs to root", "no SDL can change that")
N07 = SdlNote("N07", 12, "the top folder holds lost+found", 'add to args: "--datadir=/var/lib/mysql/data"')
N04 = SdlNote(
    "N04", 5, "an option and its value are one item", 'write one word an item: args: ["--model", "…"]'
)


def of_value(rule: str, variable: str = "TOKEN", message: str = "it is not what was meant") -> SdlNote:
    return SdlNote(rule, 7, message, "write it rightly", variable)


def wanted(mount: str, kind: str = "beta3") -> DesiredService:
    return DesiredService(
        "web", 1, disks=(DesiredDisk("root", 1, "", ""), DesiredDisk("data", 1, kind, mount))
    )


def ended(log_text: str, *notes: SdlNote, disk: DesiredService | None = None) -> LeaseDiagnosis:
    events = (*life(*LIFE), event("BackOff", "Back-off restarting failed container"))
    log_tail = tuple(LogLine(POD, line, "web") for line in log_text.splitlines())
    seen = ServiceEvidence("web", 0, 1, events, log_tail, wanted=disk, notes=notes)
    return diagnose_lease(LeaseEvidence(LEASE, 1e6, (seen,)))


def not_started(note: str, *notes: SdlNote) -> LeaseDiagnosis:
    seen = ServiceEvidence("web", 0, 1, (*life(*LIFE[:4]), event("Failed", note)), notes=notes)
    return diagnose_lease(LeaseEvidence(LEASE, 1e6, (seen,)))


@pytest.mark.parametrize(
    ("note", "kind"),
    [
        (
            f"{TASK}exec: \"bash -c 'pip install x && python app.py'\": executable file not found in $PATH: unknown",
            causes.COMMAND_IN_ONE_ITEM,
        ),
        (f'{TASK}exec: "echo \\"hi\\" x": executable file not found in $PATH', causes.COMMAND_IN_ONE_ITEM),
        (
            f'{TASK}exec: "/bin/run it": stat /bin/run it: no such file or directory',
            causes.COMMAND_IN_ONE_ITEM,
        ),
        (f'{TASK}exec: "sh": executable file not found in $PATH: unknown', causes.NO_SHELL),
        (f'{TASK}exec: "/bin/bash": stat /bin/bash: no such file or directory: unknown', causes.NO_SHELL),
        (f'{TASK}exec: "serve": executable file not found in $PATH: unknown', causes.COMMAND_NOT_FOUND),
        (f'{TASK}exec: "/run me.sh": permission denied: unknown', causes.COMMAND_NOT_FOUND),
    ],
)
def test_the_program_that_was_looked_for_shows_why_there_is_none(note: str, kind: CauseKind) -> None:
    assert named(not_started(note)) == [kind.name]


def test_the_line_of_the_sdl_is_in_the_fix_and_in_the_evidence() -> None:
    (cause,) = not_started(f'{TASK}exec: "serve --model foo": executable file not found in $PATH', N04).causes
    assert '(line 5: write one word an item: args: ["--model", "…"])' in cause.fix
    assert cause.evidence[-1] == "the SDL, line 5: an option and its value are one item"


@pytest.mark.parametrize(
    ("log_text", "kind"),
    [
        (
            'initdb: error: directory "/var/lib/postgresql/data" exists but is not empty\n'
            "initdb: detail: It contains a lost+found directory, perhaps due to it being a mount point.",
            causes.DATA_FOLDER_NOT_EMPTY,
        ),
        ('error: exec: "sh -c x": executable file not found in $PATH', causes.WORDS_IN_ONE_ITEM),
        (
            "[FATAL tini (7)] exec bash -c 'a && b' failed: No such file or directory",
            causes.WORDS_IN_ONE_ITEM,
        ),
        ("/bin/sh: bash: not found", causes.NO_SHELL_TO_RUN),
        ("env: can't execute 'bash': No such file or directory", causes.NO_SHELL_TO_RUN),
        ("/usr/bin/env: ‘bash’: No such file or directory", causes.NO_SHELL_TO_RUN),
        ("exec /bin/bash: no such file or directory", causes.NO_SHELL_TO_RUN),
        ("sh: 1: serve: not found", causes.CRASH_LOOP),
        ("/entrypoint.sh: line 4: serve: not found", causes.CRASH_LOOP),
        ("bash: /app/run.sh: No such file or directory", causes.CRASH_LOOP),
        ("exec user process caused: no such file or directory", causes.CRASH_LOOP),
        ("/run.sh: exec: line 47: serve: not found", causes.CRASH_LOOP),
        ("[ERROR] --initialize specified but the data directory has files in it.", causes.CRASH_LOOP),
        ("Error: EACCES: permission denied, open '/home/node/.n8n/config'", causes.CRASH_LOOP),
        ("Error: 401 Unauthorized", causes.CRASH_LOOP),
        ("error: unknown option: --model foo", causes.CRASH_LOOP),
    ],
)
def test_a_log_alone_shows_only_what_cannot_be_anything_else(log_text: str, kind: CauseKind) -> None:
    assert named(ended(log_text)) == [kind.name]


@pytest.mark.parametrize(
    ("log_text", "note", "kind"),
    [
        (
            "[ERROR] [MY-010457] --initialize specified but the data directory has files in it. Aborting.",
            N07,
            causes.DATA_FOLDER_NOT_EMPTY,
        ),
        ("app.py: error: unrecognized arguments: --model foo", N04, causes.WORDS_IN_ONE_ITEM),
        ("Error: Cannot find module '/app/npm run start'", N04, causes.WORDS_IN_ONE_ITEM),
        ("ValueError: could not convert TOKEN", of_value("N01"), causes.VALUE_AS_TEXT),
        ("panic: invalid port '\"8080\"'", of_value("N01"), causes.VALUE_AS_TEXT),
        (
            "dial tcp: lookup ${DB_HOST}: no such host",
            of_value("N02", "URL", "nobody fills in ${DB_HOST}: URL keeps it as text"),
            causes.VALUE_AS_TEXT,
        ),
        ("openai.AuthenticationError: 401 invalid_api_key", of_value("N03"), causes.VALUE_AS_TEXT),
        (
            'FATAL: password authentication failed for user "app"',
            of_value("N03", "DATABASE_URL"),
            causes.VALUE_AS_TEXT,
        ),
        ("connect ECONNREFUSED 127.0.0.1:5432", of_value("N05", "DB_URL"), causes.VALUE_AS_TEXT),
    ],
)
def test_a_log_and_the_sdl_together_show_where_it_was_written(
    log_text: str, note: SdlNote, kind: CauseKind
) -> None:
    (cause,) = ended(log_text, note).causes
    assert cause.kind is kind
    assert f"line {note.line}" in cause.fix
    assert note.fix in cause.fix


@pytest.mark.parametrize(
    ("log_text", "note"),
    [
        ("panic: index out of range", of_value("N01")),
        ("TOKENS: 5 errors", of_value("N03")),
        ("Error: 401 Unauthorized", of_value("N03", "GREETING")),
        ("connect ECONNREFUSED 10.0.0.9:5432", of_value("N05", "DB_URL")),
        ("panic: index out of range", N04),
        ("panic: index out of range", N07),
    ],
)
def test_a_note_that_nothing_points_to_is_told_after_the_crash_and_as_likely(
    log_text: str, note: SdlNote
) -> None:
    found = ended(log_text, note)
    assert named(found) == [causes.CRASH_LOOP.name, causes.DOUBTFUL_LINE.name]
    assert "likely" in found.causes[1].what
    assert f"line {note.line}" in found.causes[1].fix


def test_of_several_notes_that_which_surely_breaks_it_is_told() -> None:
    found = ended("panic: x", of_value("N01"), N07, N04)
    assert "line 5" in found.causes[1].fix


def test_a_note_is_not_blamed_for_a_job_that_did_its_work() -> None:
    assert named(ended("epoch 10/10", of_value("N03"))) == [causes.ENDS_BY_ITSELF.name]


DENIED = "Error: EACCES: permission denied, open '/home/node/.n8n/config'"


@pytest.mark.parametrize(
    ("log_text", "service", "notes", "kind"),
    [
        (DENIED, wanted("/home/node/.n8n"), (), causes.DISK_NOT_WRITABLE),
        (DENIED, wanted("/home/node/.n8n/"), (), causes.DISK_NOT_WRITABLE),
        (
            "mkdir: can't create directory: Permission denied",
            wanted("/data"),
            (N06,),
            causes.DISK_NOT_WRITABLE,
        ),
        ("GF_PATHS_DATA='/data' is not writable.", wanted("/data"), (), causes.DISK_NOT_WRITABLE),
        ("open /data/queries.active: permission denied", wanted("/data"), (), causes.DISK_NOT_WRITABLE),
        ("open /database/x: permission denied", wanted("/data"), (), causes.CRASH_LOOP),
        (DENIED, wanted("/home/node/.n8n", "ram"), (), causes.CRASH_LOOP),
        (DENIED, None, (), causes.CRASH_LOOP),
        ("wrote /data/x\n/app: permission denied", wanted("/data"), (), causes.CRASH_LOOP),
    ],
)
def test_a_denied_disk_is_one_that_the_sdl_mounts_there(
    log_text: str, service: DesiredService | None, notes: tuple[SdlNote, ...], kind: CauseKind
) -> None:
    found = ended(log_text, *notes, disk=service)
    assert named(found) == [kind.name]
    if kind is causes.DISK_NOT_WRITABLE and service:
        assert f"its disk at {service.disks[1].mount.rstrip('/')}:" in found.causes[0].what


def test_the_notes_of_an_sdl_have_its_services_and_lines_and_no_values() -> None:
    sdl = sdl_of(
        web=service("acme/app:1", env=["A=1", 'PW="hunter22"'], args=["--model hunter22"]),
        db=service("acme/db:1"),
    )
    (found,) = [notes for name, notes in notes_of(sdl).items() if name == "web"]
    assert [(note.rule, note.variable) for note in found] == [("N01", "PW"), ("N04", "")]
    assert [sdl.splitlines()[note.line - 1].strip() for note in found] == [
        '- PW="hunter22"',
        "- --model hunter22",
    ]
    assert "hunter22" not in str(found)
    assert set(notes_of(sdl)) == {"web"}
    assert notes_of("not an SDL") == {}


@given(st.lists(st.text(max_size=300), max_size=20))
def test_no_text_of_a_log_gets_into_the_words_of_a_cause(lines: list[str]) -> None:
    notes = (N04, N06, N07, of_value("N01"), of_value("N02"))
    view = view_in_log([f"permission denied {line}" for line in lines], wanted("/data"), notes)
    assert view is None or set(view.facts) <= {"note", "message", "line", "write", "mount", "shell"}
    assert view is None or view.facts.get("mount", "/data") == "/data"
