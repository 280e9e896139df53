"""Finding where the original lies in a received picture: the template, its search, and registration (notebook 08)."""
