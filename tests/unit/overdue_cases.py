"""When an order without an address is for a person: hours since it was placed, hours until it must be shipped."""

OVERDUE: tuple[tuple[float, float | None, bool], ...] = (
    (0.5, 48, False),
    (0.5, None, False),
    (23.9, 4.1, False),
    (24.1, 48, True),
    (24.1, None, True),
    (3, 3.9, True),
    (3, -1, True),
    (200, -100, True),
)
