"""The vocabulary that both ends of the wire share. Nothing here does I/O or knows another room."""

from . import (
    agents,
    applications,
    embedded,
    errors,
    events,
    files,
    frames,
    jobs,
    malformed,
    once,
    plans,
    sizes,
    tasks,
    templates,
)
from .agents import *
from .applications import *
from .embedded import *
from .errors import *
from .events import *
from .files import *
from .frames import *
from .jobs import *
from .malformed import *
from .once import *
from .plans import *
from .sizes import *
from .tasks import *
from .templates import *

__all__: list[str] = []
__all__ += agents.__all__
__all__ += applications.__all__
__all__ += embedded.__all__
__all__ += errors.__all__
__all__ += events.__all__
__all__ += files.__all__
__all__ += frames.__all__
__all__ += jobs.__all__
__all__ += malformed.__all__
__all__ += once.__all__
__all__ += plans.__all__
__all__ += sizes.__all__
__all__ += tasks.__all__
__all__ += templates.__all__
