"""Tables, seed, counts and limits of ShopWired."""

from __future__ import annotations

from typing import Any

from sandbox import demo
from sandbox.control import allow_keys, number
from sandbox.shopwired import seeding
from sandbox.shopwired.sequences import SCHEMA as SEQUENCES_SCHEMA
from sandbox.world import World

# Documents are kept as the JSON text the API answers with: `lean` is a product without embeds, the other columns are
# its embeds. Reading a page is then joining texts, with nothing to parse.
SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS sw_businesses (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, slug TEXT NOT NULL UNIQUE, currency TEXT NOT NULL,
    country TEXT NOT NULL, webhook_secret TEXT);
CREATE TABLE IF NOT EXISTS sw_keys (
    key TEXT PRIMARY KEY, secret TEXT NOT NULL, business INTEGER NOT NULL, permissions TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sw_products (
    id INTEGER PRIMARY KEY, business INTEGER NOT NULL, title TEXT NOT NULL, slug TEXT NOT NULL,
    active INTEGER NOT NULL, created REAL NOT NULL, brand INTEGER, lean TEXT NOT NULL, variations TEXT NOT NULL,
    images TEXT NOT NULL, options TEXT NOT NULL, categories TEXT NOT NULL, custom_fields TEXT NOT NULL,
    filters TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS sw_products_business ON sw_products (business);
CREATE INDEX IF NOT EXISTS sw_products_active ON sw_products (business, active);
CREATE INDEX IF NOT EXISTS sw_products_title ON sw_products (business, title COLLATE NOCASE);
CREATE INDEX IF NOT EXISTS sw_products_slug ON sw_products (business, slug);
CREATE TABLE IF NOT EXISTS sw_skus (
    business INTEGER NOT NULL, sku TEXT NOT NULL, product INTEGER NOT NULL, variation INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS sw_skus_sku ON sw_skus (business, sku);
CREATE INDEX IF NOT EXISTS sw_skus_product ON sw_skus (product);
CREATE TABLE IF NOT EXISTS sw_old_slugs (
    business INTEGER NOT NULL, slug TEXT NOT NULL, product INTEGER NOT NULL, PRIMARY KEY (business, slug));
CREATE TABLE IF NOT EXISTS sw_shelves (
    id INTEGER NOT NULL, business INTEGER NOT NULL, kind TEXT NOT NULL, title TEXT NOT NULL, active INTEGER NOT NULL,
    lean TEXT NOT NULL, parents TEXT NOT NULL, custom_fields TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS sw_custom_fields (
    id INTEGER PRIMARY KEY, business INTEGER NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sw_events (
    id INTEGER PRIMARY KEY, business INTEGER NOT NULL, created REAL NOT NULL, topic TEXT NOT NULL,
    subject_type TEXT NOT NULL, subject_id INTEGER NOT NULL, data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS sw_events_business ON sw_events (business, id);
CREATE TABLE IF NOT EXISTS sw_webhooks (
    id INTEGER PRIMARY KEY, business INTEGER NOT NULL, topic TEXT NOT NULL, url TEXT NOT NULL,
    enabled INTEGER NOT NULL, verified INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sw_failures (subject TEXT PRIMARY KEY, tries INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sw_statuses (
    id INTEGER PRIMARY KEY, business INTEGER NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,
    sort_order INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sw_rates (
    id INTEGER PRIMARY KEY, business INTEGER NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sw_orders (
    id INTEGER PRIMARY KEY, business INTEGER NOT NULL, reference INTEGER NOT NULL, created REAL NOT NULL,
    status INTEGER NOT NULL, archived INTEGER NOT NULL, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sw_emails (
    id INTEGER PRIMARY KEY, business INTEGER NOT NULL, order_id INTEGER NOT NULL, about TEXT NOT NULL,
    recipient TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS sw_orders_created ON sw_orders (business, created);
"""
    + SEQUENCES_SCHEMA
)


def seed(world: World) -> None:
    """Fill the demo businesses; the catalogue only when it does not have the wanted size yet."""
    seeding.seed_shops(world)
    if world.setting("shopwired.catalogue", None) != world.products:
        seeding.seed_catalogue(world, world.products)
        world.set_setting("shopwired.catalogue", world.products)


def report(world: World) -> dict[str, Any]:
    """Counts for `GET /_sandbox/state`, per business by its name."""
    counts = {}
    for business in demo.SHOPWIRED_BUSINESSES:
        tables = {"products": "sw_products", "orders": "sw_orders", "events": "sw_events", "webhooks": "sw_webhooks"}
        counts[business.name] = {
            name: world.db.value(f"SELECT COUNT(*) FROM {table} WHERE business = ?", (business.id,))
            for name, table in tables.items()
        }
    return {"businesses": counts, "refused": world.counts("shopwired.refused.")}


def set_limits(world: World, section: dict[str, Any]) -> None:
    """Take the `shopwired` part of `POST /_sandbox/limits`: `bucket` calls, draining `leak_per_second`."""
    allow_keys(section, "bucket", "leak_per_second")
    for key in section:
        world.set_setting(f"shopwired.{key}", number(section, key))
