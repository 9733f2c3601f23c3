"""Spans: whom a call asked and how that ended, below the call's own span; and nothing of what was sent."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import anyio
import httpx2
import mcp.shared._otel
import mcp.shared.jsonrpc_dispatcher
import pytest
import uvicorn
from agents import ERAS, Connect
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from akash_mcp import config
from akash_mcp.clients import tracing
from akash_mcp.clients.tracing import shape_of
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.server import build
from akash_mcp.transports import http_app, http_config

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[TracerProvider]:
    made = TracerProvider()
    for module in (tracing, mcp.shared._otel):
        monkeypatch.setattr(module, "_tracer", made.get_tracer("test"))
    yield made
    made.shutdown()


@pytest.fixture
def spans(provider: TracerProvider) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


def named(spans: InMemorySpanExporter, name: str, kind: SpanKind) -> ReadableSpan:
    return next(span for span in spans.get_finished_spans() if span.name == name and span.kind is kind)


def trace_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.trace_id)


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_what_a_call_asks_is_below_its_span_in_the_clients_trace(
    era: str,
    connect: Connect,
    network: EmbeddedNetwork,
    sdl: str,
    provider: TracerProvider,
    spans: InMemorySpanExporter,
) -> None:
    private = sdl.replace("nginx:", "very-private-name:")
    async with connect(era, approval="auto") as agent:
        with provider.get_tracer("client").start_as_current_span("what the client does") as whole:
            deployed = await agent.call("deploy", sdl=private, deposit_usd=1, name="somebodys-name")
        await agent.call("get_logs", dseq=deployed["dseq"])
    call = named(spans, "tools/call deploy", SpanKind.SERVER)
    created = named(spans, "POST /v1/deployments", SpanKind.CLIENT)
    assert trace_of(created) == trace_of(call) == whole.get_span_context().trace_id
    assert created.parent is not None
    assert call.context is not None
    assert created.parent.span_id == call.context.span_id
    attributes = dict(created.attributes or {})
    assert attributes["http.request.method"] == "POST"
    assert attributes["server.address"] == "127.0.0.1"
    assert attributes["http.response.status_code"] in (200, 201)
    assert {"provider handshake", "provider stream"} <= {span.name for span in spans.get_finished_spans()}
    told = "\n".join(span.to_json() for span in spans.get_finished_spans())
    for secret in (network.api_key, "very-private-name", "somebodys-name", deployed["dseq"], "Bearer"):
        assert secret not in told


@pytest.mark.anyio
async def test_a_trace_that_http_headers_name_is_gone_on_with(
    settings: config.Settings, spans: InMemorySpanExporter
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        app = http_app(build(settings), host="127.0.0.1", port=port, token=None, sse=False)
        http = uvicorn.Server(http_config(app))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(http.serve, [listener])
            with pytest.MonkeyPatch.context() as untraced:  # a client that knows nothing of traces
                untraced.setattr(mcp.shared.jsonrpc_dispatcher, "inject_trace_context", lambda meta: None)
                async with httpx2.AsyncClient(headers={"traceparent": f"00-{TRACE}-{PARENT}-01"}) as behind:
                    url = f"http://127.0.0.1:{port}/mcp"
                    async with Client(streamable_http_client(url, http_client=behind)) as client:
                        await client.list_prompts()
            http.should_exit = True
    assert trace_of(named(spans, "prompts/list", SpanKind.SERVER)) == int(TRACE, 16)


@pytest.mark.anyio
async def test_a_refusal_is_told_by_its_status_and_without_its_words(
    connect: Connect, spans: InMemorySpanExporter
) -> None:
    async with connect() as agent:
        await agent.refused("get_deployment", id="1700000000001")
    failed = [span for span in spans.get_finished_spans() if span.name.startswith("GET /v1/deployments/{}")]
    assert failed
    attributes = dict(failed[0].attributes or {})
    assert attributes["http.response.status_code"] == 404
    assert attributes["error.type"] == "404"
    assert failed[0].status.description is None
    assert not failed[0].events


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/deployments/1763759482113?x=1", "/v1/deployments/{}"),
        ("/v1/deployments", "/v1/deployments"),
        ("/v1/deposit-deployment", "/v1/deposit-deployment"),
        ("/v1/templates/akash-network-awesome-akash-redis", "/v1/templates/{}"),
        ("/v1/templates/redis", "/v1/templates/{}"),
        ("/akash/market/v1beta5/bids/list", "/akash/market/v1beta5/bids/list"),
        ("/lease/1763759482113/1/1/status", "/lease/{}/{}/{}/status"),
        ("/v1/providers/akash1abc", "/v1/providers/{}"),
        ("", ""),
    ],
)
def test_a_path_is_told_by_its_shape(path: str, shape: str) -> None:
    assert shape_of(path) == shape
