"""Orders of TikTok Shop: what buyers do, what the platform does, and the calls about it."""
