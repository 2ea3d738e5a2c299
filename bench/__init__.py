"""Measurements: ratios against a baseline in the same run, never limits on a clock (`make bench`)."""
