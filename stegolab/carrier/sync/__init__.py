"""Where the original lies in a received picture: the template, the search for it, and registration (notebook 08)."""
