"""`check`: all judges on one text, at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain, islice

from akash_mcp.sdl.build import build
from akash_mcp.sdl.complete import completed
from akash_mcp.sdl.exposure import exposed
from akash_mcp.sdl.model import Sdl
from akash_mcp.sdl.output.manifest import manifest_text, rough_length, sha256_hex
from akash_mcp.sdl.output.orders import Order, orders
from akash_mcp.sdl.report import Fault, Finding, Report
from akash_mcp.sdl.rules.ceiling import ceiling, check_ceiling
from akash_mcp.sdl.rules.chain_rules import check_chain, check_open_to_world
from akash_mcp.sdl.rules.cli_rules import check_cli
from akash_mcp.sdl.rules.container_rules import check_containers
from akash_mcp.sdl.rules.exposure_rules import check_exposure
from akash_mcp.sdl.rules.image_rules import check_images
from akash_mcp.sdl.rules.manifest_rules import check_decodable, check_same_hash
from akash_mcp.sdl.rules.market_warnings import check_market
from akash_mcp.sdl.rules.name_rules import check_names
from akash_mcp.sdl.rules.patch_warnings import check_patchable
from akash_mcp.sdl.rules.port_rules import check_ports
from akash_mcp.sdl.rules.references import check_references, check_throws
from akash_mcp.sdl.rules.registry_rules import check_registries
from akash_mcp.sdl.rules.schema import check_schema
from akash_mcp.sdl.rules.schema_types import ENOUGH, pointer
from akash_mcp.sdl.rules.secret_rules import check_literals, check_secrets, secrets_of
from akash_mcp.sdl.rules.value_rules import check_values
from akash_mcp.sdl.unread import Unread
from akash_mcp.sdl.yaml.loader import BadYaml, Document, load

MAX_MANIFEST = 4 * 2**20
"""Characters of a manifest beyond which we write none: a hundred times the longest in the wild."""
MAX_MESSAGE = 500
"""Characters of a message or fix: both quote what is in the SDL."""
MAX_FAULTS = 100
"""Faults of one kind after which we stop looking: one volume too few is a fault in each of a thousand placements."""


def check(text: str) -> Report:
    """Judge an SDL as Console does after forcing every denom to `uact`, then as chain and provider do.

    Takes any text and never raises. All judges are heard at once, also on what the Console refuses: where a value could
    not be read or points nowhere they judge a stand-in, and nothing is told that rests on one.
    """
    try:
        document = load(text)
    except BadYaml as bad:
        return _refused((Finding("Y01", "console", _short(bad.message), "", *bad.mark, _short(bad.fix)),))
    schema = check_schema(document.data)
    if len(schema) > ENOUGH:
        return _refused(_placed(document, schema), document)
    unread = Unread.after(schema)
    sdl = build(document.data, unread)
    references = unread.without_follow_ups(chain(check_references(sdl), check_throws(sdl)))
    faults = [*schema, *islice(references, MAX_FAULTS)]
    model = None if schema else sdl
    if len(faults) >= len(schema) + MAX_FAULTS:
        return _refused(_placed(document, faults), document, model)
    if faults:
        sdl, unread = completed(sdl, unread)
    if rough_length(sdl) > MAX_MANIFEST:
        message = "the manifest would be too large for a provider to take"
        finding = Finding("Y02", "console", message, "", 1, 1, "use fewer services")
        return _refused((*_placed(document, faults), finding), document, model)
    all_orders = orders(sdl)
    services = [service for order in all_orders for service, _ in order.services]
    services += [each for name, each in sdl.services.items() if unread.covers(("deployment", name))]
    later = chain(
        check_chain(sdl, all_orders),
        check_names(services),
        check_images(services),
        check_open_to_world(sdl, all_orders),
        check_decodable(sdl),
        check_secrets(sdl, document.data),
    )
    refused = list(islice(unread.without_follow_ups(later), MAX_FAULTS))
    market = chain(
        check_ceiling(all_orders),
        check_market(sdl),
        check_ports(sdl),
        check_same_hash(sdl),
        check_patchable(sdl),
        check_cli(sdl),
    )
    open_ports = exposed(sdl)
    runtime = chain(check_registries(sdl), check_literals(sdl), check_values(sdl), check_containers(sdl))
    noted = chain(check_exposure(sdl, open_ports), market if all_orders else (), runtime)
    report = Report(
        ok=not faults and not refused,
        console_ok=not faults,
        errors=_placed(document, (*faults, *refused)),
        warnings=_placed(document, islice(unread.without_follow_ups(noted), MAX_FAULTS)),
        exposed=() if faults else open_ports,
        data=document.data,
        model=model,
    )
    return report if faults else _written(report, sdl, all_orders)


def _written(report: Report, sdl: Sdl, all_orders: Sequence[Order]) -> Report:
    """The report on an SDL that the Console takes, with what comes out of it."""
    manifest = manifest_text(sdl, all_orders)
    priced = not any(finding.rule == "P15" for finding in report.errors)
    hour, month = (ceiling(all_orders) if priced else None) or (None, None)
    return replace(
        report,
        groups=tuple(order.group() for order in all_orders),
        manifest=manifest,
        manifest_sha256=sha256_hex(manifest),
        ceiling_usd_hour=hour,
        ceiling_usd_month=month,
        secrets=secrets_of(sdl),
    )


def _refused(errors: tuple[Finding, ...], document: Document | None = None, sdl: Sdl | None = None) -> Report:
    return Report(
        ok=False, console_ok=False, errors=errors, data=document.data if document else None, model=sdl
    )


def _placed(document: Document, faults: Iterable[Fault]) -> tuple[Finding, ...]:
    return tuple(_finding(document, fault) for fault in faults)


def _finding(document: Document, fault: Fault) -> Finding:
    mark = document.where(fault.path, key=fault.at_key)
    beside = f" (line {document.where(fault.beside).line})" if fault.beside else ""
    message, fix = _short(fault.message) + beside, _short(fault.fix)
    return Finding(fault.rule, fault.judge, message, pointer(fault.path), mark.line, mark.column, fix)


def _short(text: str) -> str:
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"
