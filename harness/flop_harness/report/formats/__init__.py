"""One pure renderer for each format: tables and charts in, bytes or text out."""
