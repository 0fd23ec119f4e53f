"""Routes of ShopWired, and what happens around each of them: key, bucket, permission, body."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.calls import Call, read_call, route, serve
from sandbox.pictures import Gallery
from sandbox.pictures import routes as picture_routes
from sandbox.shopwired import (
    control_routes,
    custom_fields,
    events,
    images,
    orders,
    products,
    shop,
    stock,
    variations,
    webhooks,
)
from sandbox.shopwired.access import Bucket, authenticate, check_permission
from sandbox.shopwired.answers import ApiError, ShopWiredVoice, error_answer
from sandbox.shopwired.asks import Ask, body_of
from sandbox.shopwired.shelves import BRANDS, CATEGORIES
from sandbox.world import World

Handler = Callable[[Ask], Response]
Entry = tuple[str, str, str, Handler]
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")


def routes(world: World) -> list[BaseRoute]:
    """Everything ShopWired serves, with the pictures of its shops."""
    gallery = Gallery(world.home / "pictures")
    voice, bucket = ShopWiredVoice(), Bucket(world)
    webhooks.set_policy(world)
    entries = [*_catalogue(gallery), *_shelves(), *_shop(), *_orders()]
    api: list[Route] = [
        route(world, voice, method, f"/v1{path}", _guarded(world, bucket, area, handler))
        for method, path, area, handler in entries
    ]
    found: list[BaseRoute] = [*api, _otherwise(world, voice, bucket, api)]
    found += picture_routes(gallery)
    found += control_routes.routes(world)
    return found


def _catalogue(gallery: Gallery) -> list[Entry]:
    one, variation, image = "/products/{id}", "/products/{id}/variations/{vid}", "/products/{id}/images/{iid}"
    return [
        ("GET", "/products", "products", products.list_products),
        ("GET", "/products/count", "products", products.count_products),
        ("GET", "/products/search", "products", products.search_products),
        ("POST", "/products/prices", "products", stock.post_prices),
        ("POST", "/products", "products", products.create_product),
        ("GET", one, "products", products.get_product),
        ("PUT", one, "products", products.update_product),
        ("DELETE", one, "products", products.delete_product),
        ("GET", f"{one}/variations", "products", variations.list_variations),
        ("POST", f"{one}/variations", "products", variations.create_variation),
        ("GET", variation, "products", variations.get_variation),
        ("PUT", variation, "products", variations.update_variation),
        ("DELETE", variation, "products", variations.delete_variation),
        ("GET", f"{one}/images", "products", images.list_images),
        ("POST", f"{one}/images", "products", images.create_image(gallery)),
        ("GET", image, "products", images.get_image),
        ("PUT", image, "products", images.update_image),
        ("DELETE", image, "products", images.delete_image),
        ("GET", f"{one}/options", "products", variations.list_options),
        ("POST", f"{one}/options", "products", variations.create_option),
        ("DELETE", f"{one}/options/{{oid}}", "products", variations.delete_option),
        ("GET", f"{one}/options/{{oid}}/values", "products", variations.list_option_values),
        ("POST", f"{one}/options/{{oid}}/values", "products", variations.create_option_value),
        ("GET", "/stock", "stock", stock.get_stock),
        ("POST", "/stock", "stock", stock.post_stock),
        ("PUT", "/stock", "stock", stock.put_stock),
    ]


def _shelves() -> list[Entry]:
    entries: list[Entry] = []
    for area, shelves in (("categories", CATEGORIES), ("brands", BRANDS)):
        entries += [
            ("GET", f"/{area}", area, shelves.list_all),
            ("GET", f"/{area}/count", area, shelves.count),
            ("POST", f"/{area}", area, shelves.create),
            ("GET", f"/{area}/{{id}}", area, shelves.get),
            ("PUT", f"/{area}/{{id}}", area, shelves.update),
            ("DELETE", f"/{area}/{{id}}", area, shelves.delete),
        ]
    area = "custom_fields"
    return [
        *entries,
        ("GET", "/custom-fields", area, custom_fields.list_custom_fields),
        ("POST", "/custom-fields", area, custom_fields.create_custom_field),
        ("GET", "/custom-fields/{id}", area, custom_fields.get_custom_field),
        ("PUT", "/custom-fields/{id}", area, custom_fields.update_custom_field),
        ("DELETE", "/custom-fields/{id}", area, custom_fields.delete_custom_field),
    ]


def _shop() -> list[Entry]:
    return [
        ("GET", "/business", "business", shop.get_business),
        ("GET", "/business/features", "business", shop.list_features),
        ("POST", "/business/features", "business", shop.change_feature),
        ("GET", "/countries", "shipping", shop.list_countries),
        ("GET", "/payment-methods", "business", shop.list_payment_methods),
        ("GET", "/shipping-rates", "shipping", shop.list_rates),
        ("POST", "/shipping-rates", "shipping", shop.create_rate),
        ("DELETE", "/shipping-rates/{id}", "shipping", shop.delete_rate),
        ("GET", "/events", "events", events.list_events),
        ("GET", "/webhooks", "webhooks", webhooks.list_webhooks),
        ("POST", "/webhooks", "webhooks", webhooks.create_webhook),
        ("GET", "/webhooks/{id}", "webhooks", webhooks.get_webhook),
        ("PUT", "/webhooks/{id}", "webhooks", webhooks.update_webhook),
        ("DELETE", "/webhooks/{id}", "webhooks", webhooks.delete_webhook),
        ("POST", "/webhooks/{id}/verify", "webhooks", webhooks.verify_webhook),
    ]


def _orders() -> list[Entry]:
    return [
        ("GET", "/order-statuses", "orders", shop.list_statuses),
        ("POST", "/order-statuses", "orders", shop.create_status),
        ("DELETE", "/order-statuses/{id}", "orders", shop.delete_status),
        *((method, path, "orders", handler) for method, path, handler in orders.ENTRIES),
    ]


def _guarded(world: World, bucket: Bucket, area: str, handler: Handler) -> Callable[[Call], Response]:
    """The handler behind key, bucket, permission and body checks, in that order."""

    def guarded(call: Call) -> Response:
        try:
            key = authenticate(world, call.headers)
            bucket.pour(str(key["key"]))
            check_permission(key, call.method, area)
            return handler(Ask(world, int(str(key["business"])), call, body_of(call)))
        except ApiError as error:
            world.count(f"shopwired.refused.{error.status}")
            return error_answer(error)

    return guarded


def _otherwise(world: World, voice: ShopWiredVoice, bucket: Bucket, api: list[Route]) -> Route:
    """Everything else below /v1: 405 for a known path with the wrong method, else 404, but first of all 401."""

    def handler(ask: Ask) -> Response:
        known = any(found.path_regex.match(ask.call.path) for found in api)
        raise ApiError(405 if known else 404, f"{ask.call.method} {ask.call.path} is not available")

    guarded = _guarded(world, bucket, "business", handler)

    async def endpoint(request: Request) -> Response:
        call = await read_call(request, {})
        return await serve(world, voice, f"{request.method} /v1/*", guarded, call)

    return Route("/v1/{rest:path}", endpoint, methods=list(METHODS))
