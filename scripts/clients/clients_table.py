"""Drive the server with the clients that people use, each of its own version, and write what came of it.

    python scripts/clients/clients_table.py                       `make clients`: all, and docs/clients.md
    python scripts/clients/clients_table.py --only fastmcp         only those with this in their name or package
    python scripts/clients/clients_table.py --place /tmp/clients   where they are installed, to be used again
    python scripts/clients/clients_table.py --kept /tmp/kept.json  keep what came of each, and go on where a run ended
    python scripts/clients/clients_table.py --kept … --kept-only   run nothing: the page of what is kept

Each client is installed into a folder of its own, and does the same things on each way that it can connect: see
`client_story.py`. Nothing is smoothed: what failed stands in the page with the client's own words. The status is 1
where anything did.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
from client_list import CLIENTS, ClientInstaller, ClientSpec, Way
from client_story import Story, tell
from clients_page import written

PAGE = Path(__file__).resolve().parents[2] / "docs" / "clients.md"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="part of a client's name or package")
    parser.add_argument("--place", type=Path, help="where clients are installed, and stay")
    parser.add_argument("--kept", type=Path, help="a file of what came of each, which is not found out again")
    parser.add_argument("--kept-only", action="store_true", help="run nothing")
    parser.add_argument(
        "--at-once", type=int, default=2, help="how many ways are tried at a time (default: 2)"
    )
    chosen = parser.parse_args()
    clients = [spec for spec in CLIENTS if chosen.only in f"{spec.name} {spec.packages[0]}"]
    with tempfile.TemporaryDirectory(prefix="clients-") as folder:
        place = chosen.place or Path(folder) / "installed"
        kept = KeptStories(chosen.kept or Path(folder) / "kept")
        installer = ClientInstaller(place)
        stories = (
            kept.all(clients)
            if chosen.kept_only
            else anyio.run(hold, clients, installer, Path(folder), kept, chosen.at_once)
        )
    page = written(stories, datetime.now(UTC).date())
    if chosen.only:
        sys.stdout.write(page)
    else:
        PAGE.write_text(page, encoding="utf-8")
        print(f"written: {PAGE}")
    return 1 if any(why for story in stories for why in story.came.values()) else 0


async def hold(
    clients: Sequence[ClientSpec],
    installer: ClientInstaller,
    folder: Path,
    kept: KeptStories,
    at_once: int,
) -> list[Story]:
    """The story of every client on each of its ways, in their order, some at a time."""
    limiter = anyio.CapacityLimiter(at_once)
    told: dict[tuple[int, int], Story] = {}

    async def hold_one(spec: ClientSpec, way: Way, at: tuple[int, int]) -> None:
        async with limiter:
            home = folder / f"{at[0]}-{at[1]}"
            told[at] = kept.find(spec, way) or await tell(installed[spec], way, home, is_first=at[1] == 0)
            kept.keep(told[at])
            failed = [part for part, why in told[at].came.items() if why]
            print(
                spec.packages[0],
                way.transport,
                way.era,
                f"failed: {', '.join(failed)}" if failed else "passed",
            )

    installed = {spec: await anyio.to_thread.run_sync(partial(installer.install, spec)) for spec in clients}
    async with anyio.create_task_group() as tasks:
        for row, spec in enumerate(clients):
            for column, way in enumerate(spec.ways):
                tasks.start_soon(hold_one, spec, way, (row, column))
    return [told[at] for at in sorted(told)]


class KeptStories:
    """What came of clients, in a file of a line each."""

    def __init__(self, file: Path) -> None:
        self._file = file
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        self._kept = {tuple(about): rest for about, *rest in map(json.loads, lines)}

    def find(self, spec: ClientSpec, way: Way) -> Story | None:
        """What came of this client on this way before."""
        kept = self._kept.get(_about(spec, way))
        return Story(spec, way, *kept) if kept else None

    def all(self, clients: Sequence[ClientSpec]) -> list[Story]:
        """What came of these clients before, and stories in which nothing happened for the rest."""
        return [self.find(spec, way) or Story(spec, way) for spec in clients for way in spec.ways]

    def keep(self, story: Story) -> None:
        """Keep it, where it is new."""
        about = _about(story.spec, story.way)
        if about not in self._kept:
            self._kept[about] = [story.protocol, story.came, story.notes]
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps([about, *self._kept[about]]) + "\n")


def _about(spec: ClientSpec, way: Way) -> tuple[str, ...]:
    return (spec.name, spec.packages[0], way.transport, way.era)


if __name__ == "__main__":
    sys.exit(main())
