"""What each request does: a handler gets the desk and the request and returns the reply's body, or None when the reply
comes later. Specified in docs/protocol.md.
"""

from restrip.service.requests.dispatcher import Dispatcher, GuestDoor
from restrip.service.requests.general import FEATURES

__all__ = ["FEATURES", "Dispatcher", "GuestDoor"]
