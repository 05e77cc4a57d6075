// Moving a visit: with the pointer, and by keyboard alone. A ghost says before the drop what would come of it.

import { at, h, say } from "../dom.js";
import { local } from "../dates.js";
import { word } from "../words.js";
import { MINUTE, SCALE } from "./board.js";

const FAR = 5;
const EDGE = 48;
const LONG_PRESS = 450;
const STEP = 15 * MINUTE;

/** Moves of one board. desk: see main. */
export function makeDrag(desk) {
  let move = null;
  let waiting = null;

  function ghost() {
    const node = h("div.ghost", { "aria-hidden": "true" });
    node.style.height = `${((move.visit.endMs - move.visit.startMs) / MINUTE) * SCALE}px`;
    return node;
  }

  function begin(event, id, technicianId) {
    const visit = desk.model.find("visit", id);
    if (!visit || event.button !== 0 || !["pending", "confirmed"].includes(visit.status)) return;
    drop();
    const node = event.currentTarget;
    const start = { x: event.clientX, y: event.clientY, inside: event.clientY - node.getBoundingClientRect().top };
    waiting = { visit, technicianId, node, start, touch: event.pointerType === "touch", pointer: event.pointerId };
    node.addEventListener("pointermove", onmove);
    node.addEventListener("pointerup", onup);
    node.addEventListener("pointercancel", cancel);
    if (waiting.touch) waiting.timer = setTimeout(() => lift(), LONG_PRESS);
  }

  function lift() {
    const { visit, technicianId, node, start, pointer } = waiting;
    move = { visit, from: technicianId, to: technicianId, startMs: visit.startMs, inside: start.inside, node };
    move.ghost = ghost();
    node.setPointerCapture?.(pointer);
    node.classList.add("lifted");
    show();
  }

  function onmove(event) {
    if (!move) {
      const far = Math.hypot(event.clientX - waiting.start.x, event.clientY - waiting.start.y) > FAR;
      if (!far) return;
      if (waiting.touch) return drop();
      lift();
    }
    event.preventDefault();
    const lane = document.elementsFromPoint(event.clientX, event.clientY).find((each) => each.classList.contains("lane"));
    if (lane) {
      move.to = lane.dataset.technician;
      move.startMs = desk.board.moment(event.clientY - lane.getBoundingClientRect().top - move.inside);
    }
    scrollAtEdge(event);
    show();
  }

  function scrollAtEdge(event) {
    const box = at("board").getBoundingClientRect();
    const by = (value, low, high) => (value < low + EDGE ? -12 : value > high - EDGE ? 12 : 0);
    at("board").scrollBy(by(event.clientX, box.left, box.right), by(event.clientY, box.top, box.bottom));
  }

  function show() {
    const lane = desk.board.columns.find((each) => each.technician.id === move.to)?.body;
    if (!lane) return;
    const verdict = (move.verdict = desk.model.verdict(move.visit, move.to, move.startMs));
    const time = local(move.startMs, desk.model.zone).time;
    move.ghost.className = `ghost ${verdict.kind}`;
    move.ghost.style.top = `${desk.board.y(move.startMs)}px`;
    move.ghost.textContent = `${time} ${desk.sayVerdict(verdict)}`;
    if (move.ghost.parentNode !== lane) lane.append(move.ghost);
  }

  function onup() {
    const done = move;
    drop();
    if (!done) return;
    desk.swallowClick();
    land(done);
  }

  function land(done) {
    const same = done.to === done.from && done.startMs === done.visit.startMs;
    if (same) return;
    const why = desk.sayVerdict(done.verdict);
    const go = (override) => desk.moveVisit(done.visit, done.from, done.to, done.startMs, override);
    if (done.verdict.kind === "free") return go([]);
    const anyway = done.verdict.kind === "closed" ? [{ text: word("desk.anyway"), run: () => go(["working_hours"]) }] : [];
    desk.tell(word("desk.not_moved", { why }), anyway);
  }

  function drop() {
    if (waiting) {
      clearTimeout(waiting.timer);
      for (const [name, listener] of [["pointermove", onmove], ["pointerup", onup], ["pointercancel", cancel]]) waiting.node.removeEventListener(name, listener);
    }
    move?.ghost.remove();
    move?.node?.classList.remove("lifted");
    move = null;
    waiting = null;
  }

  function cancel() {
    drop();
  }

  return {
    begin, cancel,
    get active() { return move !== null; },
    /** Ends a move whose visit has changed meanwhile, with words. */
    interrupted(id) {
      if (move?.visit.id !== id) return;
      drop();
      desk.tell(word("desk.changed_meanwhile"));
    },
    /** The board is drawn anew. What the pointer moves is let go, with words, because its node is gone; so is all on another day. */
    redrawn(sameDay) {
      if (move?.byKey && sameDay) return show();
      const was = move;
      drop();
      if (was) desk.tell(word("desk.kept"));
    },
    /** Takes a visit up with the keyboard. */
    lift(visit, technicianId, node) {
      if (!["pending", "confirmed"].includes(visit.status)) return;
      drop();
      move = { visit, from: technicianId, to: technicianId, startMs: visit.startMs, node, byKey: true };
      move.ghost = ghost();
      node.classList.add("lifted");
      show();
      say(word("desk.lifted"));
    },
    /** A key while a visit is taken up. True if it was meant for the move. */
    key(event) {
      if (!move?.byKey) return false;
      const ids = desk.model.technicians.map((each) => each.id);
      const place = ids.indexOf(move.to);
      if (event.key === "ArrowUp") move.startMs -= STEP;
      else if (event.key === "ArrowDown") move.startMs += STEP;
      else if (event.key === "ArrowLeft") move.to = ids[Math.max(0, place - 1)];
      else if (event.key === "ArrowRight") move.to = ids[Math.min(ids.length - 1, place + 1)];
      else if (event.key === "Enter") {
        const done = move;
        drop();
        land(done);
        return true;
      } else if (event.key === "Escape") {
        drop();
        say(word("desk.kept"));
        return true;
      } else return true;
      show();
      move.ghost.scrollIntoView({ block: "nearest", inline: "nearest" });
      say(`${local(move.startMs, desk.model.zone).time}, ${desk.technicianName(move.to)}: ${desk.sayVerdict(move.verdict)}`);
      return true;
    },
  };
}
