"""The life of a generation, one stage a file: check, recall, pay, wait, settle, tell; and how a try ends early."""
