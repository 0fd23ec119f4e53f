"""What may be written into plain fields, and how it is checked."""

from __future__ import annotations

from typing import Any, TypeGuard

from sandbox.shopwired.answers import ApiError

# Field of a product, its kind and its value on a new product (ShopWired help, API products).
PRODUCT_FIELDS: dict[str, tuple[str, Any]] = {
    "title": ("text", ""),
    "description": ("text", None),
    "description2": ("text", None),
    "description3": ("text", None),
    "description4": ("text", None),
    "description5": ("text", None),
    "active": ("flag", True),
    "new": ("flag", False),
    "sku": ("text", None),
    "stock": ("whole", 0),
    "price": ("number", 0),
    "salePrice": ("number", None),
    "comparePrice": ("number", None),
    "costPrice": ("number", None),
    "gtin": ("text", None),
    "mpn": ("text", None),
    "hsCode": ("text", None),
    "weight": ("number", None),
    "deliveryPrice": ("number", None),
    "freeDelivery": ("flag", False),
    "shippingAddressNotRequired": ("flag", False),
    "vatExclusive": ("flag", False),
    "excludedFromTradeDiscounts": ("flag", False),
    "rewardPoints": ("number", None),
    "metaTitle": ("text", None),
    "metaDescription": ("text", None),
    "metaKeywords": ("text", None),
    "searchKeywords": ("text", None),
    "slug": ("text", ""),
    "videoCode": ("text", None),
    "warehouseNotes": ("text", None),
    "sortOrder": ("whole", None),
    "bundle": ("flag", False),
    "subscription": ("flag", False),
    "twoForOne": ("flag", False),
    "threeForTwo": ("flag", False),
    "googleIsBundle": ("flag", False),
    "googleNoIdentifierExists": ("flag", False),
}
VARIATION_FIELDS: dict[str, tuple[str, Any]] = {
    "sku": ("text", None),
    "price": ("number", None),
    "salePrice": ("number", None),
    "costPrice": ("number", None),
    "stock": ("whole", 0),
    "weight": ("number", None),
    "gtin": ("text", None),
    "mpn": ("text", None),
    "image": ("whole", None),
    "rewardPoints": ("number", None),
}
SHELF_FIELDS: dict[str, tuple[str, Any]] = {
    "title": ("text", ""),
    "slug": ("text", ""),
    "description": ("text", None),
    "description2": ("text", None),
    "active": ("flag", True),
    "featured": ("flag", False),
    "sortOrder": ("whole", 0),
    "metaTitle": ("text", None),
    "metaDescription": ("text", None),
    "metaKeywords": ("text", None),
}
_NEVER_NULL = frozenset({"title", "active", "stock", "price", "slug"})


def plain_values(
    given: dict[str, Any], fields: dict[str, tuple[str, Any]], *, nullable: bool = False
) -> dict[str, Any]:
    """The known plain fields of a body. Raises ApiError 422 for a value of the wrong type.

    Unknown keys are passed over. `nullable` lets every field be null, as on a variation.
    """
    taken: dict[str, Any] = {}
    for name, (kind, _) in fields.items():
        if name not in given:
            continue
        value = given[name]
        if value is None and (nullable or name not in _NEVER_NULL):
            taken[name] = None
        elif _is_of(kind, value):
            taken[name] = value
        else:
            raise ApiError(422, f"The field '{name}' cannot be {value!r}")
    return taken


def _is_of(kind: str, value: Any) -> bool:
    if kind == "flag":
        return isinstance(value, bool)
    if kind == "text":
        return isinstance(value, str)
    if isinstance(value, bool):
        return False
    return isinstance(value, int) if kind == "whole" else isinstance(value, int | float)


def required_text(given: dict[str, Any], name: str) -> str:
    """A text that must be there. Raises ApiError 422 when it is missing or blank."""
    value = given.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ApiError(422, f"The field '{name}' is required")
    return value


def id_list(given: dict[str, Any], name: str) -> list[int]:
    """A list of ids. Raises ApiError 422 otherwise."""
    value = given.get(name)
    if not isinstance(value, list) or not all(is_id(item) for item in value):
        raise ApiError(422, f"The field '{name}' must be a list of ids")
    return value


def is_id(value: Any) -> TypeGuard[int]:
    """Whether a JSON value could be an id: a whole number from 0 to 2^63 - 1."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def value_map(given: dict[str, Any], name: str) -> dict[str, Any]:
    """A map such as customFields or filters. Raises ApiError 422 otherwise."""
    value = given.get(name)
    if not isinstance(value, dict):
        raise ApiError(422, f"The field '{name}' must be a map")
    return value
