"""The shop window: a page for every product, and the little films products point to."""

from __future__ import annotations

import html
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.catalogue import BASE_MARK
from sandbox.world import World

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#333;background:#fafaf7}"
    "main{max-width:960px;margin:2em auto;display:grid;grid-template-columns:1fr 1fr;gap:2em}"
    "header{padding:1em 2em;background:#fff;border-bottom:1px solid #ddd}"
    "img{max-width:100%;border-radius:6px}del{color:#888}.thumbs img{width:30%}td,th{padding:.2em .6em;text-align:left}"
)
# The smallest MP4 file that names its type: enough to be fetched and recognised, nothing to look at.
FILM = (
    b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41"
    b"\x00\x00\x00\x08free" + b"\x00\x00\x10\x00mdat" + b"\x00" * (4096 - 8)
)


def routes(world: World) -> list[BaseRoute]:
    """Product pages at `/shop/{shop}/{slug}`; old slugs lead to the new one. Hidden products are 404."""

    def page(request: Request) -> Response:
        return _page(world, request.path_params["shop"], request.path_params["slug"])

    def film(request: Request) -> Response:
        return Response(FILM, media_type="video/mp4")

    return [
        Route("/shop/{shop}/{slug}", page, methods=["GET"]),
        Route("/media/{name}.mp4", film, methods=["GET"]),
    ]


def _page(world: World, shop: str, slug: str) -> Response:
    business = world.db.one("SELECT id, name FROM sw_businesses WHERE slug = ?", (shop,))
    if business is None:
        return _missing()
    row = world.db.one("SELECT * FROM sw_products WHERE business = ? AND slug = ?", (business["id"], slug))
    if row is not None and row["active"]:
        return HTMLResponse(_html(business["name"], row).replace(BASE_MARK, world.base_url))
    moved = world.db.value(
        "SELECT p.slug FROM sw_old_slugs o JOIN sw_products p ON p.id = o.product"
        " WHERE o.business = ? AND o.slug = ? AND p.active = 1",
        (business["id"], slug),
    )
    return _missing() if row is not None or moved is None else RedirectResponse(f"/shop/{shop}/{moved}", 301)


def _missing() -> Response:
    return HTMLResponse("<!doctype html><title>Not found</title><h1>We cannot find that page</h1>", 404)


def _html(shop: str, row: dict[str, Any]) -> str:
    product = json.loads(row["lean"])
    title = html.escape(product["title"])
    pictures = [
        f'<img src="{html.escape(image["url"])}" alt="{html.escape(image["description"] or "")}">'
        for image in json.loads(row["images"])
    ]
    first = pictures[0] if pictures else "<p>No picture yet</p>"
    # The description is the shop's own HTML and is shown as it is, scripts and all, as a real shop window would.
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} | {html.escape(shop)}</title>'
        f'<link rel="canonical" href="{html.escape(product["url"])}"><style>{_STYLE}</style></head><body>'
        f'<header><strong>{html.escape(shop)}</strong></header><main><div>{first}<div class="thumbs">'
        f"{''.join(pictures[1:])}</div></div><div><h1>{title}</h1><p>{_price(product)}</p>"
        f"{product['description'] or ''}{_choices(row)}</div></main></body></html>"
    )


def _price(product: dict[str, Any]) -> str:
    if product["salePrice"] is None:
        return f"<strong>£{product['price']:.2f}</strong>"
    return f"<strong>£{product['salePrice']:.2f}</strong> <del>£{product['price']:.2f}</del>"


def _choices(row: dict[str, Any]) -> str:
    rows = [
        f"<tr><td>{html.escape(', '.join(value['name'] for value in item['values']))}</td>"
        f"<td>{'In stock' if item['stock'] > 0 else 'Sold out'}</td></tr>"
        for item in json.loads(row["variations"])
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""
