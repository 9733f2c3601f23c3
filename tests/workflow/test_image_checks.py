"""Who is asked about an image, with whose credentials, and on whose word."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from threading import Event

import keyring
import pytest
from keyring_in_a_file import Unrecommended
from registry_server import LOOPBACK, OWN, PASSWORD, USER, Registry, endless, running

from akash_mcp.clients.registry.answers import Outcome
from akash_mcp.clients.registry.reader import RegistryReader
from akash_mcp.guard.secret_store import SecretStore
from akash_mcp.sdl import check
from akash_mcp.sdl.author.draft import draft
from akash_mcp.sdl.author.registry_login import parse_login
from akash_mcp.sdl.model import Sdl
from akash_mcp.workflow import image_checks
from akash_mcp.workflow.image_checks import CheckedImage, check_images_for_model, check_images_for_person

pytestmark = pytest.mark.anyio

GHCR, OTHERS = "ghcr.io/team/app:1.2", f"{OWN}/team/app:1.2"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture
def registry(server: Registry) -> Registry:
    server.clear()
    server.push("team/app", "1.2", "linux/amd64")
    server.private.add("team/app")
    return server


@pytest.fixture
async def images(registry: Registry) -> AsyncIterator[RegistryReader]:
    async with RegistryReader(LOOPBACK, verify=registry.trust, lookup=registry.lookup) as asked:
        yield asked


@pytest.fixture
def secrets(tmp_path: Path) -> Iterator[SecretStore]:
    before = keyring.get_keyring()
    keyring.set_keyring(Unrecommended())
    store = SecretStore(tmp_path, lambda: 0.0)
    store.set("TOKEN", PASSWORD)
    yield store
    store.forget()
    keyring.set_keyring(before)


def sdl_with(image: str, password: str = "secret://TOKEN", username: str = USER) -> Sdl:
    """An SDL whose one service runs an image, with credentials for its registry."""
    login = f"{image.split('/')[0]}={username}:secret://TOKEN"
    model = check(draft(image, registry=login).sdl.replace("secret://TOKEN", password)).model
    assert model is not None
    return model


def told(found: list[CheckedImage]) -> tuple[Outcome, str]:
    (one,) = found
    assert PASSWORD not in repr(one)
    return one.answer.outcome, one.line


async def test_credentials_of_an_sdl_go_to_a_large_operator(
    registry: Registry, images: RegistryReader, secrets: SecretStore
) -> None:
    registry.challenge = 'Bearer realm="https://ghcr.io/token"'
    outcome, line = told(await check_images_for_person(sdl_with(GHCR), images, secrets))
    assert (outcome, line) == (
        Outcome.CAN_BE_PULLED,
        f"image {GHCR} is there for linux/amd64, and can be pulled with these credentials",
    )


async def test_and_to_another_only_where_a_person_names_it(
    registry: Registry, images: RegistryReader, secrets: SecretStore
) -> None:
    outcome, line = told(await check_images_for_person(sdl_with(OTHERS), images, secrets))
    assert (outcome, "only where you name it" in line) == (Outcome.UNKNOWN, True)
    assert not registry.asked
    named = [parse_login(f"{OWN}={USER}:secret://TOKEN")]
    outcome, _ = told(await check_images_for_person(sdl_with(OTHERS), images, secrets, named))
    assert outcome is Outcome.CAN_BE_PULLED


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("secret://GONE", "Secret GONE is not stored"),
        ("ac-secret://TOKEN", "the Console keeps its credentials"),
    ],
)
async def test_a_password_that_cannot_be_had_is_told(
    password: str, words: str, registry: Registry, images: RegistryReader, secrets: SecretStore
) -> None:
    outcome, line = told(await check_images_for_person(sdl_with(GHCR, password), images, secrets))
    assert (outcome, words in line) == (Outcome.UNKNOWN, True)
    assert not registry.asked


async def test_a_model_shows_no_credentials(registry: Registry, images: RegistryReader) -> None:
    outcome, line = told(await check_images_for_model(sdl_with(GHCR), images))
    assert (outcome, "only from the command line" in line) == (Outcome.UNKNOWN, True)
    assert not registry.asked


async def test_a_model_asks_nobody_but_registries_that_all_share(
    registry: Registry, images: RegistryReader
) -> None:
    registry.private.clear()
    others = check(draft(OTHERS).sdl).model
    known = check(draft(GHCR).sdl).model
    assert others is not None
    assert known is not None
    outcome, line = told(await check_images_for_model(others, images))
    assert (outcome, "not a registry that all share" in line) == (Outcome.UNKNOWN, True)
    assert not registry.asked
    registry.challenge = 'Bearer realm="https://ghcr.io/token"'
    outcome, _ = told(await check_images_for_model(known, images))
    assert outcome is Outcome.CAN_BE_PULLED


async def test_what_a_provider_would_not_use_is_not_shown(
    registry: Registry, images: RegistryReader, secrets: SecretStore
) -> None:
    sdl = sdl_with(GHCR)
    (service,) = sdl.services.values()
    assert service.credentials is not None
    text = draft(GHCR, registry=f"ghcr.io={USER}:secret://TOKEN").sdl.replace(
        "host: ghcr.io", "host: docker.io"
    )
    model = check(text).model
    assert model is not None
    registry.challenge = 'Bearer realm="https://ghcr.io/token"'
    outcome, _ = told(await check_images_for_person(model, images, secrets))
    assert outcome is Outcome.NEEDS_CREDENTIALS
    assert {each.authorization for each in registry.asked} == {"", "Bearer good-of-a-stranger"}


async def test_what_is_not_answered_in_time_is_unknown(
    registry: Registry, images: RegistryReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = Event()
    monkeypatch.setattr(image_checks, "SECONDS_FOR_MODEL", 0.2)
    registry.faults["/v2/"] = endless(over)
    model = check(draft(GHCR).sdl).model
    assert model is not None
    try:
        outcome, line = told(await check_images_for_model(model, images))
    finally:
        over.set()
    assert (outcome, line) == (Outcome.UNKNOWN, f"image {GHCR} could not be asked about in time")
