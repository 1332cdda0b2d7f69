"""The broker's own files: configuration, accounts and access lists, rendered from plain values.

Knows Mosquitto and the names of our topics; imports nothing of ours. Tests hold its list of topics against
the `protocol` package, and its files against a real broker.
"""
