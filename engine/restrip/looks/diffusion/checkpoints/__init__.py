"""Files with weights: finding them, telling what they hold, and reading them."""
