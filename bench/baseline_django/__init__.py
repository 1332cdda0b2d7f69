"""The endpoints of sessions as a Django REST framework project has them, on our own tables.

It does the work of ours: the same token and rights, one transaction with the session locked, its ledger, the rev of
its poste and a line of the audit chain. Opening hours, quotas, bookings and news to others it leaves out.
"""
