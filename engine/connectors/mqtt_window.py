"""The messages an MQTT sink has sent and the broker has not acknowledged yet."""

from collections.abc import Iterable

from engine.connectors.buffer import Pending
from engine.connectors.mqtt_wire import MAX_MESSAGE_ID

# Brokers hang up on clients with more than 20 unfinished messages of QoS 2 (the
# default of Mosquitto), but not of QoS 1. At QoS 0 nothing is acknowledged.
SIZES = {0: 2_000, 1: 2_000, 2: 20}
MAX_EVENTS = 20_000  # in arrays, which are sent again as a whole


class MqttWindow:
    """Gives each message its number and remembers it until it is finished."""

    def __init__(self, qos: int) -> None:
        self._qos = qos
        self._size = SIZES[qos]
        self._messages: dict[int, Pending] = {}
        self._events = 0
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def room(self) -> int:
        """Return how many more messages may be sent now."""
        if self._events >= MAX_EVENTS:
            return 0
        return self._size - len(self._messages)

    def add(self, pending: Pending) -> int:
        """Remember a message and return its number; 0 at QoS 0, which has none."""
        if self._qos == 0:
            return 0
        number = self._last_id % MAX_MESSAGE_ID + 1
        while number in self._messages:  # one that is slower than 65 535 others
            number = number % MAX_MESSAGE_ID + 1
        self._last_id = number
        self._messages[number] = pending
        self._events += pending.events
        return number

    def finish(self, message_id: int) -> bool:
        """Forget an acknowledged message; False for a number not in flight."""
        pending = self._messages.pop(message_id, None)
        if pending is None:
            return False
        self._events -= pending.events
        return True

    def items(self) -> Iterable[tuple[int, Pending]]:
        """Return number and message in the order of sending."""
        return tuple(self._messages.items())

    def unfinished(self) -> Iterable[Pending]:
        """Return the messages without acknowledgement, in the order of sending."""
        return tuple(self._messages.values())
