from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The package runs on asyncio (uvicorn and websockets do), so the tests do too."""
    return "asyncio"
