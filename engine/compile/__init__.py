"""The typed tree as SQL: the same policy over millions of records, staged as one column per name."""
