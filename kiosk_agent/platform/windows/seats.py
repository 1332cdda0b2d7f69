"""The two accounts of the public, and which of them sits at the machine.

A profile can't be deleted while its account is logged on, and Windows logs the next one on by itself as soon as
one is off. So two accounts take turns: one is in, with a new profile, while the other's is wiped.
"""

import secrets
import string

from kiosk_agent.platform.windows import policies
from kiosk_agent.platform.windows.calls import Seat, Windows

PUBLIC = ("ppm-public-1", "ppm-public-2")
_KINDS = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-_.!")


def seat(windows: Windows) -> Seat | None:
    """The account of the public that has the screen."""
    ours = (one for one in windows.seats() if one.account in PUBLIC and one.on_screen)
    return next(ours, None)


def whose_turn(windows: Windows) -> str:
    """The account that is in, or that Windows is about to log on."""
    here = seat(windows)
    named = here.account if here else windows.next_account()
    return named if named in PUBLIC else PUBLIC[0]


def other(account: str) -> str:
    return PUBLIC[1] if account == PUBLIC[0] else PUBLIC[0]


def invite(windows: Windows, account: str) -> None:
    """Make this account new, with a password that nobody knows, and the next one that is logged on."""
    sid = windows.sid(account)
    if windows.profile(sid) is not None:
        windows.delete_profile(sid)
    password = new_password()
    windows.set_password(account, password)
    windows.make_profile(account, password, policies.account())
    windows.log_on_next(account, password)


def new_password() -> str:
    """One that every rule for passwords takes."""
    first = [secrets.choice(kind) for kind in _KINDS]
    return "".join([*first, *(secrets.choice("".join(_KINDS)) for _ in range(28))])
