"""How a driver works with the database: every use case in a thread, under its lease."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from controller.tenure import Tenure
from fleet.database.engine import DatabaseDown
from fleet.database.leases import Lease
from fleet.usecases.fleet import Fleet

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseTrouble(Exception):
    """The database did not answer, or gave up on us: try again later."""


async def in_thread(executor: Executor, work: Callable[[], T]) -> T:
    """Run work with the database in a thread. Raises DatabaseTrouble where waiting may help."""
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, work)
    except (DataError, IntegrityError, ProgrammingError):
        raise
    except (DBAPIError, DatabaseDown, PoolTimeout) as error:
        raise DatabaseTrouble(type(error).__name__) from error


@dataclass(frozen=True)
class Desk:
    """The memory of the fleet, as the driver of one site may change it."""

    fleet: Fleet
    executor: Executor
    tenure: Tenure

    async def do(
        self, use_case: Callable[Concatenate[Fleet, Lease, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a use case under the lease. Raises LeaseLost, Refused, DatabaseTrouble."""
        return await in_thread(
            self.executor, partial(use_case, self.fleet, self.tenure.lease, *args, **kwargs)
        )

    async def look(self, query: Callable[Concatenate[Fleet, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query that changes nothing."""
        return await in_thread(self.executor, partial(query, self.fleet, *args, **kwargs))
