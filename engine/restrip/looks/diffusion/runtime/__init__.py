"""A model at work: loading, precision, memory, batches."""
