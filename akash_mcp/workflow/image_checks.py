"""Whether the images of an SDL can be pulled, as their registries tell when they are asked.

An SDL is text from anywhere: it names the host that is asked, and a secret of the user's that is shown to it. So the
credentials in it go by themselves only to registries of large operators, who alone see them, and to others only where
a person names the registry beside the SDL. A model is not a person, and the name of an image can carry what it read:
for one, only registries that all share are asked, as a stranger asks them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import anyio

from akash_mcp.clients.registry.answers import ImageAnswer, NotKnown, Outcome
from akash_mcp.clients.registry.reader import RegistryReader
from akash_mcp.clients.registry.tokens import Login
from akash_mcp.errors import MissingSecret
from akash_mcp.guard.secret_store import SecretStore
from akash_mcp.sanitize.text import field
from akash_mcp.sdl.author.registry_login import login_for
from akash_mcp.sdl.author.workload import Credentials
from akash_mcp.sdl.images.reference import Reference, parse_reference
from akash_mcp.sdl.images.registries import is_shared, keeps_credentials
from akash_mcp.sdl.model import Sdl, Service
from akash_mcp.sdl.secret_reference import CONSOLE_SCHEME, referenced_name

AT_ONCE = 4
SECONDS_FOR_PERSON = 300.0
SECONDS_FOR_MODEL = 30.0
"""For all images of an SDL: a call of a tool ends within 45 s."""


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """An image, the services that run it, and what its registry told."""

    image: str
    services: tuple[str, ...]
    answer: ImageAnswer

    @property
    def line(self) -> str:
        """One sentence for a person."""
        return f"image {field(self.image, 300)} {self.answer.message}"

    @property
    def record(self) -> dict[str, object]:
        """All of it, for a program."""
        told = asdict(self.answer)
        return {"image": self.image, "services": list(self.services), **told}


async def check_images_for_person(
    sdl: Sdl, registries: RegistryReader, secrets: SecretStore, named: Sequence[Credentials] = ()
) -> list[CheckedImage]:
    """Each image of an SDL once, asked for as a provider will, with its credentials. `named` are those that the person
    names, which come first and may go to any registry."""
    return await _check(sdl, registries, named, secrets, SECONDS_FOR_PERSON)


async def check_images_for_model(sdl: Sdl, registries: RegistryReader) -> list[CheckedImage]:
    """Each image of an SDL once, asked for as a stranger, at registries that all share only."""
    return await _check(sdl, registries, (), None, SECONDS_FOR_MODEL)


async def _check(
    sdl: Sdl,
    registries: RegistryReader,
    named: Sequence[Credentials],
    secrets: SecretStore | None,
    seconds: float,
) -> list[CheckedImage]:
    users: dict[tuple[str, Credentials | None], list[str]] = {}
    for service in sdl.services.values():
        users.setdefault((service.image, _credentials(service, named)), []).append(service.name)
    answers: dict[tuple[str, Credentials | None], ImageAnswer] = {}
    slots = anyio.Semaphore(AT_ONCE)

    async def ask(image: str, credentials: Credentials | None) -> None:
        async with slots:
            try:
                reference = _askable(image, is_person=secrets is not None)
                login = await _login(reference, credentials, named, secrets)
                answers[image, credentials] = await registries.ask(reference, login)
            except NotKnown as why:
                answers[image, credentials] = ImageAnswer(Outcome.UNKNOWN, str(why))

    with anyio.move_on_after(seconds):
        async with anyio.create_task_group() as tasks:
            for image, credentials in users:
                tasks.start_soon(ask, image, credentials)
    late = ImageAnswer(Outcome.UNKNOWN, "could not be asked about in time")
    return [CheckedImage(each[0], tuple(names), answers.get(each, late)) for each, names in users.items()]


def _credentials(service: Service, named: Sequence[Credentials]) -> Credentials | None:
    """What a provider will show the registry of a service's image, if anything."""
    if login := login_for(service.image, named):
        return login
    written = service.credentials
    if not written:
        return None
    return login_for(service.image, [Credentials(written["host"], written["username"], written["password"])])


def _askable(image: str, *, is_person: bool) -> Reference:
    reference = parse_reference(image)
    if reference is None:
        raise NotKnown("was not asked about: that is not the name of an image")
    if not is_person and not is_shared(reference):
        raise NotKnown(
            f"was not asked about: {reference.registry} is not a registry that all share, and others are asked only "
            "from the command line: akash-mcp lint --check-images"
        )
    return reference


async def _login(
    image: Reference,
    credentials: Credentials | None,
    named: Sequence[Credentials],
    secrets: SecretStore | None,
) -> Login | None:
    if credentials is None:
        return None
    if secrets is None:
        raise NotKnown(
            "was not asked about: credentials are shown only from the command line: akash-mcp lint --check-images"
        )
    if credentials not in named and not keeps_credentials(image):
        raise NotKnown(
            f"was not asked about: the credentials of a file go to {image.registry} only where you name it: "
            f"--registry {credentials.host}=USER:secret://NAME"
        )
    values = (credentials.username, credentials.password)
    if any(value.startswith(CONSOLE_SCHEME) for value in values):
        raise NotKnown("was not asked about: the Console keeps its credentials, and shows them to nobody")
    names = [name for value in values if (name := referenced_name(value))]
    try:
        stored = await secrets.values(names)
    except MissingSecret as missing:
        raise NotKnown(f"was not asked about: {missing.what.rstrip('.')}") from missing
    username, password = (stored.get(referenced_name(value) or "", value) for value in values)
    return Login(username.strip(), password.strip())
