"""A helpdesk in FastAPI: one emitter for the life of the application, awaited in its routes.

SUPPORTPULSE_BOOTSTRAP=127.0.0.1:9092 uvicorn fastapi_desk:app
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from supportpulse import AsyncEmitter
from supportpulse.errors import DeliveryError, Rejected


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Connect before the first request; after the last, wait until all is delivered."""
    async with AsyncEmitter("fastapi-desk") as desk:
        app.state.desk = desk
        yield


def emitter(request: Request) -> AsyncEmitter:
    """The application's."""
    desk: AsyncEmitter = request.app.state.desk
    return desk


app = FastAPI(lifespan=lifespan)
Desk = Annotated[AsyncEmitter, Depends(emitter)]


class Opened(BaseModel):
    """What a customer's form says."""

    priority: str
    scenario: str


class Reply(BaseModel):
    """What an agent writes."""

    text: str
    solves: bool = False


@app.post("/tickets/{number}", status_code=201)
async def open_ticket(number: str, opened: Opened, desk: Desk) -> None:
    """A ticket has one creation: asking again is the same event, or a conflict that is kept as a dead letter."""
    await desk.ticket(number).created(
        id=f"created/{number}", by="customer", priority=opened.priority, scenario=opened.scenario
    )


@app.post("/tickets/{number}/replies", status_code=201)
async def reply(number: str, reply: Reply, desk: Desk) -> None:
    """A reply, and the status it brings."""
    ticket = desk.ticket(number)
    await ticket.replied(text=reply.text)
    if reply.solves:
        await ticket.status("solved", by="agent")


@app.exception_handler(Rejected)
async def refused(_: Request, error: Rejected) -> JSONResponse:
    """What is no event: the caller's mistake."""
    return JSONResponse({"error": str(error)}, 422)


@app.exception_handler(DeliveryError)
async def later(_: Request, error: DeliveryError) -> JSONResponse:
    """Kafka has been away for longer than the buffer holds."""
    return JSONResponse({"error": str(error)}, 503, {"Retry-After": "30"})
