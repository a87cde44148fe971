"""Every decision about money, as a table: one module a decision, one row a case, each row with a name."""
