"""The memory: tables, queries, transactions, outbox and audit chain, on PostgreSQL and SQLite alike."""
