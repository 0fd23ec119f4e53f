"""The outside world for trials and tests: TikTok Shop, ShopWired and a storefront on one loopback port.

Written from the vendors' documents and sharing no code with the product, so that a wrong client fails here.
"""
