"""Keys that `akash-mcp login` stored: one a Console, and none for another."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring_in_a_file import FileKeyring, Unrecommended

from akash_mcp.errors import MissingAkuaToken, MissingKey
from akash_mcp.guard.login_keys import AKUA, LoginKeys, Service, owner_of
from akash_mcp.guard.login_keys import CONSOLE as CONSOLE_KEYS

KEY = "ac.sk.production.0123456789"
CONSOLE = "https://console-api.akash.network"
OTHER = "https://console.example/api"


@pytest.fixture(params=["keyring", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """With a keyring that works, and with none."""
    monkeypatch.setenv("KEYRING_FILE", str(tmp_path / "keyring"))
    before = keyring.get_keyring()
    keyring.set_keyring(FileKeyring() if request.param == "keyring" else Unrecommended())
    yield str(request.param)
    keyring.set_keyring(before)


@pytest.fixture(params=[CONSOLE_KEYS, AKUA], ids=lambda service: str(service.title))
def service(request: pytest.FixtureRequest) -> Service:
    """The Console or Akua."""
    given: Service = request.param
    return given


@pytest.fixture
def keys(tmp_path: Path, service: Service) -> LoginKeys:
    return LoginKeys(tmp_path / "config", service, now=lambda: 1000.0)


def test_a_key_is_kept_read_replaced_and_forgotten(
    place: str, service: Service, keys: LoginKeys, tmp_path: Path
) -> None:
    assert keys.keep(CONSOLE, "an earlier one") == place
    assert keys.keep(f"{CONSOLE.upper().replace('HTTPS', 'https')}/", KEY) == place
    assert keys.read(CONSOLE) == KEY
    [stored] = keys.all()
    assert (stored.url, stored.place, stored.set_at) == (CONSOLE, place, 1000.0)
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert (KEY in keys.path.read_text()) is (place == "file")
    assert keys.forget(CONSOLE)
    assert not keys.forget(CONSOLE)
    for file in (keys.path, tmp_path / "keyring"):
        assert not file.exists() or KEY not in file.read_text()
    with pytest.raises(service.missing) as missing:
        keys.read(CONSOLE)
    assert missing.value.what == service.missing().what


def test_a_key_is_never_for_another_address(place: str, service: Service, keys: LoginKeys) -> None:
    keys.keep(CONSOLE, KEY)
    with pytest.raises(
        service.missing, match=f"no API {service.noun} for {service.title} at {OTHER}"
    ) as missing:
        keys.read(OTHER)
    assert f"{service.login} {service.address} {OTHER}" in missing.value.next_step
    assert keys.stored(OTHER) is None
    keys.keep(OTHER, "another one")
    assert (keys.read(CONSOLE), keys.read(OTHER)) == (KEY, "another one")


def test_one_that_somebody_took_out_of_the_keyring_is_told(
    place: str, keys: LoginKeys, tmp_path: Path
) -> None:
    keys.keep(CONSOLE, KEY)
    if place == "keyring":
        (tmp_path / "keyring").write_text("{}")
        with pytest.raises(MissingKey, match="somebody took it out"):
            keys.read(CONSOLE)
        (tmp_path / "keyring").write_text("locked")
        with pytest.raises(MissingKey, match=r"keyring cannot be read \(KeyringLocked\)"):
            keys.read(CONSOLE)
        keyring.set_keyring(Unrecommended())  # as cron and ssh find it
        with pytest.raises(MissingKey, match="reaches no keyring"):
            keys.read(CONSOLE)
        assert keys.keep(CONSOLE, KEY) == "file"
        assert keys.read(CONSOLE) == KEY


def test_a_file_that_others_can_read_is_not_used(place: str, keys: LoginKeys) -> None:
    keys.keep(CONSOLE, KEY)
    keys.path.chmod(0o644)
    with pytest.raises(MissingKey, match="others can read or change it") as exposed:
        keys.read(CONSOLE)
    assert f"chmod 600 {keys.path}" in exposed.value.next_step


def test_a_key_is_never_another_services_though_both_are_at_one_address(place: str, tmp_path: Path) -> None:
    console, akua = LoginKeys(tmp_path / "config"), LoginKeys(tmp_path / "config", AKUA)
    console.keep(OTHER, KEY)
    assert (akua.all(), akua.stored(OTHER), akua.forget(OTHER)) == ([], None, False)
    with pytest.raises(MissingAkuaToken):
        akua.read(OTHER)
    akua.keep(OTHER, "sk_akua_0123456789")
    assert (console.read(OTHER), akua.read(OTHER)) == (KEY, "sk_akua_0123456789")
    # Even where a list claims what is another's, a keyring gives out nothing: it knows the services apart.
    akua.path.write_text(console.path.read_text())
    console.forget(OTHER)
    if place == "keyring":
        assert akua.read(OTHER) == "sk_akua_0123456789"


@pytest.mark.parametrize(
    ("key", "owner"),
    [(KEY, CONSOLE_KEYS), ("sk_akua_1", AKUA), ("cnap_pat_1", AKUA), ("eyJhbGciOi", None), ("", None)],
)
def test_whose_a_key_is_shows_by_how_it_begins(key: str, owner: Service | None) -> None:
    assert owner_of(key) is owner
