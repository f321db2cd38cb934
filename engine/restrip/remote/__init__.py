"""An engine on another computer: what is sent to it, what comes back, and what guests of this one may do."""
