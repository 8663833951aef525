"""Records asked for at the same moment are asked for together.

Under load a trip to Redis costs more processor time than all else in opening a session, and one trip can carry the
questions of many requests. Each still has its own command and its own answer. While a trip is under way, the questions
of the next one gather.

Promises:
- Fails closed: a request that has no answer in time, waiting for its trip included, gets StoreUnavailable.
- A request that is cancelled takes nobody else's answer with it.
"""

import asyncio
from typing import NamedTuple

from redis.asyncio import Redis

from hsp.foundation.redis import StoreUnavailable, together, within

Record = bytes | None


class _Question(NamedTuple):
    key: str
    renew: int
    asked: float
    answer: asyncio.Future[Record]


class JoinedReads:
    """Reads over one client. `timeout` bounds a read in seconds, waiting for its trip and a connection included."""

    def __init__(self, client: Redis, timeout: float) -> None:
        self._client = client
        self._timeout = timeout
        self._waiting: list[_Question] = []
        self._trip: asyncio.Task[None] | None = None

    async def read(self, key: str, *, renew: int) -> Record:
        """The value of `key` (GET), with `renew` > 0 its life starts anew (GETEX). Raises StoreUnavailable."""
        loop = asyncio.get_running_loop()
        if not self._waiting and self._trip is None:
            # Not at once: whatever else this turn of the loop has to ask goes along.
            loop.call_soon(self._leave)
        question = _Question(key, renew, loop.time(), loop.create_future())
        self._waiting.append(question)
        return await question.answer

    def _leave(self) -> None:
        questions, self._waiting = self._waiting, []
        self._trip = asyncio.get_running_loop().create_task(self._travel(questions))
        self._trip.add_done_callback(self._arrived)

    def _arrived(self, _: asyncio.Task[None]) -> None:
        self._trip = None
        if self._waiting:
            self._leave()

    async def _travel(self, questions: list[_Question]) -> None:
        try:
            waited = asyncio.get_running_loop().time() - questions[0].asked
            answers = await within(max(self._timeout - waited, 0), self._ask(questions))
        except BaseException as error:  # whatever happens, nobody may wait for ever: fails closed
            failure = error if isinstance(error, StoreUnavailable) else StoreUnavailable(type(error).__name__)
            answers = [failure] * len(questions)
            if not isinstance(error, Exception):
                raise
        finally:
            for question, answer in zip(questions, answers, strict=True):
                _tell(question.answer, answer)

    async def _ask(self, questions: list[_Question]) -> list[Record | Exception]:
        commands = [("GETEX", key, "EX", renew) if renew else ("GET", key) for key, renew, *_ in questions]
        return await together(self._client, commands)


def _tell(future: asyncio.Future[Record], answer: Record | Exception) -> None:
    if future.done():  # its request was cancelled
        return
    if isinstance(answer, Exception):
        future.set_exception(StoreUnavailable(type(answer).__name__))
    else:
        future.set_result(answer)
