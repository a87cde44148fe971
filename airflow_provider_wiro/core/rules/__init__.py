"""Every decision about money, as a table: a row says when it holds, what is done, and what happens to the money."""
