#!/usr/bin/env python3
"""Crossdock: one command for everything.

python3 run.py            install, start the database, the sandbox, the worker, the gateway and the console
python3 run.py test       install what the tests need and run every test (further words go to pytest)
python3 run.py check      format, lint, types, floors, unit tests
python3 run.py bench      measured comparisons; names may follow
python3 run.py soak       long seeded runs
python3 run.py sign-in    print another sign-in link, good once and for 15 minutes
python3 run.py migrate    bring the database to this version's schema
python3 run.py stop       stop a running Crossdock, and its database
python3 run.py console    (or worker, gateway, sandbox) run one process alone in the foreground; the sandbox takes
                          further words, such as --products 1000
python3 run.py help       print this
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036  an older Python gets to see this
    sys.exit("Crossdock needs Python 3.11 or newer and this is " + sys.version.split()[0] + ": run it with python3.11.")

from ops import install

FOR_DEVELOPERS = ("test", "check", "bench", "soak")
ALONE = ("console", "worker", "gateway", "sandbox")
TAKE_WORDS = (*FOR_DEVELOPERS, "sandbox")
VERBS = ("start", *FOR_DEVELOPERS, "sign-in", "migrate", "stop", *ALONE, "help")


def main() -> int:
    verb = sys.argv[1] if len(sys.argv) > 1 else "start"
    words = sys.argv[2:]
    if verb in ("-h", "--help"):
        verb = "help"
    if verb not in VERBS:
        print(f"There is no {verb!r}; there are {', '.join(VERBS)}. Try: python3 run.py help", file=sys.stderr)
        return 2
    if words and verb not in TAKE_WORDS:
        print(f"python3 run.py {verb} takes no further words, and {' '.join(words)!r} was given.", file=sys.stderr)
        return 2
    if verb == "help":
        print(__doc__)
        return 0
    try:
        python = install.ensure(developer=verb in FOR_DEVELOPERS)
    except install.InstallProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    if not install.inside():
        os.execv(python, [str(python), __file__, *sys.argv[1:]])
    return act(verb, words)


def act(verb: str, words: list[str]) -> int:
    """Carry out a verb, in the virtual environment by now."""
    from ops import checks, system
    from ops.problems import StartProblem

    whole = {"start": system.start, "stop": system.stop, "migrate": system.migrate, "sign-in": system.sign_in}
    developers = {"check": checks.check, "test": checks.test, "bench": checks.bench, "soak": checks.soak}
    try:
        if verb in developers:
            return developers[verb](words)
        os.umask(0o077)  # data, logs and keys are nobody else's business
        if verb in ALONE:
            system.run_alone(verb, words)
        return whole[verb]()
    except StartProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
