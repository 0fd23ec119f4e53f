"""What can go wrong with a remote system, in the few classes the rest of the program acts on.

The adapters (each store's ``client.py``, ``core/tiktok/errors.py``) translate what they met into one of these;
nobody above them looks at a status code or at a vendor's error number to decide what to do.

    RemoteError
    ├── Temporary        try again later, nothing is known to have happened
    │   └── RateLimited  try again at ``until``
    ├── Expired          the credentials no longer work; refresh or reconnect
    ├── Refused          the remote system understood and said no; repeating will not help
    ├── Missing          the thing asked for does not exist there
    ├── NotConfigured    something must be set up by a person first (scope, permission, warehouse)
    ├── Conflict         another state than expected; read again, then decide
    └── Unknown          a write was sent and its outcome was never learnt
"""

from __future__ import annotations

from datetime import datetime


class RemoteError(Exception):
    """A call to a remote system that did not succeed.

    ``sentence`` is fit for an analyst. ``code`` is the vendor's own code as text, or the HTTP status.
    ``request_id`` is what the vendor's support asks for.
    """

    def __init__(self, sentence: str, *, code: str = "", request_id: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
        self.request_id = request_id


class Temporary(RemoteError):
    """The remote system is in trouble or unreachable, and the call had no effect."""


class RateLimited(Temporary):
    """The remote system asks for fewer calls; ``until`` (UTC) is when to try again."""

    def __init__(self, sentence: str, *, until: datetime, code: str = "", request_id: str = "") -> None:
        super().__init__(sentence, code=code, request_id=request_id)
        self.until = until


class Expired(RemoteError):
    """The token or key is no longer accepted."""


class Refused(RemoteError):
    """The remote system refused the request for a reason that repeating will not change."""


class Missing(RemoteError):
    """The record does not exist in the remote system."""


class NotConfigured(RemoteError):
    """A person has to set something up (a scope, a permission, a warehouse) before this can work."""


class Conflict(RemoteError):
    """The record is in another state than the call needs."""


class Unknown(RemoteError):
    """A write left this machine and no answer came back: it may or may not have happened."""
