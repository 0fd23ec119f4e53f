"""Stock on both sides."""
