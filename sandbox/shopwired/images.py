"""`/products/{id}/images`: a picture's file cannot be changed once it is there."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from sandbox.catalogue import BASE_MARK
from sandbox.pictures import Gallery
from sandbox.shopwired.answers import ApiError, answer, no_content
from sandbox.shopwired.asks import Ask
from sandbox.shopwired.documents import Product, load
from sandbox.shopwired.sequences import next_id
from sandbox.shopwired.variations import changing, pick
from sandbox.shopwired.writing import plain_values, required_text

IMAGE_FIELDS: dict[str, tuple[str, Any]] = {"description": ("text", None), "sortOrder": ("whole", 0)}


def list_images(ask: Ask) -> Response:
    """Pictures of a product in their order."""
    return answer(ask.world, load(ask.world, ask.business, ask.ident("id")).images)


def get_image(ask: Ask) -> Response:
    """One picture."""
    product = load(ask.world, ask.business, ask.ident("id"))
    return answer(ask.world, pick(product.images, ask.ident("iid"), "image"))


def create_image(gallery: Gallery) -> Callable[[Ask], Response]:
    """A handler taking `image`: an address, which is kept as it is, or base64 data, which the gallery keeps."""

    def handler(ask: Ask) -> Response:
        source = required_text(ask.given, "image")
        values = plain_values(ask.given, IMAGE_FIELDS)
        url = source if source.startswith(("http://", "https://")) else BASE_MARK + gallery.keep(_decoded(source))
        with changing(ask) as product:
            order = values.get("sortOrder")
            made = {
                "id": next_id(ask.world, "image"),
                "url": url,
                "description": values.get("description"),
                "sortOrder": len(product.images) if order is None else order,
            }
            product.images.append(made)
            _sort(product)
        return answer(ask.world, made, 201)

    return handler


def _decoded(source: str) -> bytes:
    encoded = source.partition("base64,")[2] if source.startswith("data:") else source
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ApiError(422, "The field 'image' must be an address or base64 data") from error


def update_image(ask: Ask) -> Response:
    """Only `description` and `sortOrder` can change."""
    values = plain_values(ask.given, IMAGE_FIELDS)
    with changing(ask) as product:
        item = pick(product.images, ask.ident("iid"), "image")
        item |= {name: value for name, value in values.items() if name != "sortOrder" or value is not None}
        _sort(product)
    return answer(ask.world, item)


def delete_image(ask: Ask) -> Response:
    """204."""
    with changing(ask) as product:
        product.images.remove(pick(product.images, ask.ident("iid"), "image"))
    return no_content()


def _sort(product: Product) -> None:
    product.images.sort(key=lambda image: (image["sortOrder"], image["id"]))
