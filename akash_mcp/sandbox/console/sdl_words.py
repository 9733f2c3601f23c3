"""Why Console refuses an SDL, in its own words: js-yaml's, then its schema's, then those of its other checks.

These are the texts that follow `Invalid SDL: ` in its answer. Console looks no further than the first of the three
that finds anything.
"""

from __future__ import annotations

import re

from akash_mcp.sandbox.console.sdl_references import reference_complaints
from akash_mcp.sandbox.console.sdl_schema import schema_complaints
from akash_mcp.sdl import Report
from akash_mcp.sdl.yaml.loader import BadYaml, load


def refusal(sdl: str, report: Report) -> str:
    """The words for an SDL that `report` says Console refuses. Where we know none of its own, the report's."""
    try:
        data = load(sdl).data
    except BadYaml as bad:
        return _yaml_words(sdl, bad)
    said = schema_complaints(data) or (reference_complaints(report.model) if report.model else [])
    return ", ".join(said or [report.errors[0].message])


def _yaml_words(sdl: str, bad: BadYaml) -> str:
    where = "({}:{})".format(*bad.mark)
    match bad.kind:
        case "character":
            return "the stream contains non-printable characters"
        case "documents":
            return "expected a single document in the stream, but found more"
        case "tab":
            return f"tab characters must not be used in indentation {where}"
        case "quote":
            # js-yaml counts on to where the text ends, one line further where that is a line break.
            lines = re.split("\r\n|\r|\n", sdl)
            end = f"({len(lines)}:{len(lines[-1]) + 1})"
            return f"unexpected end of the stream within a {bad.what} quoted scalar {end}"
        case "duplicate":
            return f"duplicated mapping key {where}"
        case "alias":
            return f'unidentified alias "{bad.what}" {where}'
        case "merge":
            return f"cannot merge mappings; the provided source object is unacceptable {where}"
        case "tag":
            return f"unknown tag !<{bad.what}> {where}"
        case "tagged":
            return f"cannot resolve a node with !<{bad.what}> explicit tag {where}"
        case "syntax":
            return f"{bad.what} {where}"
        case "bounds":
            return bad.message
