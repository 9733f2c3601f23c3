"""Our own certificate, which gateways take instead of a token where the Console API mints none (`2025`).

The Console makes it and puts it on the chain. Its key is not encrypted, although the API calls it
`encryptedKey`: whoever has the file can read and change what runs for the account. So the file is 0600 from its first
moment, replaced as a whole, never reached through a link, and not used when others can read it.
"""

from __future__ import annotations

import logging
import os
import secrets
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from akash_mcp.clients.chain import ChainReader
from akash_mcp.clients.console.account_models import Certificate
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.errors import AkashError, BadSettings, Interrupted, ServerError, Unreachable
from akash_mcp.ids import AccountAddress, ProviderAddress

log = logging.getLogger(__name__)

CHECK_SECONDS = 60.0
"""How long the chain's word that a certificate was not revoked is built upon."""
LARGEST_FILE = 64 * 2**10


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate of ours: the file that TLS loads it from, and its texts. `serial` is decimal."""

    file: Path
    owner: AccountAddress
    serial: str
    expires: datetime
    pems: Certificate = field(repr=False)


class ClientCertificates:
    """Keeps one certificate for each account, in `folder`, and tells whether it is still good.

    `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        console: ConsoleReader,
        chain: ChainReader,
        folder: Path,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._console = console
        self._chain = chain
        self._folder = folder
        self._clock = clock
        self._account: AccountAddress | None = None
        self._checked: tuple[str, float] | None = None

    async def current(self) -> ClientCertificate | None:
        """The account's certificate; None where there is none, or it has expired or was revoked.

        Changes nothing anywhere. Raises `BadSettings` for a file that is not safe or cannot be read, and what the
        Console raises when it is asked whose key it is.
        """
        account = await self._owner()
        kept = _loaded(self._path(account))
        if kept is None or kept.owner != account or kept.expires.timestamp() <= self._clock():
            return None
        return None if await self._is_revoked(kept) else kept

    async def pems(self) -> Certificate | None:
        """The texts of the account's certificate; None and raises as `current`."""
        kept = await self.current()
        return None if kept is None else kept.pems

    async def keep(self, pems: Certificate) -> None:
        """Keep a certificate that the Console just made for the account. Raises `BadSettings` where it cannot."""
        path = self._path(await self._owner())
        try:
            _write(path, f"{pems.cert_pem.strip()}\n{pems.encrypted_key.strip()}\n")
        except OSError as error:
            raise BadSettings(
                f"The client certificate cannot be kept in the state folder ({error.strerror}).",
                next_step="Ask the user to check the disk and the state folder, then try again.",
            ) from error

    async def _owner(self) -> AccountAddress:
        if self._account is None:
            wallets = await self._console.wallets((await self._console.current_user()).id)
            if not wallets:
                raise BadSettings(
                    "The account has no wallet yet, so there can be no certificate for it.",
                    next_step="Wait a minute, then try again.",
                )
            self._account = wallets[0].address
        return self._account

    def _path(self, account: AccountAddress) -> Path:
        return self._folder / f"certificate-{account}.pem"

    async def _is_revoked(self, kept: ClientCertificate) -> bool:
        """Whether the chain says so. A node that does not answer, or does not know it yet, does not make it bad:
        gateways judge by themselves."""
        if self._checked and self._checked[0] == kept.serial and self._clock() < self._checked[1]:
            return False
        owner = ProviderAddress(kept.owner)
        try:
            revoked = await self._chain.certificates(owner, state="revoked", serial=kept.serial)
        except (Unreachable, Interrupted, ServerError) as silent:
            log.warning("whether our certificate was revoked on the chain is not known: %s", silent.what)
            return False
        if any(certificate.serial == kept.serial for certificate in revoked):
            return True
        self._checked = kept.serial, self._clock() + CHECK_SECONDS
        return False


def _loaded(path: Path) -> ClientCertificate | None:
    """What is kept at `path`. None where the file does not exist."""
    # Here, not above: only one generation of the API has certificates, and the import is slow.
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        text = _read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error.strerror or type(error).__name__) from error
    certificate, begin, key = text.partition("-----BEGIN PRIVATE KEY-----")
    try:
        leaf = x509.load_pem_x509_certificate(certificate.encode())
        names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        raise _unusable(path, "it holds no certificate") from None
    return ClientCertificate(
        file=path,
        owner=AccountAddress(str(names[0].value) if len(names) == 1 else ""),
        serial=str(leaf.serial_number),
        expires=leaf.not_valid_after_utc,
        pems=Certificate(cert_pem=certificate, encrypted_key=begin + key),
    )


def _read(path: Path) -> str:
    opened = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with open(opened, encoding="ascii", errors="replace") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise _unusable(path, "it is not a regular file")
        if os.name == "posix" and (found.st_uid != os.geteuid() or found.st_mode & 0o077):
            raise _unusable(path, "others can read or replace it")
        return file.read(LARGEST_FILE)


def _write(path: Path, text: str) -> None:
    """Put `text` at `path` as a whole, in a file that nobody else could ever read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(opened, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _unusable(path: Path, why: str) -> AkashError:
    return BadSettings(
        f"The client certificate, {path.name} in the state folder, is not used: {why}.",
        next_step="Ask the user to delete that file: another certificate is made with the next lease or update.",
    )
