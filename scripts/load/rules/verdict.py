"""The rules of docs/rules.md by name, and the verdict: what breaks each, and the documents that show it.

Nothing is taken from the service: claims are worked out anew from times, and both stores are read directly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType

from scripts.load.client.steps import Exchange
from scripts.load.rules import answers, bookings, moves, reservations, strangers, swaps, waitlist
from scripts.load.rules.evidence import VISIT, Break, Document, Evidence, changed_by, grouped

Rule = Callable[[Evidence], Iterator[Break]]

GROUPS = {
    bookings: "",
    answers: "",
    moves: "move",
    swaps: "swap",
    reservations: "reserve",
    waitlist: "join",
    strangers: "wish",
}
"""Where the rules are, and the request that they are about: a run without such a request is not judged by them."""


def rules_of(module: ModuleType) -> list[Rule]:
    """The rules of a module: its own functions whose names begin with a letter."""
    functions = [each for each in vars(module).values() if isinstance(each, FunctionType)]
    return [each for each in functions if each.__module__ == module.__name__ and each.__name__[0] != "_"]


BACKGROUND = (
    bookings.mirror_is_true,
    reservations.deadlines_come,
    waitlist.no_entry_is_passed_over,
    waitlist.entries_tell_the_truth,
    waitlist.offers_run_out,
)
"""Rules that the server may take a moment to fulfil, since it works for them in the background."""

PRIVATE = ("customer", "description", "manage_token")
STORY = {*VISIT, "technician_ids", "status", "reserved_until", "hold_id", "offered_until", "booking_id"}
"""The changes that are worth printing: a visit's time, property and technician, and what became of it."""


@dataclass(frozen=True)
class Finding:
    """One break of one rule. documents: what shows it, without personal data."""

    rule: str
    sentence: str
    documents: tuple[Document, ...]


def name_of(rule: Rule) -> str:
    """The rule's name as it is printed: `one_winner` is "one winner", and two underscores are a comma."""
    return rule.__name__.replace("__", ", ").replace("_", " ")


def meaning_of(rule: Rule) -> str:
    """What the rule demands: the first sentence of its docstring, without its full stop."""
    return (rule.__doc__ or "").partition("\n")[0].rstrip(".")


RULES: dict[str, Rule] = {name_of(rule): rule for module in GROUPS for rule in rules_of(module)}


def judge(evidence: Evidence) -> dict[str, list[Finding]]:
    """Every rule that concerns the run, with what breaks it; an empty list where it holds."""
    return {
        name_of(rule): [
            Finding(name_of(rule), sentence, tuple(map(shown, things))) for sentence, things in rule(evidence)
        ]
        for rule in _concerning(evidence)
    }


def _concerning(evidence: Evidence) -> list[Rule]:
    seen = {"", *(exchange.operation for exchange in evidence.exchanges)}
    return [rule for module, concern in GROUPS.items() if concern in seen for rule in rules_of(module)]


def unsettled(evidence: Evidence) -> bool:
    """Whether the server's background work is not done yet."""
    return any(True for rule in _concerning(evidence) if rule in BACKGROUND for _ in rule(evidence))


def shown(thing: Document | Exchange) -> Document:
    return _answer(thing) if isinstance(thing, Exchange) else _document(thing)


def _document(document: Document) -> Document:
    redacted = {name: "[redacted]" if name in PRIVATE else value for name, value in document.items()}
    history = redacted.pop("history", None)
    if history:
        redacted["story"] = [_step(number, entry) for number, entry in enumerate(history, 1)]
    if "claims" in redacted:  # as spans: a list of ticks hides everything else
        ticks = grouped(redacted["claims"], lambda claim: claim["resource"])
        runs = {resource: sorted(claim["tick"] for claim in claims) for resource, claims in ticks.items()}
        redacted["claims"] = [f"{resource} {own[0]}..{own[-1]} ({len(own)})" for resource, own in runs.items()]
    return redacted


def _step(version: int, entry: Document) -> str:
    """One version in a sentence, its request named."""
    values = [f"{name} {change['to']}" for name, change in entry["changes"].items() if name in STORY]
    maker = f"{entry['by']} {changed_by(entry)}".strip()
    return f"{version}: {entry['at']:%H:%M:%S.%f} {entry['action']} by {maker}: {', '.join(values) or 'nothing else'}"


def _answer(exchange: Exchange) -> Document:
    asked = {name: value for name, value in exchange.asked.items() if name != "holder"}
    answer = {"request": exchange.logical, "client": exchange.client, "asked": asked, "status": exchange.status}
    times = {"sent": round(exchange.sent, 4), "received": round(exchange.received, 4)}
    reply = {name: value for name, value in exchange.reply.items() if name != "history"}  # MongoDB's copy has it
    return {**answer, "reply": _document(reply), **times}
