"""What goes wrong at whole gateways: not to be reached, and showing a certificate that they should not show.

A gateway whose fault is switched off changes to a new certificate on chain, since nothing that was revoked comes back.
"""

from __future__ import annotations

from collections.abc import Mapping

from akash_mcp.sandbox.certificates import IssuedCertificate, issue
from akash_mcp.sandbox.chain import Certificate, Chain
from akash_mcp.sandbox.faults import CERTIFICATE, PER_PROVIDER, Fault, UnknownFault
from akash_mcp.sandbox.provider.gateway import PUBLIC_HOSTNAME, Gateway

CHAIN_LAG_SECONDS = 30
"""How long before the chain a gateway knows of its new certificate, in simulated seconds."""

HOSTS = (PUBLIC_HOSTNAME,)
"""The names in a gateway's certificate."""

_DAY = 86400


def issue_on_chain(chain: Chain, owner: str, *, now: float) -> IssuedCertificate:
    """A new certificate of a provider, the only one of its that is valid on chain."""
    issued = _issue(chain, owner, now)
    _replace(chain, owner, issued)
    return issued


class GatewayFaults:
    """Switches them on and off at the gateways, which are named by their providers' addresses."""

    def __init__(self, chain: Chain, gateways: Mapping[str, Gateway]) -> None:
        self._chain = chain
        self._gateways = gateways
        self._down: set[str] = set()
        self._shown: dict[str, str] = {}  # the fault in what a gateway shows, by address

    def check(self, name: str, value: str | None) -> None:
        """Raises `UnknownFault` where the value should be a provider's address and is not."""
        if name in PER_PROVIDER and value is not None and value not in self._gateways:
            raise UnknownFault(f"no provider has the address {value!r}")

    async def apply(self, fault: Fault) -> None:
        """Do what a fault is about that was just switched on, or off by a count of 0. Most are about other things."""
        meant = set(self._gateways) if fault.value is None else {fault.value}
        if fault.name == "provider-unreachable":
            await self._unplug(meant if fault.count is None else set())
        elif fault.name in CERTIFICATE:
            for address in sorted(meant):
                if fault.count == 0:
                    self._repair(address, fault.name)
                else:
                    self._gateways[address].show(self._certificate(address, fault.name))
                    self._shown[address] = fault.name

    async def _unplug(self, wanted: set[str]) -> None:
        for address in sorted(self._down - wanted):
            await self._gateways[address].start()
        for address in sorted(wanted - self._down):
            await self._gateways[address].unplug()
        self._down = wanted

    def _repair(self, address: str, name: str) -> None:
        if self._shown.get(address) == name:
            del self._shown[address]
            self._gateways[address].show(issue_on_chain(self._chain, address, now=self._chain.clock.wall()))

    def _certificate(self, address: str, name: str) -> IssuedCertificate:
        """What the gateway shows from now on; what is on chain is made to fit."""
        chain, now = self._chain, self._chain.clock.wall()
        match name:
            case "certificate-expired":
                return issue_on_chain(chain, address, now=now - 366 * _DAY)
            case "certificate-not-yet-valid":
                return issue_on_chain(chain, address, now=now + _DAY)
            case "certificate-mismatch":
                registered = issue_on_chain(chain, address, now=now)
                return issue(address, hosts=HOSTS, now=now, serial=int(registered.serial))
            case "certificate-revoked":
                _revoke(chain, address)
                return self._gateways[address].certificate
            case "certificate-rotated":
                return issue_on_chain(chain, address, now=now)
        issued = _issue(chain, address, now)
        if name == "certificate-rotated-early":
            chain.schedule.after(CHAIN_LAG_SECONDS, lambda: self._register(address, issued))
        return issued

    def _register(self, address: str, issued: IssuedCertificate) -> None:
        if self._gateways[address].certificate is issued:  # and has not been replaced in the meantime
            _replace(self._chain, address, issued)


def _issue(chain: Chain, owner: str, now: float) -> IssuedCertificate:
    # Two within one tick of the clock still need a serial each.
    return issue(owner, hosts=HOSTS, now=now, serial=int(now * 1e9) + len(chain.certificates))


def _replace(chain: Chain, owner: str, issued: IssuedCertificate) -> None:
    _revoke(chain, owner)
    chain.certificates.append(Certificate(owner, issued.serial, issued.pem, issued.pubkey_pem))


def _revoke(chain: Chain, owner: str) -> None:
    for certificate in chain.certificates:
        if certificate.owner == owner:
            certificate.state = "revoked"
