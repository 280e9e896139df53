"""Four systems that people come from, rebuilt honestly and measured on the same channel (notebooks 09 to 13)."""
