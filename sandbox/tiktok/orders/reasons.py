"""Reason keys of cancellations for GB and US (Partner Center, Cancel reasons), and the words buyers and sellers see."""

from __future__ import annotations

SELLER_UNPAID = ("out_of_stock", "wrong_price", "buyer_hasnt_paid_within_time_allowed")
SELLER_PAID = (
    "seller_cancel_reason_out_of_stock", "seller_cancel_reason_wrong_price",
    "seller_cancel_paid_reason_address_not_deliver",
)  # fmt: skip
US_ONLY = ("seller_cancel_unpaid_reason_buyer_requested_cancellation",
           "seller_cancel_paid_reason_buyer_requested_cancellation")  # fmt: skip
BUYER_ENDINGS = (
    "better_price", "no_longer_needed", "change_payment_method", "created_by_mistakes", "wrong_delivery_info",
    "forgot_to_apply_coupons", "discount_not_expected", "high_delivery_costs", "not_shipped_on_time",
)  # fmt: skip
BUYER_UNPAID = tuple(f"ecom_order_unpaid_canceled_reason_{one}" for one in BUYER_ENDINGS)
BUYER_PAID = tuple(f"ecom_order_to_ship_canceled_reason_{one}" for one in BUYER_ENDINGS)
REJECT = {
    "GB": (
        "order_manage_list_action_respond_popup_reject_reason_invalid_cancellation_reason_uk",
        "order_manage_list_action_respond_popup_reject_reason_delivered_uk",
        "order_manage_list_action_respond_popup_reject_reason_buyer_agree_uk",
        "seller_reject_apply_product_has_been_packed",
    ),
    "US": (
        "ecom_reverse_reject_refund_request_package_delivery_multiple_boxes",
        "seller_reject_apply_unable_to_change_address",
        "ecom_reverse_reject_cancel_reason_product_packed",
    ),
}
_PREFIXES = (
    "seller_cancel_unpaid_reason_", "seller_cancel_paid_reason_", "seller_cancel_reason_",
    "ecom_order_unpaid_canceled_reason_", "ecom_order_to_ship_canceled_reason_", "system_cancel_order_reason_",
    "system_cancel_order_", "system_cancel_",
)  # fmt: skip
_WORDS = {
    "out_of_stock": "Out of stock",
    "wrong_price": "Pricing error",
    "address_not_deliver": "Unable to deliver to the buyer's address",
    "buyer_hasnt_paid_within_time_allowed": "The buyer did not pay in time",
    "unpaid_time_out": "The order was not paid in time",
    "shipping_timeout": "The seller did not ship in time",
    "untracked": "The parcel was never scanned by the carrier",
}


def key(stem: str, region: str) -> str:
    """The key as the region spells it."""
    return f"{stem}_uk" if region == "GB" else stem


def seller_reasons(region: str, *, is_paid: bool) -> set[str]:
    """Keys that a seller may name."""
    stems = SELLER_PAID if is_paid else tuple(f"seller_cancel_unpaid_reason_{one}" for one in SELLER_UNPAID)
    return {key(one, region) for one in stems} | (set(US_ONLY) if region == "US" else set())


def is_known(reason: str, region: str) -> bool:
    """Whether the key is in any catalogue of the region."""
    return reason in (seller_reasons(region, is_paid=True) | seller_reasons(region, is_paid=False)) or is_of_buyer(
        reason, region
    )


def is_of_buyer(reason: str, region: str) -> bool:
    """Keys that only buyers may name."""
    return reason in {key(one, region) for one in BUYER_UNPAID + BUYER_PAID}


def words(reason: str) -> str:
    """The text of a key, in the shop's language."""
    stem = reason.removesuffix("_uk")
    for prefix in _PREFIXES:
        stem = stem.removeprefix(prefix)
    return _WORDS.get(stem, stem.replace("_", " ").capitalize())
