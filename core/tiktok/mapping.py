"""TikTok Shop's JSON to our words (``listing_body.py`` is the other direction)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from core.domain.listing import (
    AuthorisedShop,
    CategoryAttribute,
    CategoryRule,
    ItemError,
    RemoteListing,
    RemoteSku,
    ReviewReason,
    SentListing,
    SentSku,
    ShopBrand,
    ShopCategory,
    Token,
    Warehouse,
)
from core.domain.money import Money
from core.http.client import Unreadable
from core.ports import UploadedPicture
from core.tiktok.errors import item_error_of
from core.tiktok.fields import Fields


def token(data: Fields) -> Token:
    """The token host's answer; its ``…_expire_in`` are absolute Unix seconds, whatever they are called."""
    return Token(
        access_token=data.needed("access_token"),
        access_expires_at=data.moment("access_token_expire_in"),
        refresh_token=data.needed("refresh_token"),
        refresh_expires_at=data.moment("refresh_token_expire_in"),
        open_id=data.text("open_id"),
        seller_name=data.text("seller_name"),
        region=data.text("seller_base_region"),
        user_type=data.number("user_type"),
        scopes=data.texts("granted_scopes"),
    )


def authorised_shops(data: Fields) -> tuple[AuthorisedShop, ...]:
    return tuple(
        AuthorisedShop(
            id=shop.needed("id"),
            name=shop.text("name"),
            region=shop.text("region"),
            cipher=shop.text("cipher"),
            code=shop.text("code"),
            seller_type=shop.text("seller_type"),
        )
        for shop in data.items("shops")
    )


def warehouses(data: Fields) -> tuple[Warehouse, ...]:
    return tuple(
        Warehouse(
            id=warehouse.needed("id"),
            name=warehouse.text("name"),
            kind=warehouse.text("type"),
            status=warehouse.text("effect_status"),
            default=warehouse.flag("is_default"),
            region=warehouse.part("address").text("region_code"),
        )
        for warehouse in data.items("warehouses")
    )


def categories(data: Fields) -> tuple[ShopCategory, ...]:
    return tuple(
        ShopCategory(
            id=category.needed("id"),
            parent_id=category.text("parent_id"),
            name=category.text("local_name"),
            leaf=category.flag("is_leaf"),
            permission=next(iter(category.texts("permission_statuses")), "AVAILABLE"),
        )
        for category in data.items("categories")
    )


def category_rule(category_id: str, data: Fields) -> CategoryRule:
    return CategoryRule(
        category_id=category_id,
        dimensions_required=data.part("package_dimension").flag("is_required"),
        size_chart_required=data.part("size_chart").flag("is_required"),
        certifications=tuple(
            (one.needed("id"), one.text("name"), one.flag("is_required"))
            for one in data.items("product_certifications")
        ),
    )


def category_attributes(data: Fields) -> tuple[CategoryAttribute, ...]:
    """``is_requried`` is how the wire spells it; the right spelling is read too, should it be mended one day."""
    return tuple(
        CategoryAttribute(
            id=attribute.needed("id"),
            name=attribute.text("name"),
            kind=attribute.text("type"),
            required=attribute.flag("is_requried") or attribute.flag("is_required"),
            multiple=attribute.flag("is_multiple_selection"),
            free_text=attribute.flag("is_customizable"),
            values=tuple((value.text("id"), value.text("name")) for value in attribute.items("values")),
            conditions=tuple(
                (condition.needed("attribute_id"), condition.needed("attribute_value_id"))
                for condition in attribute.items("requirement_conditions")
                if condition.text("condition_type") == "VALUE_ID_MATCH"
            ),
        )
        for attribute in data.items("attributes")
    )


def brands(data: Fields) -> tuple[tuple[ShopBrand, ...], str]:
    """A page of brands and the token of the next one, "" at the end."""
    page = tuple(
        ShopBrand(
            id=brand.needed("id"),
            name=brand.text("name"),
            authorised=brand.text("authorized_status") == "AUTHORIZED",
            t1=brand.flag("is_t1_brand"),
        )
        for brand in data.items("brands")
    )
    return page, data.text("next_page_token")


def prerequisites(data: Fields) -> tuple[tuple[str, bool, tuple[str, ...]], ...]:
    """(check item, passed, reasons)."""
    return tuple(
        (check.text("check_item"), not check.flag("is_failed"), check.texts("fail_reasons"))
        for check in data.items("check_results")
    )


def uploaded_picture(data: Fields) -> UploadedPicture:
    return UploadedPicture(
        uri=data.needed("uri"), url=data.text("url"), width=data.number("width"), height=data.number("height")
    )


def sent_listing(data: Fields) -> SentListing:
    """``warnings`` is a list for Create and Edit; the listing check has an object there."""
    return SentListing(
        id=data.needed("product_id"),
        skus=tuple(SentSku(sku.needed("id"), sku.text("seller_sku")) for sku in data.items("skus")),
        warnings=tuple(warning.text("message") for warning in data.items("warnings")),
    )


def remote_listing(product: Fields) -> RemoteListing:
    """A product as Get Product or Search Products tells it."""
    return RemoteListing(
        id=product.needed("id"),
        title=product.text("title"),
        status=product.text("status"),
        audit_status=product.part("audit").text("status"),
        created_at=product.moment("create_time"),
        updated_at=product.moment("update_time"),
        skus=tuple(_remote_sku(sku) for sku in product.items("skus")),
        reasons=tuple(
            ReviewReason(reason.text("position"), reason.texts("reasons"), reason.texts("suggestions"))
            for reason in product.items("audit_failed_reasons")
        ),
    )


def listing_page(data: Fields) -> tuple[tuple[RemoteListing, ...], str, int]:
    """A page of a search, the token of the next one ("" at the end) and how many match in all."""
    page = tuple(remote_listing(product) for product in data.items("products"))
    return page, data.text("next_page_token"), data.number("total_count")


def item_errors(data: Fields) -> tuple[ItemError, ...]:
    """What failed inside an answer that says success; absent and empty mean that nothing did."""
    return tuple(item_error_of(error) for error in data.items("errors"))


def _remote_sku(sku: Fields) -> RemoteSku:
    return RemoteSku(
        id=sku.needed("id"),
        seller_sku=sku.text("seller_sku"),
        price=_shown_price(sku.part("price")),
        quantities=tuple((place.text("warehouse_id"), place.number("quantity")) for place in sku.items("inventory")),
    )


def _shown_price(price: Fields) -> Money | None:
    """Get Product has what buyers see in ``sale_price``; a search of a local seller in ``tax_exclusive_price``."""
    amount, currency = price.text("sale_price") or price.text("tax_exclusive_price"), price.text("currency")
    if not amount or not currency:
        return None
    try:
        number = Decimal(amount)
    except InvalidOperation as error:
        raise Unreadable(f"TikTok Shop sent the price {amount!r}, which is not a number.") from error
    if not number.is_finite():
        raise Unreadable(f"TikTok Shop sent the price {amount!r}, which is not a number.")
    return Money(number, currency)
