"""Hundreds of real agents in one process, the machines under them, and the visitors in front of them."""
