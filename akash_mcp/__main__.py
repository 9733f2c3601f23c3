"""`python -m akash_mcp` is `akash-mcp`."""

from __future__ import annotations

import sys

from akash_mcp.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
