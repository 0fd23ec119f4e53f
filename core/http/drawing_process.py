"""Draws one SVG: a process of its own, started by ``drawings`` and by nobody else.

SVG on standard input, PNG on standard output; the side of the square it fits into is the argument. Before it draws it
gives away what a drawing might use: from then on it opens no file and no connection, and memory and time are bounded.
"""

from __future__ import annotations

import resource
import sys

import resvg_py

MOST_MEMORY = 1_000_000_000
MOST_SECONDS = 5


def main() -> None:
    svg, side = sys.stdin.buffer.read().decode(), int(sys.argv[1])
    bounds = {
        resource.RLIMIT_AS: MOST_MEMORY,
        resource.RLIMIT_CPU: MOST_SECONDS,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 0,
    }
    for what, most in bounds.items():
        resource.setrlimit(what, (most, most))
    picture = resvg_py.svg_to_bytes(svg_string=svg, width=side, height=side, skip_system_fonts=True)
    sys.stdout.buffer.write(picture)


if __name__ == "__main__":
    main()
