"""Calls to and from the vendors: what was asked and what was answered, side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from console.components import url, watched, words
from console.components.status import escaped
from core.reads import activity
from core.reads.activity import CallRow


def listed(rows: Sequence[CallRow], key: str) -> None:
    """A few calls, newest first, each with its bodies folded away."""
    for row in rows:
        sign = ":red[failed]" if row.failed else ":green[ok]"
        label = f"{row.at:%H:%M:%S} {row.method} {escaped(row.endpoint)} · {row.status or 'no answer'} {sign}"
        fold = st.expander(label, key=f"{key}_{row.id}", on_change="rerun")
        if fold.open:
            with fold:
                both_sides(row.id)


def both_sides(call_id: int) -> None:
    """The call's facts and its two bodies."""
    call = activity.call_detail(call_id)
    if call is None:
        st.caption("This call is no longer kept.")
        return
    row = call.row
    code = f" · code {row.code}" if row.code else ""
    st.text(
        f"{words.clock(row.at)} · {row.method} {row.path}\n{row.status or 'no answer'}{code} · {row.duration_ms:,} ms"
    )
    if row.request_id:
        st.caption("Request id, for the vendor's support")
        st.code(row.request_id, language=None)
    if row.error:
        st.error(escaped(row.error))
    left, right = st.columns(2)
    left.caption("Request")
    left.code(pretty(call.request) or "Empty, or no longer kept.", language="json", height=300, wrap_lines=True)
    right.caption("Answer")
    right.code(pretty(call.response) or "Empty, or no longer kept.", language="json", height=300, wrap_lines=True)


def pretty(body: str) -> str:
    """JSON with one field a line; anything else as it is. The query of the call may stand in a line before it."""
    query, _, rest = body.partition("\n")
    if query.startswith("?") and rest:
        return f"{query}\n{pretty(rest)}"
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


def dialog(title: str, call_id: int) -> None:
    """One call in a dialog; the address (``open``) holds it."""
    watched.dialog(title, both_sides, width="large", on_dismiss=lambda: url.put({"open": ""}))(call_id)
