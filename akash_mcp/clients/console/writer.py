"""The Console API, as far as it spends, changes or destroys. Only the gate holds a `ConsoleWriter`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from pydantic import TypeAdapter

from akash_mcp.clients.api_model import read_json
from akash_mcp.clients.console.account_models import (
    ACTIVITY,
    CERTIFICATE,
    SETTINGS,
    Certificate,
    DeploymentSettings,
)
from akash_mcp.clients.console.client import (
    ALREADY_EXISTS,
    NO_LEASE_WAS_MADE,
    OF_ORGANIZATIONS,
    ConsoleClient,
)
from akash_mcp.clients.console.generation import Generation, no_such_route
from akash_mcp.clients.console.models import CREATED, DETAIL, Created, DeploymentDetail
from akash_mcp.clients.console.reader import DETAIL_DEADLINE, of_deployment
from akash_mcp.clients.console.requests import Request, Requests, requests_of
from akash_mcp.clients.console.sealing import CONTEXT, seal
from akash_mcp.clients.http import UNREADABLE, Response
from akash_mcp.errors import (
    ApiError,
    BadRequest,
    Conflict,
    Interrupted,
    NotFound,
    OutcomeUnknown,
    PaymentRequired,
    Refused,
    ServerError,
    Unauthorized,
    Unreachable,
)
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.money import Usd
from akash_mcp.sdl.secret_values import CannotFill, with_console_references, with_values

ACTIVITY_SECONDS = 2.0
ACTIVITY_DEADLINE = 120.0

PROVIDER_BEHIND = "provider_manifest_version_stale"
"""The code of a change that is recorded and on the chain, and that the provider does not take yet."""
NOTHING_RECORDED = frozenset(
    {
        "deployment_definition_changed",
        "deployment_resources_changed",
        "repeated_refusal",
        "stored_sdl_unreadable",
        "stored_secrets_unreadable",
        "validation_error",
    }
)
"""The codes of refusals that come before a change is recorded."""

_ACTIVITY_ID = TypeAdapter(str)


class CertificateStore(Protocol):
    """Where the account's client certificate for providers is kept."""

    async def pems(self) -> Certificate | None:
        """The certificate; None where there is none that is still good."""

    async def keep(self, pems: Certificate) -> None:
        """Keep a certificate that the Console just made."""


class RefusalMemory(Protocol):
    """What the Console refused lately, of one account and whichever process asked."""

    async def check(self, account: str, route: str, subject: str | None) -> None:
        """Raise `HeldBack` where a request of `METHOD /path` about `subject` should not be sent now.

        Without a `subject` only where the Console takes none of that route.
        """

    async def note(self, account: str, route: str, subject: str, refusal: ApiError | None) -> None:
        """Remember how a request was answered: with a `refusal`, or with success."""


class ConsoleWriter:
    """Writes of the Console API. Every method raises `MissingKey` before anything is sent without a key.

    Which generation of the API answers is found out before the first request that needs to know; where that fails,
    nothing was sent. Every method raises `NotOffered` where the generation does not have it.

    `certificates` keeps the client certificate that a lease goes with on the API of 2025; without it one is made for
    the life of the writer, and no provider can be asked with it. `refusals` keeps it from sending again what was
    refused again and again, where the Console counts that (autumn 2026): it raises `HeldBack` before anything is sent.
    """

    def __init__(
        self,
        client: ConsoleClient,
        certificates: CertificateStore | None = None,
        refusals: RefusalMemory | None = None,
    ) -> None:
        self._client = client
        self._certificates = certificates
        self._refusals = refusals
        self._certificate: Certificate | None = None

    async def create_deployment(
        self,
        sdl: str,
        deposit: Usd,
        *,
        name: str | None = None,
        runtime_limit_hours: int | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> Created:
        """Create a deployment with `deposit` in escrow. SPENDS. Sent once.

        `secrets` are the values of those that the SDL names. They go sealed where the API opens seals (autumn 2026),
        else in the SDL. A seal to a key that was retired meanwhile created nothing: it is made anew once.

        Where the account's deposits are managed the Console ignores the amount: read the escrow back. An API that
        funds by itself (autumn 2026) takes no deposit, and raises `Refused` without `runtime_limit_hours`, 1 to 48;
        only there has a deployment a `name`, by which one whose answer was lost is found, and a project, which is the
        client's. Raises `OutcomeUnknown` when it may exist although no answer came: its dseq is then the API's clock in
        milliseconds.
        """
        requests, project = await self._requests(), self._client.project
        try:
            text, values = _as_sent(requests, sdl, secrets)
            answer = await self._send_sealed(
                lambda sealed: requests.create(text, deposit, name, runtime_limit_hours, project, sealed),
                values,
                text,
            )
        except NotFound as unknown:
            if project is not None:
                # A project that the key does not reach is one that does not exist, with no code of its own.
                unknown.next_step = OF_ORGANIZATIONS["project_forbidden"]
            raise
        except ApiError as refusal:
            # The signer repeats a transaction that ran out of gas: the first may have landed. The chain's word for that
            # is a 400 (akash-network/console `chain-error.service.ts`); anything else is a definite no.
            if refusal.status == 400 and ALREADY_EXISTS in refusal.meanings:
                raise _unknown(refusal, "The deployment may have been created.") from refusal
            raise
        return answer.read(CREATED, "data")

    async def create_lease(
        self, manifest: str, leases: Sequence[LeaseId], *, certificate: Certificate | None = None
    ) -> DeploymentDetail:
        """Accept bids, all of one deployment and in one transaction, and deliver its manifest. SPENDS. Sent
        once.

        Where the deployment has an open lease already, the Console makes no new one and only delivers the
        manifest again, so a second call is how a failed delivery is repeated. Raises `OutcomeUnknown` for
        every failure after which the lease may exist and bill; the providers' refusal of the manifest is one
        of these. Where the API wants a client certificate (2025) and none is given, the one that is kept goes
        along, or a new one.
        """
        if not leases or len({lease.dseq for lease in leases}) != 1:
            raise ValueError("a lease call names one or more leases of one deployment")
        requests = await self._requests()
        request = requests.lease(manifest, leases, certificate or await self._own_certificate(requests))
        try:
            answer = await self._send(request)
        except OutcomeUnknown as lost:
            # Documented for the API of autumn 2026: the provider was asked first, and no lease was made.
            if (
                isinstance(lost.__cause__, ApiError)
                and lost.__cause__.upstream_code == "provider_unreachable"
            ):
                raise lost.__cause__ from None
            raise
        except ApiError as refusal:
            if _before_lease(refusal, requests.generation):
                raise
            raise _unknown(refusal, "The lease may exist and bill.") from refusal
        return await self._detail(answer, leases[0].dseq)

    async def update_deployment(
        self,
        dseq: Dseq,
        sdl: str,
        *,
        certificate: Certificate | None = None,
        secrets: Mapping[str, str] | None = None,
        fresh: Sequence[str] = (),
    ) -> DeploymentDetail:
        """Replace a deployment's SDL. The same SDL again only delivers its manifest again, so this may be
        repeated.

        Only image, command, arguments, environment and ports can change. For anything else the new hash
        reaches the chain before the provider refuses: put the old SDL back then. Where the Console keeps the SDL
        (autumn 2026) this replaces what it keeps: `patch_deployment` is for what has a definition there.

        `secrets` are the values of those that the SDL names. Raises `Refused` where the API takes them sealed only.
        """
        requests = await self._requests()
        if secrets and requests.opens_seals:
            raise Refused(
                f"The Console keeps no SDL of deployment {dseq} that is known here, so secrets cannot be sent sealed.",
                next_step="Deploy it as a new deployment, and close the old one when the new one runs.",
            )
        if secrets:
            values = secrets
            sdl = _filled(lambda: with_values(sdl, values))
        request = requests.update(dseq, sdl, certificate or await self._own_certificate(requests))
        return await self._detail(await self._send(request), dseq)

    async def patch_deployment(
        self,
        dseq: Dseq,
        services: Mapping[str, Any],
        version: str,
        secrets: Mapping[str, str] | None = None,
    ) -> str | None:
        """Change named fields of the definition that has this `version`. Gives the version that it has from then on,
        None where the answer does not say. Sent once. `secrets` are the values that change, by name; where there are
        none but the SDL names some, an empty map: without a seal the Console would seal plain variables too.

        Raises an `ApiError` with one of the codes of `NOTHING_RECORDED` where nothing was changed, and `Conflict` with
        `PROVIDER_BEHIND` where all was and the provider does not take it yet. Any other error may have come after the
        change was recorded: a provider's refusal has its own status (akash-network/console
        `deployment-writer.service.ts`).
        """
        requests = await self._requests()
        try:
            answer = await self._send_sealed(
                lambda sealed: requests.patch(dseq, services, version, sealed), secrets
            )
        except OutcomeUnknown as lost:
            if isinstance(lost.__cause__, ApiError) and lost.__cause__.upstream_code in NOTHING_RECORDED:
                raise lost.__cause__ from None
            raise
        recorded = _data_of(answer).get("manifestVersion")
        return recorded if isinstance(recorded, str) and recorded else None

    async def define_deployment(self, dseq: Dseq, sdl: str, secrets: Mapping[str, str] | None = None) -> None:
        """Have the Console keep the SDL of what a deployment runs, so that it can be patched. Repeatable.

        `secrets` are the values of those that it names.

        Raises `BadRequest` with `deployment_definition_mismatch` where something else runs.
        """
        requests = await self._requests()
        try:
            text, values = _as_sent(requests, sdl, secrets)
            await self._send_sealed(lambda sealed: requests.define(dseq, text, sealed), values, text)
        except Conflict as refusal:
            if refusal.upstream_code != "deployment_definition_exists":
                raise

    async def close_deployment(self, dseq: Dseq) -> None:
        """Close a deployment; closing a closed one succeeds. DESTROYS what runs.

        A return is the Console's word, not the proof: read the deployment back. Raises `NotFound` for one
        that this account does not have.
        """
        # What is not known yet is not asked: nothing may stand in the way of closing.
        requests = requests_of(self._client.known_generation or Generation.REFERENCE)
        answer = await self._send(requests.close(dseq))
        if "activityId" in _data_of(answer):
            await self._finished(answer.read(_ACTIVITY_ID, "data", "activityId"))

    async def deposit(self, dseq: Dseq, amount: Usd) -> DeploymentDetail:
        """Add `amount` to a deployment's escrow. SPENDS. Sent once."""
        *others, last = (await self._requests()).deposits(dseq, amount)
        for request in others:
            try:
                return await self._detail(await self._send(request), dseq)
            except NotFound as refusal:
                if not no_such_route(refusal):
                    raise
        return await self._detail(await self._send(last), dseq)

    async def set_auto_top_up(self, dseq: Dseq, enabled: bool) -> DeploymentSettings:
        """Switch the automatic funding of a deployment on or off, whether or not it had a setting. On, which SPENDS, is
        sent once.

        Raises `NotFound`, by which `no_such_route` tells the API of 2025, where there is none.
        """
        try:
            answer = await self._send((await self._requests()).auto_top_up(dseq, enabled))
        except BadRequest:
            self._client.forget_generation()  # only an API that funds by itself refuses this
            raise
        return answer.read(SETTINGS, "data")

    async def set_runtime_limit(self, dseq: Dseq, hours: int) -> DeploymentSettings:
        """Let a deployment run for `hours` in all from its lease on. SPENDS: more hours are more money. Sent once.

        At most 48 more than before, up to 8760; it cannot be lowered, and never be lifted. The same total again is
        refused (akash-network/console `deployment-setting.service.ts`), so one whose answer was lost is read back.
        Raises `Conflict` when another change landed first.
        """
        request = (await self._requests()).runtime_limit(dseq, hours)
        return (await self._send(request)).read(SETTINGS, "data")

    async def get_settings(self, dseq: Dseq) -> DeploymentSettings:
        """How a deployment is funded.

        Not a read: for one without a setting this switches automatic top-up ON.
        """
        settings = (await self._send((await self._requests()).read_settings(dseq))).read(SETTINGS, "data")
        if settings.auto_top_up_enabled is None:
            self._client.forget_generation()  # no generation that is known leaves it out
        return settings

    async def create_certificate(self) -> Certificate | None:
        """See to it that the account has a client certificate on the chain (2025): the one that is kept, or a new one,
        which is kept from then on. None where the API does without, as it says.
        """
        return await self._own_certificate(await self._requests())

    async def _own_certificate(self, requests: Requests) -> Certificate | None:
        """The one that is kept, or a new one, which is kept from then on."""
        if not requests.has_certificates:
            return None
        if self._certificates is None:
            self._certificate = self._certificate or await self._new_certificate(requests)
            return self._certificate
        kept = await self._certificates.pems()
        if kept is not None:
            return kept
        made = await self._new_certificate(requests)
        if made is not None:
            await self._certificates.keep(made)
        return made

    async def _new_certificate(self, requests: Requests) -> Certificate | None:
        try:
            return (await self._send(requests.certificate())).read(CERTIFICATE, "data")
        except (BadRequest, NotFound):
            return None  # removed since: identity is the API key

    async def _detail(self, answer: Response, dseq: Dseq) -> DeploymentDetail:
        """The deployment after a change: from the answer, or read back where that only says that it was done."""
        if _data_of(answer).get("success") is not True:
            try:
                return of_deployment(answer.read(DETAIL, "data"), dseq, answer.status)
            except ServerError as another:
                raise _unknown(another, f"What became of deployment {dseq} is not known.") from another
        try:
            return await self._read(dseq)
        except (ApiError, Interrupted, Unreachable) as unread:
            raise OutcomeUnknown(
                f"The change to deployment {dseq} was made, and cannot be read back: {unread.what}",
                next_step="Read the deployment before doing anything else.",
            ) from unread

    async def _read(self, dseq: Dseq) -> DeploymentDetail:
        path = f"/v1/deployments/{quote(dseq, safe='')}"
        answer = await self._client.get(path, deadline=DETAIL_DEADLINE)
        return of_deployment(answer.read(DETAIL, "data"), dseq, answer.status)

    async def _finished(self, activity_id: str) -> None:
        """Wait until the Console has done something in the background. Raises `ServerError` when it could not."""
        path = f"/v1/activities/{quote(activity_id, safe='')}"
        ends = self._client.monotonic() + ACTIVITY_DEADLINE
        while self._client.monotonic() < ends:
            answer = await self._client.get(path)
            activity = answer.unwrapped(ACTIVITY)
            if activity.status == "succeeded":
                return
            if activity.status == "failed":
                error = activity.meta.error if activity.meta else None
                message = self._client.clean(error.message or error.code) if error else ""
                raise ServerError(
                    f"Akash Console could not close the deployment: {message or 'it does not say why'}.",
                    status=answer.status,
                    upstream_code="activity_failed",
                    message=message,
                    next_step="Close it again: that is harmless.",
                )
            await self._client.sleep(ACTIVITY_SECONDS)
        raise Interrupted(
            "Akash Console did not finish closing the deployment in time.",
            next_step="Close it again: that is harmless.",
        )

    async def _seal(self, values: Mapping[str, str], sdl: str | None = None) -> str:
        """A seal of these values, made just now. What is raised says that nothing was sent."""
        try:
            answer = await self._client.get("/v1/sdl-secrets-context")
        except Interrupted as lost:
            raise Unreachable(f"{lost.what} So the secrets were not sealed, and nothing was sent.") from lost
        try:
            context = answer.read(CONTEXT, "data")
            return seal(context, values, now=self._client.date or time.time(), sdl=sdl)
        except ValueError as unusable:
            raise ServerError(
                "The key of Akash Console that secrets are sealed with cannot be used.",
                status=answer.status,
                upstream_code=UNREADABLE,
            ) from unusable

    async def _send_sealed(
        self, make: Callable[[str | None], Request], values: Mapping[str, str] | None, sdl: str | None = None
    ) -> Response:
        """Send a request with these values sealed, and once more where the key was retired meanwhile: nothing was done
        then. Without values there is no seal."""
        if values is None:
            return await self._send(make(None))
        try:
            return await self._send(make(await self._seal(values, sdl)))
        except Conflict as refusal:
            if refusal.upstream_code != _RETIRED_KEY:
                raise
        return await self._send(make(await self._seal(values, sdl)))

    async def _requests(self) -> Requests:
        await self._client.require_key()
        return requests_of(await self._client.generation())

    async def _send(self, request: Request) -> Response:
        account, route = self._client.account, f"{request.method} {request.path}"
        counts = self._client.counts_refusals and request.method != "GET"
        counted = self._refusals if counts else None
        if counted is not None and request.method != "DELETE":  # closing is always tried
            await counted.check(account, route, request.subject)
        try:
            answer = await self._client.call(
                request.method,
                request.path,
                sending=request.sending,
                deadline=request.deadline,
                params=request.params,
                body=request.body,
            )
        except (ApiError, OutcomeUnknown, Interrupted) as error:
            refusal = error if isinstance(error, ApiError) else error.__cause__
            if counted is not None and isinstance(refusal, ApiError):
                await counted.note(account, route, request.subject, refusal)
            raise
        if counted is not None:
            await counted.note(account, route, request.subject, None)
        return answer


_RETIRED_KEY = "conflict"
"""The Console's code of a 409 that has none of its own, as that of a retired key. What else a 409 says is no reason to
send again: a proxy's has no code, and what else the Console refuses so has one."""


def _as_sent(
    requests: Requests, sdl: str, secrets: Mapping[str, str] | None
) -> tuple[str, Mapping[str, str] | None]:
    """The SDL as it goes to the Console, and what goes sealed beside it, None for no seal."""
    if not secrets:
        return sdl, None
    if requests.opens_seals:
        return _filled(lambda: with_console_references(sdl)), secrets
    return _filled(lambda: with_values(sdl, secrets)), None


def _filled(fill: Callable[[], str]) -> str:
    try:
        return fill()
    except CannotFill as why:
        raise Refused(f"The secrets cannot be put into the SDL: {why}.") from None


def _data_of(answer: Response) -> dict[str, object]:
    """What lies below `data`, as far as it is an object."""
    try:
        value = read_json(answer.body)
    except (ValueError, RecursionError):
        return {}
    data = value.get("data") if isinstance(value, dict) else None
    return data if isinstance(data, dict) else {}


_BEFORE_LEASE = frozenset(
    {
        "validation_error",
        "repeated_refusal",
        "provider_unreachable",
        "wallet_provisioning",
        "payment_required",
        "insufficient_balance",
        "balance_top_up_pending",
    }
)
"""Codes of what the Console refuses before it broadcasts a lease (akash-network/console `lease.service.ts`)."""


def _before_lease(refusal: ApiError, generation: Generation) -> bool:
    """Whether a refused lease call certainly made no lease. It is read back even so.

    A provider's refusal of the manifest comes after the lease, with the provider's own status: since autumn 2026 under
    a code of its own, before that under none, so that there only a code or a message of the Console's proves anything.
    """
    if refusal.upstream_code == "manifest_not_delivered":
        return False
    if refusal.upstream_code in _BEFORE_LEASE or NO_LEASE_WAS_MADE in refusal.meanings:
        return True
    if isinstance(refusal, Unauthorized | PaymentRequired):
        return True  # a provider's own 401 is passed on as 400, and no provider asks for credit
    # 404 can be the deployment that is read after the transaction, and 429 a proxy's.
    its_own = refusal.status in (400, 403, 409, 422) and refusal.upstream_code != "unknown_error"
    return generation is Generation.V2026_11 and its_own


def _unknown(refusal: ApiError, what: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{refusal.what} {what}", next_step="Read the deployment before doing anything else."
    )
