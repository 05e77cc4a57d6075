"""Every play by its name, and how a person comes to play it."""

from __future__ import annotations

from scripts.load.client.steps import Pause, Play
from scripts.load.players import clients as players
from scripts.load.players import desk as players_desk
from scripts.load.players import moves as players_moves
from scripts.load.players import waitlist as players_waitlist
from scripts.load.players.clients import Person

PLAYS = {
    play.__name__: play
    for play in (
        *(players.checkout, players.at_the_desk, players.abandons, players.changes_mind),
        *(players.takes_longer, players.calls_off),
        *(players_moves.moves, players_moves.holds_and_waits, players_moves.cancels, players_moves.forgets_the_version),
        *(players_desk.reserves, players_desk.confirms, players_desk.gives_up, players_desk.reserves_again),
        *(players_desk.races,),
        *(players_waitlist.blocks, players_waitlist.joins, players_waitlist.frees, players_waitlist.waits),
        *(players_waitlist.lets_run_out,),
    )
}


def perform(person: Person) -> Play:
    """The play of this person, from its first request (or the pause before it) on."""
    if person.begins_after:
        yield Pause(person.begins_after)
    yield from PLAYS[person.how](person)
