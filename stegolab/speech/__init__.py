"""Model 1: speech enhancement. Noisy, reverberant or talked-over speech in, clean speech out (notebooks 01 to 03)."""
