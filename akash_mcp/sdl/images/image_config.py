"""What an image says of how it is run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """The configuration of an image, of what its registry told. `ports` are those that it says to listen on, with TCP
    or UDP; `volumes` paths that it says hold data; `user` is empty for root. Of its variables there are names only.
    """

    ports: tuple[tuple[int, str], ...] = ()
    user: str = ""
    volumes: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_dir: str = ""
    variables: tuple[str, ...] = ()

    @property
    def is_root(self) -> bool:
        """Whether it runs as root, whatever group it names."""
        return self.user.partition(":")[0] in ("", "root", "0")
