"""What the agent and its window tell each other: a line of JSON each, typed and versioned.

`VERSION` rises when an old window would misunderstand a new agent, or the reverse. Fields are added, unknown
ones ignored. Nothing that a window may say unlocks anything: a code is checked by the controller.
"""

from typing import Annotated

from msgspec import Meta, Struct

from kiosk_agent.ui.face import Said, View

VERSION = 2
LONGEST_CODE = 64


class Line(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """The root of all lines."""


# ---------------------------------------------------------------- what the window asks


class Hello(Line, frozen=True, kw_only=True, tag="hello"):
    """The first line of a window."""

    version: int


class TypeCode(Line, frozen=True, kw_only=True, tag="code"):
    """The visitor typed a code."""

    code: Annotated[str, Meta(min_length=1, max_length=LONGEST_CODE)]


class AskTime(Line, frozen=True, kw_only=True, tag="extend"):
    """The visitor asks the desk for more time."""

    seconds: Annotated[int, Meta(ge=60, le=14_400)] = 900


class End(Line, frozen=True, kw_only=True, tag="end"):
    """The visitor ends the session, and has confirmed it."""


class Touch(Line, frozen=True, kw_only=True, tag="touch"):
    """Somebody touched the machine a moment ago, in whatever program."""


class Pong(Line, frozen=True, kw_only=True, tag="pong"):
    """The answer to a Ping, from the loop that draws: a window that hangs does not give it."""

    n: int


Asked = Hello | TypeCode | AskTime | End | Touch | Pong


# ---------------------------------------------------------------- what the agent says


class Shown(Line, frozen=True, kw_only=True, tag="view"):
    """All that there is to show, whole, at each change."""

    view: View


class Told(Line, frozen=True, kw_only=True, tag="told"):
    """A sentence for whoever sits there."""

    said: Said


class Warned(Line, frozen=True, kw_only=True, tag="warned"):
    """The end comes near: so many seconds are left."""

    left_s: int


class Identify(Line, frozen=True, kw_only=True, tag="identify"):
    """Show large which poste this is."""


class Ping(Line, frozen=True, kw_only=True, tag="ping"):
    """Are you there? Said twice a second; a window that hears none for a while locks."""

    n: int


class Unfit(Line, frozen=True, kw_only=True, tag="unfit"):
    """This window is not wanted here: it is of another version, or another one stands in its place. It ends."""


Word = Shown | Told | Warned | Identify | Ping | Unfit
