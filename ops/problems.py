"""What stops run.py, in a sentence."""


class StartProblem(Exception):
    """Something outside Crossdock stands in the way; the text names it, its value and the fix."""
