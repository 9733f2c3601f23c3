"""How a gateway tells that something went wrong: as it does since v0.11.2, and as it did before.

Clients meet both, so they have to look at texts as well as at statuses (akash-network/provider `gateway/rest`).
"""

from __future__ import annotations

from dataclasses import dataclass

from akash_mcp.sandbox.provider import go_json
from akash_mcp.sandbox.provider.http1 import Response, error_response
from akash_mcp.sandbox.provider.validation import ManifestRefused
from akash_mcp.sandbox.tokens import TokenRefused

_JSON = (("Content-Type", "application/json"),)


@dataclass(frozen=True)
class ErrorStyle:
    """`kube_status` and `kube_close`: the cluster cannot be reached. `gone_close`: a stream of a lease that is not."""

    version: str
    kube_status: int
    kube_close: int
    gone_close: int
    is_legacy: bool

    def token_refused(self, refused: TokenRefused) -> Response:
        """What a request gets whose credentials do not do."""
        status, message = refused.status, refused.message
        if self.is_legacy and refused.detail:
            status, message = 500, f"unknown error while processing JWT. {refused.detail}"
        return Response(status, go_json.encode({"message": message}).encode(), _JSON)

    def manifest_refused(self, refused: ManifestRefused) -> Response:
        """What a manifest gets that is not taken. Once, 422 was for what is not valid in itself."""
        is_about_the_order = refused.status == 422 and refused.message.startswith("manifest ")
        return error_response(
            500 if self.is_legacy and is_about_the_order else refused.status, refused.message
        )


CURRENT = ErrorStyle("v0.14.0", kube_status=503, kube_close=4002, gone_close=4001, is_legacy=False)
LEGACY = ErrorStyle("v0.11.1", kube_status=500, kube_close=4000, gone_close=4000, is_legacy=True)
