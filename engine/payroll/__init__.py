"""Periods, statements and ledgers: what is due month by month under the version of each, what was paid, the difference."""
