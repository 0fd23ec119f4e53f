"""The operations console: pages, their components, and the doors to them."""
