"""A company's proxy: it opens TLS by certificates of its own authority, wants a password, refuses, lies and dies."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from provider_certificates import Shown, authority, issued
from tcp_server import TcpServer

USER, PASSWORD = "mallory", "p%40ss-of-the-proxy"
"""As they stand in an address. The password is `p@ss-of-the-proxy`."""


@dataclass
class CompanyProxy:
    """Connects `hosts` (by name) to ports of this machine. `asked` is the first line of each request that it got.

    `status`: what CONNECT is answered with. `page`: what follows that, in place of TLS. `dies_at`: where the client
    sent this, it is handed on, and its answer is not; `died` counts that.
    """

    hosts: Mapping[str, int]
    tls: ssl.SSLContext
    ca_file: Path
    port: int = 0
    asked: list[str] = field(default_factory=list)
    wants_password: bool = False
    status: int = 200
    page: bytes = b""
    dies_at: bytes = b""
    died: int = 0

    @property
    def url(self) -> str:
        """Its address, with a password."""
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return
        line = head.split(b"\r\n")[0].decode()
        self.asked.append(line)
        status = 407 if self.wants_password and not _has_password(head) else self.status
        method, target, _ = line.split(" ")
        if method != "CONNECT":
            writer.write(f"HTTP/1.1 {status} Whatever\r\ncontent-length: 2\r\n\r\n{{}}".encode())
            await writer.drain()
            return
        writer.write(f"HTTP/1.1 {status} see {PASSWORD}\r\n\r\n".encode() + self.page)
        await writer.drain()
        if status != 200 or self.page:
            return
        try:
            await writer.start_tls(self.tls)
        except (ssl.SSLError, ConnectionError):
            return  # the client does not trust us
        upstream = await asyncio.open_connection("127.0.0.1", self.hosts[target.partition(":")[0]])
        await self._pass_on(reader, writer, *upstream)

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        questions: asyncio.StreamWriter,
    ) -> None:
        sent = b""

        async def ask() -> None:
            nonlocal sent
            while chunk := await reader.read(1 << 16):
                sent += chunk
                questions.write(chunk)

        asking = asyncio.create_task(ask())
        try:
            while chunk := await answers.read(1 << 16):
                if self.dies_at and self.dies_at in sent:
                    self.died += 1
                    return
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass  # the client hung up
        finally:
            asking.cancel()
            questions.close()


def _has_password(head: bytes) -> bool:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        if name.lower() == b"proxy-authorization":
            return b64decode(value.removeprefix(b"Basic ")) == f"{USER}:p@ss-of-the-proxy".encode()
    return False


@asynccontextmanager
async def company_proxy(folder: Path, hosts: Mapping[str, int]) -> AsyncIterator[CompanyProxy]:
    """A proxy that connects `hosts`, whose authority stands in `ca_file`."""
    own: Shown = authority()
    ca_file = folder / "company-ca.pem"
    ca_file.write_text(own.pem, encoding="utf-8")
    proxy = CompanyProxy(hosts, issued(own, *hosts).server_context(folder), ca_file)
    async with TcpServer(proxy.serve) as server:
        proxy.port = server.port
        yield proxy
