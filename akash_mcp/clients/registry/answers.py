"""What there is to say of an image, once its registry was asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from akash_mcp.sdl.images.image_config import ImageConfig


class Outcome(StrEnum):
    """What is known of an image. Absence is not a value: what could not be asked is unknown."""

    CAN_BE_PULLED = "can_be_pulled"
    NOT_THERE = "not_there"
    OTHER_PLATFORM = "other_platform"
    """It is there, and not for linux/amd64, which providers run."""
    NEEDS_CREDENTIALS = "needs_credentials"
    """Strangers get nothing: it is private, or not there. A registry does not tell them which."""
    CREDENTIALS_REFUSED = "credentials_refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ImageAnswer:
    """What a registry told of an image. `message` says it as a sentence goes on after the image's name.

    `config` is there where it can be pulled, and `digest` is then what its tag stands for today.
    """

    outcome: Outcome
    message: str
    digest: str = ""
    config: ImageConfig | None = None

    @property
    def cannot_be_pulled(self) -> bool:
        """Whether a provider surely cannot pull it."""
        return self.outcome not in (Outcome.CAN_BE_PULLED, Outcome.UNKNOWN)


class NotKnown(Exception):
    """Why a question was not answered, as a sentence goes on after the image's name."""


class Refused(Exception):
    """A registry answered that an image cannot be had so."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome
