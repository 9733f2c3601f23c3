"""`akash-mcp`, and `python -m akash_mcp`: begins to answer, then imports the rest."""

from __future__ import annotations

import os
import sys

from akash_mcp import fast_start


def main() -> int:
    """Run the command line and return its exit status. Wrong usage leaves through argparse's `SystemExit(2)`."""
    try:
        wire = fast_start.start(sys.argv[1:], os.environ)
        if wire is not None and wire.linger(fast_start.LINGER_SECONDS):
            return 0  # a client that only looked has left
        from akash_mcp.cli.main import main as run

        return run(wire=wire)
    except KeyboardInterrupt:
        return 130  # as a shell reports SIGINT


if __name__ == "__main__":
    sys.exit(main())
