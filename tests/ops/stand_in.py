"""A tiny program in place of one of ours: `stand_in.py FILE MODE`.

It appends its process id to FILE and then stays; MODE `stubborn` ignores SIGTERM, `dies` ends at once with code 3,
`parent` starts a stubborn grandchild first. On SIGTERM it appends `stopped`.
"""

import os
import signal
import subprocess
import sys
import time


def note(word: str) -> None:
    with open(sys.argv[1], "a") as file:
        file.write(f"{word}\n")


def stop(number: int, frame: object) -> None:
    note(f"stopped {time.monotonic()}")
    sys.exit(0)


mode = sys.argv[2]
signal.signal(signal.SIGTERM, signal.SIG_IGN if mode == "stubborn" else stop)
if mode == "parent":
    subprocess.Popen([sys.executable, __file__, sys.argv[1] + ".grandchild", "stubborn"])
note(str(os.getpid()))
if mode == "dies":
    print("it cannot find its shoes", file=sys.stderr)
    sys.exit(3)
time.sleep(300)
