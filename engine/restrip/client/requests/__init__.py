"""What a client asks of the engine, by what it is about."""
