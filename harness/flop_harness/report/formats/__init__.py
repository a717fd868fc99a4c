"""One pure renderer for each format: records, tables and charts in, bytes or text out."""
