"""Numbers with what they count, as a person writes them."""


def counted(number: int, one: str, many: str = "") -> str:
    """ "1 product", "1,200 products"; ``many`` where an s does not make it: "2 orders wait", "3 categories"."""
    return f"{number:,} {noun(number, one, many)}"


def noun(number: int, one: str, many: str = "") -> str:
    """The words of ``counted`` without the number, which stands elsewhere."""
    return one if number == 1 else many or one + "s"
