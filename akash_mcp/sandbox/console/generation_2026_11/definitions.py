"""What Console keeps of a deployment: its SDL with the secrets apart, its name, and the manifest of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from akash_mcp.sandbox.console.generation_2026_11 import references
from akash_mcp.sandbox.console.generation_2026_11.references import Tree
from akash_mcp.sandbox.console.judgement import Judged, judge
from akash_mcp.sandbox.console.responses import Problem

NOT_KEPT = "This deployment has no SDL recorded by the console, so there is nothing to patch"


@dataclass(frozen=True)
class Definition:
    """One recorded SDL. `sdl` shows references where `secrets` has values; `judged` is of the SDL with the values."""

    sdl: str
    judged: Judged
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def version(self) -> str:
        """Base64 of the manifest's hash, as the chain has it: names this state of it for who changes it next."""
        return base64.b64encode(self.judged.version).decode("ascii")


def define(sdl: str, *, supplied: Mapping[str, str] | None, inherited: Mapping[str, str]) -> Definition:
    """What becomes of a text that was sent. Raises `Problem` 400.

    `supplied`: what came sealed with it, None for no seal. Without one nobody has said what is secret, so every
    value of `env` is taken for it; registry credentials always are.
    """
    judged = judge(sdl)
    tree = references.parsed(sdl)
    references.refuse_unreferenced(tree, supplied or {})
    given = {**inherited, **(supplied or {})}
    if references.referenced(tree):
        judged = judge(references.written(references.resolved(tree, given)))
    # What Console itself takes out of an SDL is not counted: it would refuse what it used to take.
    references.refuse_too_many(references.kept(tree, given))
    taken = references.sealed(tree, env=supplied is None)
    return recorded(tree, judged, {**given, **taken})


def recorded(tree: Tree, judged: Judged, secrets: Mapping[str, str]) -> Definition:
    """A definition of a tree that shows no secret. Raises `Problem` 400 where it is too much to store."""
    return Definition(references.written(tree), judged, references.kept(tree, secrets))


class Definitions:
    """Definitions and names, by dseq."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self._kept: dict[str, Definition] = {}

    def keep(self, dseq: str, definition: Definition) -> None:
        """Record, in place of what was recorded before."""
        self._kept[dseq] = definition

    def find(self, dseq: str) -> Definition | None:
        """What is recorded, if anything is."""
        return self._kept.get(dseq)

    def get(self, dseq: str) -> Definition:
        """What is recorded. Raises `Problem` 404."""
        if (found := self.find(dseq)) is None:
            raise Problem(404, NOT_KEPT)
        return found
