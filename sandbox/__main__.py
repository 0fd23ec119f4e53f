"""`python -m sandbox`: serve the sandbox on loopback until it is told to stop."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

from sandbox.app import build_app
from sandbox.server import listen, serve_for_ever

DEFAULT_PORT = "8600"
MOST_PER_MINUTE = 600


def main() -> int:
    """Parse the command line and serve. Exit code 1 with one sentence when the port is taken."""
    options = _options()
    try:
        sock = listen(options.port)
    except OSError as problem:
        why = "is taken" if problem.errno == errno.EADDRINUSE else f"cannot be had ({problem.strerror})"
        sys.stderr.write(f"Port {options.port} {why}; set CROSSDOCK_SANDBOX_PORT or --port to a free one.\n")
        return 1
    base_url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    app = build_app(
        options.home, products=options.products, base_url=base_url, orders_per_minute=options.orders_per_minute
    )
    app.state.world.stock_changes_per_minute = options.stock_changes_per_minute
    sys.stdout.write(f"sandbox {base_url}\n")
    sys.stdout.flush()
    serve_for_ever(app, sock)
    return 0


def _options() -> argparse.Namespace:
    home = os.environ.get("CROSSDOCK_HOME") or Path.home() / ".local/share/crossdock"
    port = os.environ.get("CROSSDOCK_SANDBOX_PORT") or DEFAULT_PORT
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=_whole(0, 65535), default=port, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--home", type=Path, default=Path(home), help="folder of sandbox.db")
    parser.add_argument("--products", type=_whole(1, 200_000), default=500, help="size of the demo catalogue")
    parser.add_argument("--orders-per-minute", type=_rate, default=0, help="how often somebody buys")
    parser.add_argument("--stock-changes-per-minute", type=_rate, default=2, help="how often a shop's stock moves")
    return parser.parse_args()


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return read


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= MOST_PER_MINUTE:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {MOST_PER_MINUTE}")
    return value


if __name__ == "__main__":
    sys.exit(main())
