"""The watch that a provider keeps over what runs for a lease, and the lease that it closes when that never holds.

Rules and figures are those of akash-network/provider `cluster/monitor.go` and `cluster/config.go`: a service is sound
when it has as many available replicas as its manifest asks for; an unsound workload is looked at again after 4 to 19 s,
a sound one after 10 to 15 s; what is unsound 41 times in a row, which takes about eight minutes, ends the lease. One
sound look begins the count anew, so a container that crashes now and then is kept, and a service with a persistent
volume always is: all its pods count as available.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from akash_mcp.sandbox.provider.workload import Workload
from akash_mcp.sandbox.schedule import Schedule

UNSOUND_LOOKS = 41

_RETRY_SECONDS = (4.0, 19.0)
_CHECK_SECONDS = (10.0, 15.0)


class Monitor:
    """Looks at one workload for as long as anything may still change in it; `close_lease` is called at most once."""

    def __init__(self, workload: Workload, schedule: Schedule, close_lease: Callable[[], None]) -> None:
        self._workload = workload
        self._schedule = schedule
        self._close_lease = close_lease
        self._random = Random(str(workload.key))
        self._watch = 0
        self._unsound = 0
        self.restart()

    def restart(self) -> None:
        """Begin anew, as for another manifest."""
        self._watch += 1
        self._unsound = 0
        self._plan(_RETRY_SECONDS)

    def stop(self) -> None:
        """Look no more."""
        self._watch += 1

    def _plan(self, seconds: tuple[float, float]) -> None:
        watch = self._watch
        self._schedule.after(self._random.uniform(*seconds), lambda: self._look(watch))

    def _look(self, watch: int) -> None:
        if watch != self._watch:
            return
        self._workload.advance(self._schedule.now())
        if self._workload.is_sound:
            self._unsound = 0
            if not self._workload.is_settled:
                self._plan(_CHECK_SECONDS)
            return
        self._unsound += 1
        if self._unsound < UNSOUND_LOOKS:
            self._plan(_RETRY_SECONDS)
        else:
            self.stop()
            self._close_lease()
