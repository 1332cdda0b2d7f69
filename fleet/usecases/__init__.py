"""The only door to a rule.

Each use case loads, decides with the domain, and stores state, audit entry and outgoing message in one
transaction. The API, the controller and the command line call these.
"""
