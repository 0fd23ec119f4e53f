"""ShopWired: REST API, webhooks and the demo catalogue."""
