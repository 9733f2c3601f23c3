"""The answers about installs at Akua: what runs there, in what state, and what keeps it from running."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from pydantic import Field

from akash_mcp.clients.akua.models import Install, InstallUrl, Pod, Render, StatusResource
from akash_mcp.clients.akua.models import Operation as AkuaOperation
from akash_mcp.clients.akua.pages import Listing
from akash_mcp.guard.books.journal import Operation
from akash_mcp.guard.books.runs import in_utc
from akash_mcp.sanitize.text import field
from akash_mcp.tools.akua.results import id_of, if_none, name_of, told, word
from akash_mcp.tools.results import Result
from akash_mcp.workflow.akua.begun_here import BegunHere
from akash_mcp.workflow.akua.blockers import blockers, health_of, waiting_for_person
from akash_mcp.workflow.akua.install_view import InstallView

_URLS_OF_A_ROW = 2
_MOST_URLS = 10
_MOST_RESOURCES = 20
_MOST_PODS = 20
_MOST_CONTAINERS = 10
_MOST_RENDERS = 5
_MOST_STATES = 12
_MOST_BEGUN = 10
_ID_BYTES = 100
_MESSAGE_BYTES = 240


class InstallRow(Result):
    """An install. `customer`: whose it is, where it is another workspace's. `urls`: whether they work or not."""

    id: str
    state: str | None = None
    reconciling: bool | None = None
    cluster_id: str | None = None
    product_id: str | None = None
    version_id: str | None = None
    customer: str | None = None
    urls: list[str] | None = None


class BegunRow(Result):
    """Something that this server began at Akua: akua_get_operation tells more."""

    op_id: str
    what: str
    state: str


class InstallList(Result):
    """A page of installs. `total` counts all that match, `by_state` those in any state, as far as they were read."""

    installs: list[InstallRow]
    begun_here: list[BegunRow] | None = Field(None, description="By this server, within the last hour")
    total: int
    by_state: list[str] | None = None
    next_cursor: str | None = None
    incomplete: str | None = Field(None, description="Why there may be more than were read")
    next_step: str


def install_list(
    listing: Listing[Install],
    any_state: Sequence[Install],
    matching: Sequence[Install],
    rows: Sequence[Install],
    following: str | None,
    *,
    unplaced: int,
    begun: BegunHere,
) -> InstallList:
    """The answer of `akua_list_installs`: a page's `rows` of those `matching`, and of those in `any_state` how many.

    `unplaced`: how many were left out because they do not say on which cluster they are. `begun`: what this server
    began.
    """
    problems = [each for each in (listing.problem, begun.problem) if each]
    if unplaced:
        problems.append(f"{unplaced} more do not say on which cluster they are.")
    counts = Counter(field(each.state, 40).lower() or "state not told" for each in any_state)
    if rows:
        next_step = "akua_get_install(install_id) shows one in full."
    elif any_state:
        next_step = "None of those that were read is in this state."
    else:
        next_step = if_none(listing, "install", "Nothing of that is installed.")
    return InstallList(
        installs=[_row(each) for each in rows],
        begun_here=[_begun(each) for each in begun.operations[:_MOST_BEGUN]] or None,
        total=len(matching),
        by_state=[f"{count} {state}" for state, count in counts.most_common(_MOST_STATES)] or None,
        next_cursor=following,
        incomplete=told(problems),
        next_step=next_step,
    )


def _begun(operation: Operation) -> BegunRow:
    return BegunRow(op_id=operation.op_id, what=field(operation.summary, 200), state=operation.state)


def _row(install: Install) -> InstallRow:
    customer = install.customer_workspace
    return InstallRow(
        id=field(install.id, _ID_BYTES),
        state=word(install.state),
        reconciling=install.reconciling,
        cluster_id=id_of(install.cluster_id),
        product_id=id_of(install.product_id),
        version_id=id_of(install.package_version_id),
        customer=name_of(customer.name or customer.id)
        if customer and customer.id != install.workspace_id
        else None,
        urls=[address for url in (install.urls or [])[:_URLS_OF_A_ROW] if (address := name_of(_address(url)))]
        or None,
    )


def _address(url: InstallUrl) -> str | None:
    return url.url or url.hostname


class UrlResult(Result):
    """An address of an install. `status` active: it works."""

    url: str
    status: str | None = None
    error: str | None = None


class ResourceResult(Result):
    """A Kubernetes resource. `sync`: whether the cluster has it as it was rendered; many kinds have no `health`."""

    resource: str
    health: str | None = None
    sync: str | None = None
    message: str | None = None


class PodResult(Result):
    """A pod, and its containers."""

    name: str
    containers: list[str] | None = None


class RenderResult(Result):
    """What the install's manifests were made of. An earlier one can be restored by its id."""

    id: str
    state: str | None = None
    version_id: str | None = None
    created_at: str | None = None
    message: str | None = None


class OperationResult(Result):
    """The newest operation on the install, where it did not end well or not yet."""

    id: str
    kind: str | None = None
    state: str | None = None


class InstallResult(Result):
    """An install. Left out is what was not told or read: `incomplete` says what could not be read."""

    id: str
    state: str | None = None
    reconciling: bool | None = None
    cluster_id: str | None = None
    product_id: str | None = None
    version_id: str | None = None
    customer: str | None = None
    health: str | None = None
    sync: str | None = None
    blocked_by: list[str] | None = Field(None, description="What is in quotes is data from outside")
    urls: list[UrlResult] | None = None
    resources: list[ResourceResult] | None = Field(None, description="Those that do not work first")
    resources_not_shown: int | None = None
    pods: list[PodResult] | None = None
    pods_not_shown: int | None = None
    renders: list[RenderResult] | None = Field(None, description="Newest first")
    operation: OperationResult | None = None
    dashboard: str | None = None
    incomplete: str | None = None
    next_step: str


def install_result(view: InstallView) -> InstallResult:
    """The answer of `akua_get_install`."""
    install, status = view.install, view.status
    row = _row(install)
    resources = _worst_first(status.resources if status and status.resources is not None else None)
    pods, urls = view.pods, install.urls
    return InstallResult(
        id=row.id,
        state=word(view.state),
        reconciling=install.reconciling
        if status is None or status.reconciling is None
        else status.reconciling,
        cluster_id=row.cluster_id,
        product_id=row.product_id,
        version_id=row.version_id,
        customer=row.customer,
        health=word(status.health) if status else None,
        sync=word(status.sync) if status else None,
        blocked_by=blockers(view) or None,
        urls=None if urls is None else [_url(each) for each in urls[:_MOST_URLS]],
        resources=None if resources is None else [_resource(each) for each in resources[:_MOST_RESOURCES]],
        resources_not_shown=_beyond(resources, _MOST_RESOURCES),
        pods=None if pods is None else [_pod(each) for each in pods[:_MOST_PODS]],
        pods_not_shown=_beyond(pods, _MOST_PODS),
        renders=None if view.renders is None else [_render(each) for each in view.renders[:_MOST_RENDERS]],
        operation=_operation(view.operation),
        dashboard=name_of(install.html_url),
        incomplete=told(view.problems),
        next_step=_next_step(view),
    )


def _beyond(rows: Sequence[object] | None, most: int) -> int | None:
    return max(len(rows or ()) - most, 0) or None


_ORDER = ("degraded", "missing", "unknown", "suspended", "progressing")


def _worst_first(resources: Iterable[StatusResource] | None) -> list[StatusResource] | None:
    def rank(resource: StatusResource) -> tuple[int, bool]:
        health = health_of(resource).lower()
        is_synced = (resource.status or "synced").lower() == "synced"
        return (_ORDER.index(health) if health in _ORDER else len(_ORDER)), is_synced

    return None if resources is None else sorted(resources, key=rank)


def _url(url: InstallUrl) -> UrlResult:
    return UrlResult(
        url=name_of(_address(url)) or "not told",
        status=word(url.status),
        error=field(url.error, _MESSAGE_BYTES) or None,
    )


def _resource(resource: StatusResource) -> ResourceResult:
    place = "/".join(filter(None, (field(resource.namespace, 63), field(resource.name, 100))))
    told_by = resource.health.message if resource.health and resource.health.message else resource.message
    return ResourceResult(
        resource=f"{field(resource.kind, 60) or 'unknown kind'} {place}".rstrip(),
        health=health_of(resource) or None,
        sync=word(resource.status),
        message=field(told_by, _MESSAGE_BYTES) or None,
    )


def _pod(pod: Pod) -> PodResult:
    containers = pod.containers
    return PodResult(
        name=field(pod.name, _ID_BYTES),
        containers=None
        if containers is None
        else [field(each, _ID_BYTES) for each in containers[:_MOST_CONTAINERS]],
    )


def _render(render: Render) -> RenderResult:
    return RenderResult(
        id=field(render.id, _ID_BYTES),
        state=word(render.state),
        version_id=id_of(render.package_version_id),
        created_at=None if render.created_at is None else in_utc(render.created_at),
        message=field(render.message, _MESSAGE_BYTES) or None,
    )


def _operation(operation: AkuaOperation | None) -> OperationResult | None:
    if operation is None:
        return None
    return OperationResult(
        id=field(operation.id, _ID_BYTES), kind=word(operation.kind), state=word(operation.state)
    )


_ON_ITS_WAY = frozenset({"pending", "rendering", "syncing"})


def _next_step(view: InstallView) -> str:
    """What fits its state. What is not known is not called well."""
    name = field(view.install.id, _ID_BYTES)
    if view.operation is not None and not view.operation.is_over and waiting_for_person(view.operation):
        return "Tell the user: it goes on once they did in Akua's dashboard what it waits for."
    if view.state == "deleted":
        return "It is deleted: nothing of it is left to look at."
    if view.state in ("failed", "degraded"):
        restore = " An earlier render that was deployed can be restored." if _has_earlier(view) else ""
        return f"akua_get_install_logs(install_id={name}) shows what its containers wrote.{restore}"
    if view.state in _ON_ITS_WAY:
        return "It is on its way: call this again in half a minute."
    if view.state == "healthy":
        return "It runs." if not blockers(view) else "It runs, and something of it does not: see blocked_by."
    return "How it does is not known: call this again in a minute."


def _has_earlier(view: InstallView) -> bool:
    return any((each.state or "").lower() == "deployed" for each in (view.renders or [])[1:])
