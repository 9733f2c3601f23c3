"""Whether an image is there, for linux/amd64, and for whom."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from heapq import nsmallest
from ipaddress import IPv4Network, IPv6Network
from itertools import takewhile
from types import TracebackType
from typing import Self

import anyio
from pydantic import Field, TypeAdapter, ValidationError

from akash_mcp.clients.api_model import ApiModel, ListOf, RecordsOf, read_json
from akash_mcp.clients.registry.answers import ImageAnswer, NotKnown, Outcome, Refused
from akash_mcp.clients.registry.challenges import Challenge, parse_challenge
from akash_mcp.clients.registry.https import Answer, HttpsReader, Lookup, origin_of
from akash_mcp.clients.registry.manifests import (
    ACCEPT,
    OURS,
    ManifestList,
    read_config,
    read_manifest,
    sha256,
    verify,
)
from akash_mcp.clients.registry.tokens import STRANGERS_GET_NOTHING, Login, authorization, trouble
from akash_mcp.sdl.images.reference import DOCKER_HUB, Reference, is_digest, is_tag

SECONDS = 25.0
"""For all that is asked about one image."""
LARGEST_MANIFEST = 4 * 2**20
"""Bytes, of a configuration too: what the distribution specification expects registries to take at least."""
LARGEST_LIST = 256 * 2**10
"""Bytes of a list of tags. A longer one is not looked through."""
MOST_COMPARED = 100
"""Tags that are compared with one that is not there."""
LONGEST_COMPARED = 48
"""Characters of a tag that is compared."""
MOST_LISTS = 3
"""How deep lists of manifests may lie in each other."""

_API_HOSTS: Mapping[str, str] = {DOCKER_HUB: "registry-1.docker.io"}
"""Where the API of a registry is, if not at its name."""


class _Error(ApiModel):
    code: str = ""


class _Errors(ApiModel):
    errors: RecordsOf[_Error] = Field([])


class _Tags(ApiModel):
    tags: ListOf[str] = Field([])


_ERRORS = TypeAdapter(_Errors)
_TAGS = TypeAdapter(_Tags)


class RegistryReader:
    """Asks registries about images. Use `async with`; its arguments are those of `HttpsReader`."""

    def __init__(
        self,
        allowed: Sequence[IPv4Network | IPv6Network] = (),
        *,
        verify: ssl.SSLContext | None = None,
        lookup: Lookup = anyio.getaddrinfo,
    ) -> None:
        self._https = HttpsReader(allowed, verify=verify, lookup=lookup)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._https.aclose()

    async def ask(self, image: Reference, login: Login | None = None) -> ImageAnswer:
        """What an image's registry tells of it, to a stranger or to this login. Never raises what the network does."""
        try:
            with anyio.fail_after(SECONDS):
                return await _Question(self._https, image, login).answer()
        except Refused as refused:
            return ImageAnswer(refused.outcome, str(refused))
        except NotKnown as why:
            return ImageAnswer(Outcome.UNKNOWN, str(why))
        except TimeoutError:
            return ImageAnswer(
                Outcome.UNKNOWN,
                f"could not be asked about: {image.registry} took longer than {SECONDS:.0f} s",
            )


class _Question:
    """All that is asked about one image."""

    def __init__(self, https: HttpsReader, image: Reference, login: Login | None) -> None:
        self._https = https
        self._image = image
        self._login = login
        self._base = f"https://{_API_HOSTS.get(image.registry, image.registry)}/v2/"
        self._registry = origin_of(self._base)
        self._authorization = ""

    async def answer(self) -> ImageAnswer:
        self._authorization = await authorization(
            self._https, self._registry, await self._challenge(), self._image.path, self._login
        )
        digest, first = self._image.digest, ""
        for _ in range(MOST_LISTS):
            answer = await self._manifest(digest or self._image.tag, is_part=bool(first))
            told = answer.headers.get("docker-content-digest", "")
            if digest or is_digest(told):
                verify(answer.body, digest or told)
            first = first or digest or sha256(answer.body)
            found = read_manifest(answer.body, answer.headers.get("content-type", ""))
            if not isinstance(found, ManifestList):
                return await self._with_config(found.config, first)
            if not found.ours:
                raise _other_platform(found.platforms)
            digest = found.ours
        raise NotKnown("is there, and its manifests lie too deep in each other")

    async def _challenge(self) -> Challenge | None:
        """How the registry wants to be asked. Shows that it is one, too."""
        answer = await self._https.get(self._base, largest=LARGEST_MANIFEST)
        if answer.status == 200:
            return None
        challenge = parse_challenge(answer.headers.get("www-authenticate", ""))
        if answer.status != 401:
            raise NotKnown(f"could not be asked about: {trouble(answer.origin, answer.status)}")
        if challenge is None:
            raise NotKnown(
                f"could not be asked about: {self._registry} does not say how it wants to be asked"
            )
        return challenge

    async def _manifest(self, reference: str, *, is_part: bool) -> Answer:
        """What a tag or a digest stands for; `is_part` of a list that was read before."""
        answer = await self._get(f"{self._image.path}/manifests/{reference}", {"accept": ACCEPT})
        if answer.status == 200:
            return answer
        if is_part:
            raise NotKnown(f"is there, and cannot be read whole: {trouble(answer.origin, answer.status)}")
        raise await self._why(answer)

    async def _with_config(self, digest: str, of_image: str) -> ImageAnswer:
        answer = await self._get(f"{self._image.path}/blobs/{digest}", {})
        if answer.status != 200:
            raise NotKnown(f"is there, and cannot be read whole: {trouble(answer.origin, answer.status)}")
        verify(answer.body, digest)
        platform, config = read_config(answer.body)
        if platform != "/".join(OURS):
            raise _other_platform((platform,))
        whom = "with these credentials" if self._login else "by anybody"
        return ImageAnswer(
            Outcome.CAN_BE_PULLED,
            f"is there for {platform}, and can be pulled {whom}",
            of_image,
            config,
        )

    async def _get(self, path: str, headers: Mapping[str, str]) -> Answer:
        return await self._https.get(
            self._base + path, largest=LARGEST_MANIFEST, headers=headers, authorization=self._authorization
        )

    async def _why(self, answer: Answer) -> Exception:
        """What an answer without a manifest means. Only what a registry itself says in its own form is taken as sure:
        a proxy, or where a redirect led, knows nothing of the image."""
        codes = _codes(answer.body)
        # The code counts, whatever the status beside it.
        status = 429 if "TOOMANYREQUESTS" in codes else answer.status
        is_its_own = answer.origin == self._registry and bool(codes or "www-authenticate" in answer.headers)
        if status in (401, 403) and is_its_own:
            if self._login is None:
                return Refused(Outcome.NEEDS_CREDENTIALS, STRANGERS_GET_NOTHING)
            message = (
                "cannot be pulled with these credentials, or is not there: its registry does not tell which"
            )
            return Refused(Outcome.CREDENTIALS_REFUSED, message)
        if status == 404 and is_its_own:
            return Refused(Outcome.NOT_THERE, await self._not_there(codes))
        return NotKnown(f"could not be asked about: {trouble(answer.origin, status)}")

    async def _not_there(self, codes: frozenset[str]) -> str:
        if "MANIFEST_UNKNOWN" not in codes:
            return "is not there" if self._login else "is not there, or not for strangers"
        if self._image.digest:
            return "is not there: no image has this digest"
        near = _near(self._image.tag, await self._tags())
        return f"is not there: no such tag{'; there are ' + ', '.join(near) if near else ''}"

    async def _tags(self) -> list[str]:
        """The first tags of the image, as far as they can be had: only to name some that are near."""
        try:
            answer = await self._https.get(
                f"{self._base}{self._image.path}/tags/list?n=1000",
                largest=LARGEST_LIST,
                authorization=self._authorization,
            )
            tags = _TAGS.validate_python(read_json(answer.body)).tags if answer.status == 200 else []
        except (NotKnown, ValueError, RecursionError, ValidationError):
            return []
        return [tag for tag in tags[:1000] if is_tag(tag)]


def _near(tag: str, tags: Sequence[str]) -> list[str]:
    """Tags that are most like another. Only those that begin most like it are compared letter by letter: the time that
    this takes grows with the square of their lengths, and strangers write them."""
    alike = nsmallest(
        MOST_COMPARED,
        (each for each in tags if len(each) <= LONGEST_COMPARED),
        key=lambda each: -_shared_beginning(tag, each),
    )
    return get_close_matches(tag, alike, n=3, cutoff=0.5)


def _shared_beginning(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _other_platform(platforms: Sequence[str]) -> Refused:
    there = ", ".join(platforms) or "another platform, which it does not name"
    return Refused(Outcome.OTHER_PLATFORM, f"is there, and not for {'/'.join(OURS)}: it is for {there}")


def _codes(body: bytes) -> frozenset[str]:
    """The codes of a registry's errors, in capitals; none where it is not a registry that speaks."""
    try:
        return frozenset(each.code.upper() for each in _ERRORS.validate_python(read_json(body)).errors)
    except (ValueError, RecursionError, ValidationError):
        return frozenset()
