"""What it costs and how quick it is, on real parts, beside the old way and beside what the parts alone can do."""
