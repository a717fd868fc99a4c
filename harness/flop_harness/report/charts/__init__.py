"""Charts: plain data first, then SVG."""
