"""Everything that is true at the embedded Akua, and the making of what is new in it."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, TypedDict, TypeVar

from akash_mcp.sandbox.akua.records import (
    Cluster,
    Install,
    Machine,
    Package,
    PackageVersion,
    Product,
    Record,
    Region,
    Render,
    Repository,
    Workspace,
)
from akash_mcp.sandbox.clock import Clock
from akash_mcp.sandbox.schedule import Schedule

_ALPHABET = string.ascii_lowercase + string.digits

SomeRecord = TypeVar("SomeRecord", bound=Record)


class Born(TypedDict):
    """What every new record is given."""

    id: str
    workspace_id: str
    number: int
    etag: str
    created_at: int
    updated_at: int


class World:
    """Records by id. What was deleted stays, in a state that says so, for `state()` to tell."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self.clock = clock
        self.schedule = Schedule(clock)
        self.random = Random(f"akua {seed}")
        self._numbers = 0
        self.workspaces: dict[str, Workspace] = {}
        self.regions: dict[str, Region] = {}
        self.clusters: dict[str, Cluster] = {}
        self.machines: dict[str, Machine] = {}
        self.packages: dict[str, Package] = {}
        self.versions: dict[str, PackageVersion] = {}
        self.products: dict[str, Product] = {}
        self.repositories: dict[str, Repository] = {}
        self.installs: dict[str, Install] = {}
        self.renders: dict[str, Render] = {}

    def now(self) -> int:
        """Seconds since the epoch, as the clock of the embedded Akua has it."""
        return int(self.clock.now() - self.clock.elapsed() + self.schedule.now())

    def new_id(self, prefix: str) -> str:
        """An id that nothing has yet, such as `inst_4k2…`."""
        return f"{prefix}_{''.join(self.random.choices(_ALPHABET, k=16))}"

    def new_etag(self) -> str:
        """An etag that cannot be guessed from the one before."""
        return f"{self.random.getrandbits(48):012x}"

    def next_number(self) -> int:
        """The next place in the order of creation."""
        self._numbers += 1
        return self._numbers

    def born(self, prefix: str, workspace_id: str) -> Born:
        """The fields that every new record begins with."""
        now = self.now()
        return {
            "id": self.new_id(prefix),
            "workspace_id": workspace_id,
            "number": self.next_number(),
            "etag": self.new_etag(),
            "created_at": now,
            "updated_at": now,
        }

    def new_region(self, workspace_id: str, name: str, icon: str | None = None) -> Region:
        """A region."""
        region = Region(**self.born("reg", workspace_id), name=name, icon=icon)
        self.regions[region.id] = region
        return region

    def touch(self, record: Record) -> None:
        """A write: the record has another etag from now on."""
        record.etag, record.updated_at = self.new_etag(), self.now()

    def change(self, record: Record, **changes: Any) -> None:
        """Set fields of a record, where they differ, which is a write."""
        changes = {name: value for name, value in changes.items() if getattr(record, name) != value}
        for name, value in changes.items():
            setattr(record, name, value)
        if changes:
            self.touch(record)

    def versions_of(self, package: Package) -> list[PackageVersion]:
        """Its versions, the oldest first."""
        return [version for version in self.versions.values() if version.package_id == package.id]

    def machines_of(self, cluster: Cluster) -> list[Machine]:
        """Its machines that are there now."""
        return [m for m in self.machines.values() if m.cluster_id == cluster.id and m.removed is None]

    def installs_on(self, cluster: Cluster) -> list[Install]:
        """What is installed on it, in any state but `deleted`."""
        return [i for i in self.installs.values() if i.cluster_id == cluster.id and i.state != "deleted"]

    def renders_of(self, install: Install) -> list[Render]:
        """Its renders, the oldest first."""
        return [render for render in self.renders.values() if render.install_id == install.id]


def seen(records: Iterable[SomeRecord], workspaces: Sequence[Workspace]) -> list[SomeRecord]:
    """Those of these workspaces."""
    ids = {workspace.id for workspace in workspaces}
    return [record for record in records if record.workspace_id in ids]
