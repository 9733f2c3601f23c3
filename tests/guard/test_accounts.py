"""Whose money it is: by account and network, whatever the key, and unknown where nobody has said."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from agents import SPEED
from key_holders import DSEQ, KEY, RENEWED, Passing, beside, key_holder, launched
from scripted_console import BLOCK, LIST, OWNER, USER, WALLETS, ScriptedConsole, deployment, refusal

from akash_mcp.errors import MissingKey, ServerError, UnknownAccount, UnknownTime, Unreachable
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.accounts import ASK_AGAIN_SECONDS, adopt, check_bound
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.ids import Dseq
from akash_mcp.money import Usd
from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork, Options

pytestmark = pytest.mark.anyio

ACCOUNT = f"akash:{OWNER}"
OTHER = "akash1ppp"
FAILING = refusal(500, "Internal server error")


@pytest.fixture
async def console() -> AsyncIterator[ScriptedConsole]:
    async with ScriptedConsole() as scripted:
        yield scripted


# ── whose it is ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("generation", ["2025", "reference", "2026-11"])
async def test_every_generation_says_whose_key_it_is(tmp_path: Path, generation: Generation) -> None:
    options = Options(speed=SPEED, generation=generation, strict=generation == "2026-11")
    async with EmbeddedNetwork(options) as network, beside(network, tmp_path) as holder:
        await holder.accounts.bind()
        assert holder.store.account == f"{network.chain.id}:{network.owner}"


async def test_all_keys_of_an_organization_spend_from_its_wallet(tmp_path: Path) -> None:
    named = set()
    async with EmbeddedNetwork(Options(speed=SPEED, generation="2026-11", organizations=True)) as network:
        for key in network.keys.values():
            async with beside(network, tmp_path, key) as holder:
                await holder.accounts.bind()
                named.add(holder.store.account)
    assert len(network.keys) == 3
    assert named == {f"{network.chain.id}:{network.owner}"}


async def test_two_keys_of_one_account_share_a_budget_and_a_renewed_key_keeps_its_history(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    async with key_holder(tmp_path, console.url) as first:
        await first.accounts.bind()
        first.launched(4)
    async with key_holder(tmp_path, console.url, RENEWED) as second:
        await second.accounts.bind()
        assert (second.held, second.owns()) == (Usd(4), True)


async def test_one_console_has_several_addresses(tmp_path: Path, console: ScriptedConsole) -> None:
    elsewhere = console.url.replace("127.0.0.1", "localhost")
    async with key_holder(tmp_path, console.url) as first, key_holder(tmp_path, elsewhere) as second:
        await first.accounts.bind()
        await second.accounts.bind()
        assert first.store.account == second.store.account == ACCOUNT


async def test_a_console_on_this_machine_that_is_not_embedded_is_the_public_one(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    async with key_holder(tmp_path, console.url, chain=console.url) as tunnelled:
        await tunnelled.accounts.bind()
        assert tunnelled.store.account == ACCOUNT


@pytest.mark.parametrize("said", ["", "embedded-\n1", "x" * 51])
async def test_a_chain_that_does_not_say_what_it_is_called_leaves_the_account_unknown(
    tmp_path: Path, console: ScriptedConsole, said: str
) -> None:
    console.name_chain(said)
    async with key_holder(tmp_path, console.url, chain=console.url) as holder:
        with pytest.raises(UnknownAccount, match="Which network it is is not known"):
            await holder.accounts.bind()
        assert holder.store.account == ""


async def test_two_accounts_of_one_folder_have_nothing_in_common(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    async with (
        key_holder(tmp_path, console.url) as first,
        key_holder(tmp_path, console.url, RENEWED) as other,
    ):
        await first.accounts.bind()
        first.launched(4)
        console.on(WALLETS, (200, [{"address": OTHER}]))
        await other.accounts.bind()
        assert (other.held, other.owns()) == (Usd(0), False)
        other.launched(3)  # of the same number: it is a moment, and belongs to nobody
        assert (first.held, other.held) == (Usd(4), Usd(3))


async def test_two_runs_of_one_embedded_network_have_the_same_key_and_nothing_in_common(
    tmp_path: Path,
) -> None:
    async with EmbeddedNetwork(Options(speed=SPEED)) as before, beside(before, tmp_path) as first:
        await first.accounts.bind()
        first.launched(4)
    async with EmbeddedNetwork(Options(speed=SPEED)) as network, beside(network, tmp_path) as second:
        assert (network.api_key, network.owner) == (before.api_key, before.owner)
        await second.accounts.recall()
        assert not second.owns()
        await second.accounts.bind()
        assert (second.held, second.owns()) == (Usd(0), False)


async def test_two_processes_of_two_accounts_each_spend_all_of_their_own_side_by_side(tmp_path: Path) -> None:
    told = []

    async def spend(network: EmbeddedNetwork) -> None:
        program = Path(__file__).with_name("key_holders.py")
        arguments = [str(tmp_path), network.console_url, network.api_key, network.chain_rest_url]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
        done = await anyio.run_process([sys.executable, str(program), *arguments], env=environment)
        told.append(json.loads(done.stdout))

    async with (
        EmbeddedNetwork(Options(speed=SPEED)) as one,
        EmbeddedNetwork(Options(speed=SPEED)) as other,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(spend, one)
        tasks.start_soon(spend, other)
    assert sorted(told) == sorted([f"{each.chain.id}:{each.owner}", "$20.00"] for each in (one, other))


# ── when nobody says ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "wallets", [[], [{"address": OWNER}, {"address": OTHER}], [{"address": ""}], [{"address": "not one\n"}]]
)
async def test_a_wallet_that_is_not_told_or_one_of_several_leaves_the_account_unknown(
    tmp_path: Path, console: ScriptedConsole, wallets: list[dict[str, str]]
) -> None:
    console.on(WALLETS, (200, wallets))
    async with key_holder(tmp_path, console.url) as holder:
        with pytest.raises(
            UnknownAccount, match=r"Whose money it would be is not known.*No money moved\."
        ) as told:
            await holder.accounts.bind()
        assert "ready after a minute" in told.value.next_step
        with pytest.raises(UnknownAccount):
            holder.store.run_now(check_bound)


async def test_a_wallet_that_is_ready_a_minute_later_is_asked_for_again(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    console.on(WALLETS, (200, []), (200, [{"address": OWNER}]))
    async with key_holder(tmp_path, console.url) as holder:
        with pytest.raises(UnknownAccount):
            await holder.accounts.bind()
        await holder.accounts.bind()
        holder.store.run_now(check_bound)
        assert holder.store.account == ACCOUNT


async def test_a_console_that_never_said_and_fails_now_is_told_as_what_it_is(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    console.on(USER, FAILING)
    async with key_holder(tmp_path, console.url) as holder:
        with pytest.raises(ServerError, match="No money moved"):
            await holder.accounts.bind()
        await holder.accounts.recall()
        assert holder.store.account == ""


async def test_without_a_key_it_is_nobodys(tmp_path: Path, console: ScriptedConsole) -> None:
    async with key_holder(tmp_path, console.url, None) as holder:
        await holder.accounts.recall()
        with pytest.raises(MissingKey):
            await holder.accounts.bind()
    assert not console.requests


async def test_what_was_said_once_is_known_while_the_console_is_silent(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    async with key_holder(tmp_path, console.url) as holder:
        await holder.accounts.bind()
        holder.launched(4)
    console.hang_up()
    async with key_holder(tmp_path, console.url) as reading:
        await reading.accounts.recall()
        assert (reading.held, reading.owns()) == (Usd(4), True)
    async with key_holder(tmp_path, console.url, RENEWED) as stranger:
        await stranger.accounts.recall()
        assert (stranger.store.account, stranger.owns()) == ("", False)
        with pytest.raises(Unreachable):
            await stranger.accounts.bind()


async def test_what_was_said_once_is_gone_by_where_the_console_cannot_say_it_again(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    async with key_holder(tmp_path, console.url) as holder:
        await holder.accounts.bind()
    for wallets in (FAILING, (200, [])):
        console.on(WALLETS, wallets)
        async with key_holder(tmp_path, console.url) as holder:
            await holder.accounts.bind()
            assert holder.store.account == ACCOUNT


async def test_an_embedded_networks_history_is_known_while_its_chain_is_silent_and_not_in_another_run(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    console.name_chain("embedded-1")
    async with key_holder(tmp_path, console.url, chain=console.url) as holder:
        await holder.accounts.bind()
        holder.launched(4)
        assert len(console.sent(BLOCK)) == 1
        await holder.accounts.bind()
        assert len(console.sent(BLOCK)) == 1  # a process has one network
    for chain, is_known in ((FAILING, True), (None, False)):
        console.name_chain("embedded-2")
        if chain is not None:
            console.on(BLOCK, chain)
        async with key_holder(tmp_path, console.url, chain=console.url) as holder:
            await holder.accounts.recall()
            assert holder.owns() is is_known


async def test_recalling_asks_nobody_and_survives_a_damaged_ledger(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    async with key_holder(tmp_path, console.url) as holder:
        await holder.accounts.bind()
        asked = len(console.requests)
    async with key_holder(tmp_path, console.url) as holder:
        await holder.accounts.recall()
        assert holder.store.account == ACCOUNT
    for file in (tmp_path / "state").iterdir():
        file.write_bytes(b"rubbish" * 1000)
    async with key_holder(tmp_path, console.url) as holder:
        await holder.accounts.recall()
        assert holder.store.account == ""
    assert len(console.requests) == asked


async def test_a_console_that_tells_no_time_lets_nothing_be_spent(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    console.clock = lambda: None
    async with key_holder(tmp_path, console.url) as holder:
        with pytest.raises(UnknownTime):
            await holder.accounts.bind()
        assert holder.store.account == ACCOUNT  # closing goes on by it


# ── when it is another's ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_key_that_has_become_anothers_spends_nothing_until_a_person_has_looked(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    passing = Passing()
    async with key_holder(tmp_path, console.url, passing=passing) as holder:
        await holder.accounts.bind()
        holder.launched(4)
        console.on(WALLETS, (200, [{"address": OTHER}]))
        await holder.accounts.bind()  # asked within the hour
        passing.now += ASK_AGAIN_SECONDS
        for _ in range(2):
            with pytest.raises(
                UnknownAccount, match=rf"now spends from {OTHER}, and it was {OWNER}'s"
            ) as told:
                await holder.accounts.bind()
        assert "akash-mcp doctor --fix" in told.value.next_step
        assert (holder.held, holder.owns()) == (Usd(4), True)
        why = await holder.accounts.missing_history()
        assert why is not None
        assert OTHER in why
        assert await holder.accounts.acknowledge() == f"akash:{OTHER}"
        await holder.accounts.bind()
        assert (holder.held, holder.owns()) == (Usd(0), False)
    async with key_holder(tmp_path, console.url) as holder:
        await holder.accounts.recall()
        assert holder.store.account == f"akash:{OTHER}"


async def test_whose_key_it_is_is_asked_once_an_hour(tmp_path: Path, console: ScriptedConsole) -> None:
    passing = Passing()
    async with key_holder(tmp_path, console.url, passing=passing) as holder:
        for _ in range(3):
            await holder.accounts.bind()
            passing.now += ASK_AGAIN_SECONDS / 2.5
    assert len(console.sent(WALLETS)) == 1


async def test_the_ledger_does_not_say_which_key_it_knows(tmp_path: Path, console: ScriptedConsole) -> None:
    async with key_holder(tmp_path, console.url) as holder:
        await holder.accounts.bind()
    kept = written(tmp_path)
    assert OWNER.encode() in kept
    for guess in (
        KEY,
        hashlib.sha256(KEY.encode()).hexdigest(),
        hashlib.sha256(KEY.encode()).hexdigest()[:16],
    ):
        assert guess.encode() not in kept


def written(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


# ── what was written before anybody knew ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def before(tmp_path: Path) -> None:
    """A ledger of a time without accounts: two open deployments."""
    store = Store(tmp_path / "state")
    for dseq in (DSEQ, Dseq("1763759482999")):
        store.run_now(launched, 2, dseq)
    store.close()


@pytest.mark.usefixtures("before")
async def test_it_is_the_first_accounts_that_is_known(tmp_path: Path, console: ScriptedConsole) -> None:
    async with key_holder(tmp_path, console.url) as reading:
        await reading.accounts.recall()
        assert (reading.held, reading.owns()) == (Usd(4), True)
        await reading.accounts.bind()
        assert (reading.held, reading.owns()) == (Usd(4), True)
    console.on(WALLETS, (200, [{"address": OTHER}]))
    async with key_holder(tmp_path, console.url, RENEWED) as other:
        await other.accounts.bind()
        assert (other.held, other.owns()) == (Usd(0), False)


@pytest.mark.usefixtures("before")
async def test_an_embedded_network_gets_only_what_is_proven_to_be_its_own(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    console.name_chain("embedded-1")
    theirs = deployment("1763759482999")
    theirs["deployment"]["id"]["owner"] = OTHER
    console.on(LIST, (200, {"deployments": [deployment(), theirs], "pagination": {}}))
    async with key_holder(tmp_path, console.url, chain=console.url) as embedded:
        await embedded.accounts.bind()
        assert embedded.store.account == f"embedded-1:{OWNER}"
        assert (embedded.held, embedded.owns()) == (Usd(2), True)
        assert not embedded.owns(Dseq("1763759482999"))
    async with key_holder(tmp_path, console.url, RENEWED) as real:
        await real.accounts.bind()
        assert (real.held, real.owns(), real.owns(Dseq("1763759482999"))) == (Usd(2), False, True)


@pytest.mark.usefixtures("before")
async def test_an_account_that_has_a_deployment_of_this_number_keeps_its_own(
    tmp_path: Path, console: ScriptedConsole
) -> None:
    store = Store(tmp_path / "state")
    store.account = ACCOUNT
    own = store.run_now(launched, 1, DSEQ)
    store.close()
    async with key_holder(tmp_path, console.url) as holder:
        await holder.accounts.bind()
        launch = holder.store.read_now(journal.launch_of, DSEQ)
        assert launch is not None
        assert launch.op_id == own
        assert holder.held == Usd(5)  # of what nobody knows the money still counts


def test_what_was_folded_into_days_is_added_up(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def fold(db: Db, account: str, uact: int) -> None:
        db.run("INSERT INTO spent VALUES (:account, '', '2026-11-29', :uact)", account=account, uact=uact)

    for account, uact in (("", 5), (ACCOUNT, 7), ("akash:another", 11)):
        store.run_now(fold, account, uact)
    for _ in range(2):
        store.run_now(adopt, ACCOUNT)
    rows = store.read_now(lambda db: db.all("SELECT account, spent_uact FROM spent ORDER BY spent_uact"))
    assert [tuple(row) for row in rows] == [("akash:another", 11), (ACCOUNT, 12)]
    store.close()
