"""``python -m bench [NAME…]``: run the comparisons, keep what they found, and fail when a goal is missed."""

from __future__ import annotations

import importlib
import sys

from bench.results import described, keep

# Each module has ``measure() -> list[Row]``.
COMPARISONS: dict[str, str] = {
    "catalogue_pull": "bench.catalogue_pull",
    "order_import": "bench.order_import",
    "orders_page": "bench.orders_page",
    "product_export": "bench.product_export",
    "stock_check": "bench.stock_check",
    "stock_push": "bench.stock_push",
    "webhook_intake": "bench.webhook_intake",
}


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(COMPARISONS))
    if unknown:
        print(f"There is no comparison {unknown[0]!r}: choose from {', '.join(COMPARISONS)}.", file=sys.stderr)
        return 2
    missed = 0
    for name in names or list(COMPARISONS):
        rows = importlib.import_module(COMPARISONS[name]).measure()
        keep(rows)
        for row in rows:
            print(described(row), flush=True)
            missed += not row.holds
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
