"""Four related systems, rebuilt and measured on the same channel (notebooks 09 to 13)."""
