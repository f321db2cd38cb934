"""What a front-end needs to reach the engine. Standard library and pyzmq only."""
