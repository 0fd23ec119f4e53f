"""TikTok Shop: authorize page, token host, signed API, review and webhooks."""
