"""The seam to the machine itself: the same agent on every system."""
