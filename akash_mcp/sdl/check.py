"""`check`: all judges, one after the other, on one text."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice

from akash_mcp.sdl.model import Sdl, build
from akash_mcp.sdl.output.manifest import manifest_text, rough_length, sha256_hex
from akash_mcp.sdl.output.orders import orders
from akash_mcp.sdl.report import Fault, Finding, Report
from akash_mcp.sdl.rules.ceiling import ceiling, check_ceiling
from akash_mcp.sdl.rules.chain_rules import check_chain, check_open_to_world
from akash_mcp.sdl.rules.cli_rules import check_cli
from akash_mcp.sdl.rules.image_rules import check_images
from akash_mcp.sdl.rules.manifest_rules import check_decodable, check_same_hash
from akash_mcp.sdl.rules.market_warnings import check_market
from akash_mcp.sdl.rules.name_rules import check_names
from akash_mcp.sdl.rules.patch_warnings import check_patchable
from akash_mcp.sdl.rules.references import check_references, check_throws
from akash_mcp.sdl.rules.schema import check_schema
from akash_mcp.sdl.rules.schema_types import pointer
from akash_mcp.sdl.rules.secret_rules import check_literals, check_secrets, secrets_of
from akash_mcp.sdl.yaml.loader import BadYaml, Document, Mark, load

MAX_MANIFEST = 4 * 2**20
"""Characters of a manifest beyond which we write none: a hundred times the longest in the wild."""
MAX_MESSAGE = 500
"""Characters of a message or fix: both quote what is in the SDL."""
MAX_FAULTS = 100
"""Faults of one kind after which we stop looking: one volume too few is a fault in each of a thousand placements."""


def check(text: str) -> Report:
    """Judge an SDL as Console does after forcing every denom to `uact`, then as chain and provider do.

    Takes any text and never raises. What Console refuses is not judged further, since it would go no further.
    """
    try:
        document = load(text)
    except BadYaml as bad:
        return _refused((Finding("Y01", "console", _short(bad.message), "", *bad.mark, _short(bad.fix)),))
    if faults := check_schema(document.data):
        return _refused(_placed(document, faults), document)
    sdl = build(document.data)
    faults = list(islice(check_references(sdl), MAX_FAULTS)) or list(islice(check_throws(sdl), MAX_FAULTS))
    if faults:
        return _refused(_placed(document, faults), document, sdl)
    if rough_length(sdl) > MAX_MANIFEST:
        message = "the manifest would be too large for a provider to take"
        finding = Finding("Y02", "console", message, "", 1, 1, "use fewer services")
        return _refused((finding,), document, sdl)
    all_orders = orders(sdl)
    later = chain(
        check_chain(sdl, all_orders),
        check_names(all_orders),
        check_images(all_orders),
        check_open_to_world(all_orders),
        check_decodable(sdl),
        check_secrets(sdl, document.data),
    )
    refused = list(islice(later, MAX_FAULTS))
    noted = (
        check_ceiling(all_orders),
        check_market(sdl),
        check_same_hash(sdl),
        check_patchable(sdl),
        check_cli(sdl),
    )
    warnings = chain(*(noted if all_orders else ()), check_literals(sdl))
    manifest = manifest_text(sdl, all_orders)
    priced = not any(fault.rule == "P15" for fault in refused)
    hour, month = (ceiling(all_orders) if priced else None) or (None, None)
    return Report(
        ok=not refused,
        console_ok=True,
        errors=_placed(document, refused),
        warnings=_placed(document, islice(warnings, MAX_FAULTS)),
        groups=tuple(order.group() for order in all_orders),
        manifest=manifest,
        manifest_sha256=sha256_hex(manifest),
        ceiling_usd_hour=hour,
        ceiling_usd_month=month,
        secrets=secrets_of(sdl),
        data=document.data,
        model=sdl,
    )


def _refused(errors: tuple[Finding, ...], document: Document | None = None, sdl: Sdl | None = None) -> Report:
    return Report(
        ok=False, console_ok=False, errors=errors, data=document.data if document else None, model=sdl
    )


def _placed(document: Document, faults: Iterable[Fault]) -> tuple[Finding, ...]:
    return tuple(_finding(fault, document.where(fault.path, key=fault.at_key)) for fault in faults)


def _finding(fault: Fault, mark: Mark) -> Finding:
    message, fix = _short(fault.message), _short(fault.fix)
    return Finding(fault.rule, fault.judge, message, pointer(fault.path), mark.line, mark.column, fix)


def _short(text: str) -> str:
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"
