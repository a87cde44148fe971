"""The stages of a generation, in the order in which they happen."""
