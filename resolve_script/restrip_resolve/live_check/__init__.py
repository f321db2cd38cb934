"""What isn't documented about Resolve, asked of a running one."""
