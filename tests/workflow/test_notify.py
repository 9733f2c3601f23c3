"""The person is told by their own command and webhook, once each; nothing waits for it and nothing fails by it."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import anyio
import anyio.abc
import pytest

from akash_mcp.clients.webhook import Webhook
from akash_mcp.guard.books import notices
from akash_mcp.guard.books.notices import Level
from akash_mcp.guard.books.store import Store
from akash_mcp.ids import Dseq
from akash_mcp.workflow.notify import Notifier

pytestmark = pytest.mark.anyio

AT = 1_764_400_000.0
TOKEN = "T0KENinTHEpath"

# Writes down what it was given: arguments, standard input and the names of its variables.
WITNESS = """
import json, os, sys
given = {"argv": sys.argv[2:], "stdin": sys.stdin.read(), "environ": sorted(os.environ)}
with open(sys.argv[1], "a") as file:
    file.write(json.dumps(given) + "\\n")
print("never on our own standard output")
sys.exit(int(os.environ.get("WITNESS_EXIT", "0")))
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "state", lambda: AT)) as store:
        yield store


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    return tmp_path / "seen"


def program(tmp_path: Path, text: str) -> str:
    path = tmp_path / "a program's $name"
    path.write_text(text)
    return str(path)


def witness(tmp_path: Path, seen: Path) -> Sequence[str]:
    return (sys.executable, program(tmp_path, WITNESS), str(seen), "two words; $HOME")


def lines(seen: Path) -> list[str]:
    return seen.read_text().splitlines() if seen.exists() else []


def found(seen: Path) -> list[dict[str, list[str]]]:
    return [json.loads(line) for line in lines(seen)]


def give(store: Store, text: str = "Deployment 7 was closed at its end.") -> None:
    store.run_now(notices.note, text, level=Level.INFO, dseq=Dseq("7"))


@asynccontextmanager
async def listening(status: str = "200 OK") -> AsyncIterator[tuple[str, list[bytes]]]:
    """A web server that says the same to everyone, its address, and the requests that it got."""
    heard: list[bytes] = []

    async def serve(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            heard.append(await stream.receive())
            while b"}" not in heard[-1]:
                heard[-1] += await stream.receive()
            await stream.send(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        yield f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}/{TOKEN}", heard
        tasks.cancel_scope.cancel()


async def test_a_command_gets_a_short_text_and_the_notice_as_json(
    store: Store, tmp_path: Path, seen: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    give(store)
    await Notifier(command=witness(tmp_path, seen)).deliver(store)
    (given,) = found(seen)
    assert given["argv"] == ["two words; $HOME", "info: Deployment 7 was closed at its end."]
    assert json.loads(str(given["stdin"])) == {
        "at": "2025-11-29T07:06:40+00:00",
        "level": "info",
        "text": "Deployment 7 was closed at its end.",
        "dseq": "7",
    }
    assert capfd.readouterr().out == ""


async def test_a_command_gets_none_of_our_variables(
    store: Store, tmp_path: Path, seen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AKASH_API_KEY", "AKASH_MCP_NOTIFY_URL", "AKUA_API_TOKEN", "OF_THEIR_OWN"):
        monkeypatch.setenv(name, "x")
    give(store)
    await Notifier(command=witness(tmp_path, seen)).deliver(store)
    (given,) = found(seen)
    assert not [name for name in given["environ"] if name.startswith(("AKASH_", "AKUA_"))]
    assert "OF_THEIR_OWN" in given["environ"]


async def test_each_notice_is_sent_once_by_whoever_comes_first(
    store: Store, tmp_path: Path, seen: Path
) -> None:
    for number in range(12):
        give(store, f"notice {number}")
    notifier = Notifier(command=("/bin/sh", "-c", 'echo "$1" >> "$0"', str(seen)))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(notifier.deliver, store)
        tasks.start_soon(notifier.deliver, store)
    assert sorted(lines(seen)) == sorted(f"info: notice {number}" for number in range(12))
    assert len(store.run_now(notices.take, 20)) == 12  # and the next answer has them all the same


async def test_without_a_command_or_webhook_nothing_is_opened_and_nothing_taken(store: Store) -> None:
    await Notifier().deliver(store)
    assert not store.path.exists()
    give(store)
    await Notifier().deliver(store)
    assert store.read_now(notices.any_unsent)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
async def test_a_command_that_does_not_end_is_killed_with_all_that_it_started(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    give(store)
    pipe = tmp_path / "held by each of them while it lives"
    os.mkfifo(pipe)
    ours = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    script = 'exec 3> "$0"; sleep 60 & wait'
    with anyio.fail_after(20):
        await Notifier(command=("/bin/sh", "-c", script, str(pipe)), seconds=0.5).deliver(store)
        await anyio.wait_readable(ours)  # at its end, once nobody has it open any more
    assert os.read(ours, 1) == b""
    os.close(ours)
    assert "was killed after 0.5 s" in caplog.text


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("/bin/sh", "-c", "exit 3"), "ended with exit code 3"),
        (("/nonexistent/program",), "cannot be started: No such file or directory"),
        (("/etc/passwd",), "cannot be started: Permission denied"),
        (("/bin/sh\0",), "cannot be started: it holds a null character"),
    ],
)
async def test_what_goes_wrong_with_a_command_is_logged_and_nothing_else(
    store: Store, command: Sequence[str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    give(store)
    await Notifier(command=command).deliver(store)
    assert said in caplog.text
    assert not store.read_now(notices.any_unsent)


async def test_a_command_that_reads_nothing_is_fine(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    give(store)
    await Notifier(command=("/bin/sh", "-c", "exec <&-; exit 0")).deliver(store)
    assert not caplog.records


async def test_a_webhook_gets_the_notice_and_its_address_stays_unsaid(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    give(store)
    async with listening() as (url, heard):
        await Notifier(webhook=Webhook(url)).deliver(store)
    (request,) = heard
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(f"POST /{TOKEN} ".encode())
    assert json.loads(body)["text"] == "Deployment 7 was closed at its end."
    assert TOKEN not in caplog.text


async def test_a_webhook_that_refuses_is_logged_and_the_command_is_run_all_the_same(
    store: Store, tmp_path: Path, seen: Path, caplog: pytest.LogCaptureFixture
) -> None:
    give(store)
    async with listening("404 Not Found") as (url, _):
        await Notifier(command=witness(tmp_path, seen), webhook=Webhook(url)).deliver(store)
    assert "a notice did not reach the webhook of notify_url, which answered 404" in caplog.text
    assert TOKEN not in caplog.text
    assert len(found(seen)) == 1


async def test_a_ledger_that_cannot_be_used_is_logged_and_nothing_else(
    tmp_path: Path, seen: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "akash-mcp.sqlite3").write_bytes(b"rubbish" * 1_000)
    with closing(Store(tmp_path)) as store:
        await Notifier(command=witness(tmp_path, seen)).deliver(store)
    assert "nobody was told" in caplog.text
    assert lines(seen) == []
