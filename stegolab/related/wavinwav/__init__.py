"""Speech inside speech with a time-domain invertible network (notebook 12)."""
