"""akash-mcp with spans: printed to stderr, or sent by OTLP where OTEL_EXPORTER_OTLP_ENDPOINT says where to.

    pip install akash-mcp opentelemetry-sdk
    python examples/telemetry/traced_server.py serve --sandbox

The arguments are those of akash-mcp. Standard output stays the protocol's, so nothing is printed there.
"""

from __future__ import annotations

import os
import sys

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

from akash_mcp.cli.main import main


def exporter() -> SpanExporter:
    """OTLP over HTTP where an endpoint is set (which needs opentelemetry-exporter-otlp-proto-http), else stderr."""
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    return ConsoleSpanExporter(out=sys.stderr)


if __name__ == "__main__":
    provider = TracerProvider(resource=Resource.create({"service.name": "akash-mcp"}))
    provider.add_span_processor(BatchSpanProcessor(exporter()))
    trace.set_tracer_provider(provider)
    sys.exit(main())
