"""What is done by the clock and not by anybody's hand: which jobs there are, and that each runs once."""
