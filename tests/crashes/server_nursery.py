"""A process that has imported akash-mcp and forks itself into a fresh one for each order: a start in no time.

    python server_nursery.py FD

Each message on the socket FD is JSON, `{"argv": […], "env": {…}}`, and comes with three descriptors: stdin, stdout and
stderr of what is to run. Answered is its process id. What runs is the command line as it stands; only importing it, two
seconds of a processor, was done before.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from typing import Any, NoReturn


def _become(order: dict[str, Any], descriptors: list[int]) -> NoReturn:
    status = 70
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(order["env"])
        os.chdir(order["env"]["HOME"])
        from akash_mcp.cli.main import main

        try:
            status = main(order["argv"])
        except SystemExit as usage:
            status = usage.code if isinstance(usage.code, int) else 1
        except BaseException as error:  # noqa: BLE001  # as the interpreter's last lines would
            sys.excepthook(type(error), error, error.__traceback__)
            status = 1
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _serve(orders: socket.socket) -> None:
    import akash_mcp.cli.main
    import akash_mcp.cli.serve  # noqa: F401  # this is what takes long

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever ends is gone: nobody asks here how it ended
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        message, descriptors, _, _ = socket.recv_fds(orders, 1 << 16, 3)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            orders.close()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _become(json.loads(message), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        orders.send(str(pid).encode())


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
