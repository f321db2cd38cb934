"""Files with models: finding them, telling what they hold, and building networks of them."""
