"""The requests that change something, as each generation of the Console API wants them.

One class a generation, all with the same methods; what a method returns is sent as it stands. A generation that does
not have it raises `NotOffered`, before anything is sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote

from akash_mcp.clients.console.account_models import Certificate
from akash_mcp.clients.console.generation import Generation, NotOffered
from akash_mcp.clients.console.limits import (
    FIRST_RUNTIME_HOURS,
    MOST_RUNTIME_HOURS,
    check_name,
    check_runtime_limit,
)
from akash_mcp.clients.retries import Deadline, Sending
from akash_mcp.errors import Refused
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.money import Usd

# A transaction is in a block before the answer comes (6 to 36 s); a lease then waits for its providers (75 s).
CREATE_DEADLINE = Deadline(read=90, total=100)
LEASE_DEADLINE = Deadline(read=180, total=190)
UPDATE_DEADLINE = Deadline(read=180, total=190)
CLOSE_DEADLINE = Deadline(read=120, total=130)
SETTINGS_DEADLINE = Deadline(read=15, total=40)


CREATE_PATH = "/v1/deployments"
LEASE_PATH = "/v1/leases"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whole. `body` may hold secrets.

    `about` is the same for two requests of which the second only tries the first again. Without it, that is the body.
    """

    method: str
    path: str
    body: str | None
    sending: Sending
    deadline: Deadline
    params: Mapping[str, str] | None = None
    about: str | None = None

    @property
    def subject(self) -> str:
        """A hash of what it is about."""
        return subject_of(self.body or "" if self.about is None else self.about)


class Requests:
    """The API as its reference of 2026 describes it."""

    generation = Generation.REFERENCE
    has_certificates = False
    """Whether a lease goes with a client certificate."""
    opens_seals = False
    """Whether the Console takes secrets sealed, and an SDL that only names them."""

    def create(
        self,
        sdl: str,
        deposit: Usd,
        name: str | None,
        hours: int | None,
        project: str | None = None,
        seal: str | None = None,
    ) -> Request:
        """Create a deployment. Without names, runtime limits, projects and seals these are left out."""
        return self._create(creation_of(sdl, hours, project), data(sdl=sdl, deposit=deposit))

    def lease(self, manifest: str, leases: Sequence[LeaseId], certificate: Certificate | None) -> Request:
        """Accept bids and deliver the manifest. The one body that is not below `data`."""
        return self._lease(leases, {"manifest": manifest})

    def update(self, dseq: Dseq, sdl: str, certificate: Certificate | None) -> Request:
        """Replace the SDL. An SDL that is already in place only has its manifest delivered again."""
        return self._change("PUT", dseq, data(sdl=sdl))

    def patch(
        self, dseq: Dseq, services: Mapping[str, Any], version: str, seal: str | None = None
    ) -> Request:
        """Change named fields of services, of the definition that has this version, and secrets that are sealed."""
        self._lacks("changes by name")

    def define(self, dseq: Dseq, sdl: str, seal: str | None = None) -> Request:
        """Have the Console keep the SDL of what runs already, and secrets that are sealed."""
        self._lacks("definitions of deployments")

    def close(self, dseq: Dseq) -> Request:
        """Close a deployment. Every generation takes this, so closing need not know which it is."""
        return Request("DELETE", _deployment(dseq), None, Sending.REPEATABLE, CLOSE_DEADLINE)

    def deposits(self, dseq: Dseq, amount: Usd) -> tuple[Request, ...]:
        """Add money: the first of these that the API has."""
        body = data(dseq=dseq, deposit=amount)
        return (Request("POST", "/v1/deposit-deployment", body, Sending.ONCE, CREATE_DEADLINE),)

    def auto_top_up(self, dseq: Dseq, enabled: bool) -> Request:
        """Switch automatic top-up. PATCH creates what it does not find. On is sent once: it spends."""
        sending = Sending.ONCE if enabled else Sending.REPEATABLE
        return self._settings("PATCH", dseq, data(autoTopUpEnabled=enabled), sending)

    def read_settings(self, dseq: Dseq) -> Request:
        """Read the funding of a deployment, which here switches top-up on where nothing was set."""
        return self._settings("GET", dseq, None)

    def runtime_limit(self, dseq: Dseq, hours: int) -> Request:
        """Let a deployment run for so many hours in all."""
        self._lacks("runtime limits")

    def certificate(self) -> Request:
        """Make a client certificate and put it on the chain."""
        self._lacks("certificates: providers take tokens instead")

    def _create(self, about: str, body: str) -> Request:
        return Request("POST", CREATE_PATH, body, Sending.ONCE, CREATE_DEADLINE, about=about)

    def _lease(self, leases: Sequence[LeaseId], body: Mapping[str, Any]) -> Request:
        body = {**body, "leases": entries(leases)}
        # Another offer for the same deployment is another try.
        about = leases[0].dseq
        return Request("POST", LEASE_PATH, compact(body), Sending.ONCE, LEASE_DEADLINE, about=about)

    def _change(self, method: str, dseq: Dseq, body: str) -> Request:
        return Request(method, _deployment(dseq), body, Sending.REPEATABLE, UPDATE_DEADLINE)

    def _settings(
        self, method: str, dseq: Dseq, body: str | None, sending: Sending = Sending.REPEATABLE
    ) -> Request:
        path = f"/v2/deployment-settings/{quote(dseq, safe='')}"
        return Request(method, path, body, sending, SETTINGS_DEADLINE)

    def _lacks(self, what: str) -> NoReturn:
        raise NotOffered(f"This Console API ({self.generation}) has no {what}.")


class Requests2025(Requests):
    """The managed wallet API: deposits only, and a client certificate for whoever sends a manifest."""

    generation = Generation.V2025
    has_certificates = True

    def lease(self, manifest: str, leases: Sequence[LeaseId], certificate: Certificate | None) -> Request:
        """Accept bids and deliver the manifest with a certificate of ours."""
        body: dict[str, Any] = {"manifest": manifest}
        if certificate is not None:
            body["certificate"] = _pair(certificate)
        return self._lease(leases, body)

    def update(self, dseq: Dseq, sdl: str, certificate: Certificate | None) -> Request:
        """Replace the SDL, and deliver it with a certificate of ours."""
        if certificate is None:
            return super().update(dseq, sdl, None)
        return self._change("PUT", dseq, data(sdl=sdl, certificate=_pair(certificate)))

    def deposits(self, dseq: Dseq, amount: Usd) -> tuple[Request, ...]:
        """Add money, by the path that most of its references name or by the one that its guide names."""
        path = f"/v1/deployments/deposit/{quote(dseq, safe='')}"
        body = fields(amount=amount)
        return (*super().deposits(dseq, amount), Request("POST", path, body, Sending.ONCE, CREATE_DEADLINE))

    def auto_top_up(self, dseq: Dseq, enabled: bool) -> Request:
        """There is none. Switching it off is asked for even so: that the API has no such route is its sign."""
        if enabled:
            self._lacks("automatic top-up")
        return super().auto_top_up(dseq, enabled)

    def read_settings(self, dseq: Dseq) -> Request:
        """There are none."""
        self._lacks("deployment settings")

    def certificate(self) -> Request:
        """Make a client certificate. A second one does no harm."""
        return Request("POST", "/v1/certificates", None, Sending.REPEATABLE, CREATE_DEADLINE)


class Requests2026_11(Requests):
    """The API that funds deployments by itself: what bounds the cost is the runtime limit."""

    generation = Generation.V2026_11
    opens_seals = True

    def create(
        self,
        sdl: str,
        deposit: Usd,
        name: str | None,
        hours: int | None,
        project: str | None = None,
        seal: str | None = None,
    ) -> Request:
        """Create a deployment that is closed after some hours. Without a limit it would be funded forever: refused."""
        if hours is None:
            raise Refused(
                "This Console API funds a deployment for as long as it runs, so it is not created without a runtime "
                "limit."
            )
        check_runtime_limit(hours, FIRST_RUNTIME_HOURS)
        if name is not None:
            check_name(name)
        named = {} if name is None else {"name": name}
        filed = {} if project is None else {"projectId": project}
        body = data(sdl=sdl, **named, runtimeLimitHours=hours, **filed, **_sealed(seal))
        return self._create(creation_of(sdl, hours, project), body)

    def lease(self, manifest: str, leases: Sequence[LeaseId], certificate: Certificate | None) -> Request:
        """Accept bids. The Console delivers the manifest that it keeps."""
        return self._lease(leases, {})

    def patch(
        self, dseq: Dseq, services: Mapping[str, Any], version: str, seal: str | None = None
    ) -> Request:
        """Change named fields of the definition that has this version, and of no other, and secrets that are sealed.

        Repeated unchanged it finishes what failed halfway: the version that it makes itself is as good. Sent once all
        the same, so that whoever repeats it knows what the first one came to.
        """
        body = data(services=services, ifManifestVersion=version, **_sealed(seal))
        return Request("PATCH", _deployment(dseq), body, Sending.ONCE, UPDATE_DEADLINE)

    def define(self, dseq: Dseq, sdl: str, seal: str | None = None) -> Request:
        """Have the Console keep the SDL of what runs already. Sends nothing to chain or providers."""
        path = f"{_deployment(dseq)}/definition"
        return Request("POST", path, data(sdl=sdl, **_sealed(seal)), Sending.REPEATABLE, UPDATE_DEADLINE)

    def close(self, dseq: Dseq) -> Request:
        """Close in the background: the answer is there at once, and cannot be lost while the chain is slow."""
        return Request(
            "DELETE",
            _deployment(dseq),
            None,
            Sending.REPEATABLE,
            CLOSE_DEADLINE,
            params={"async": "true"},
        )

    def deposits(self, dseq: Dseq, amount: Usd) -> tuple[Request, ...]:
        """It does nothing that automatic funding does not do."""
        self._lacks("deposits: raise the runtime limit instead")

    def auto_top_up(self, dseq: Dseq, enabled: bool) -> Request:
        """It is always on."""
        self._lacks("way to switch automatic funding: set a runtime limit instead")

    def runtime_limit(self, dseq: Dseq, hours: int) -> Request:
        """The new total. Nothing here can lift the limit: the null that would do so is not a whole number.

        Sent once: it spends, and the API refuses the same total again.
        """
        check_runtime_limit(hours, MOST_RUNTIME_HOURS)
        return self._settings("PATCH", dseq, data(runtimeLimitHours=hours), Sending.ONCE)


_REQUESTS: Mapping[Generation, Requests] = {
    requests.generation: requests for requests in (Requests2025(), Requests(), Requests2026_11())
}


def creation_of(sdl: str, hours: int | None, project: str | None) -> str:
    """What a creation is about: all of it but its name and its seal, which are others each time."""
    return compact([sdl, hours, project])


def subject_of(about: str) -> str:
    """A hash of what a request is about, which may hold secrets."""
    return hashlib.sha256(about.encode()).hexdigest()[:16]


def requests_of(generation: Generation) -> Requests:
    """The requests of a generation."""
    return _REQUESTS[generation]


def entries(leases: Sequence[LeaseId]) -> list[dict[str, object]]:
    """Bids, as a lease names them."""
    return [
        {"dseq": lease.dseq, "gseq": lease.gseq, "oseq": lease.oseq, "provider": lease.provider}
        for lease in leases
    ]


def data(**named: str | bool | int | Usd | Mapping[str, Any]) -> str:
    """`{"data": {…}}` as JSON text."""
    return f'{{"data":{fields(**named)}}}'


def fields(**named: str | bool | int | Usd | Mapping[str, Any]) -> str:
    """`{…}` as JSON text. Money is written digit for digit: a float never carries it."""
    pairs = (
        f"{json.dumps(name)}:{f'{value.amount:f}' if isinstance(value, Usd) else compact(value)}"
        for name, value in named.items()
    )
    return "{" + ",".join(pairs) + "}"


def compact(value: object) -> str:
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _sealed(seal: str | None) -> dict[str, str]:
    return {} if seal is None else {"sealedSecrets": seal}


def _pair(certificate: Certificate) -> dict[str, str]:
    return {"certPem": certificate.cert_pem, "keyPem": certificate.encrypted_key}


def _deployment(dseq: Dseq) -> str:
    return f"/v1/deployments/{quote(dseq, safe='')}"
