"""Run a command that ends when its parent does, even when the parent is killed outright.

    python ops/launch.py PARENT_PID COMMAND WORD...

On Linux the kernel is asked to kill us on the parent's death and the command takes our place. Elsewhere we stay and
watch the parent. Standard library only.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1  # prctl(2); survives exec


def main(words: list[str]) -> int:
    parent, command = int(words[0]), words[1:]
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0:
        if os.getppid() != parent:  # it died before the kernel knew
            return 1
        os.execv(command[0], command)
    return watch(parent, command)


def watch(parent: int, command: list[str]) -> int:
    """Run the command as a child; pass SIGTERM on; kill it once our parent is another process."""
    child = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    while child.poll() is None:
        if os.getppid() != parent:
            child.kill()
        time.sleep(0.2)
    return child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
