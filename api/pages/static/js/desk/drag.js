// Moving a visit: with the pointer, and by keyboard alone. A ghost says before the drop what would come of it.

import { at, h, say } from "../dom.js";
import { local } from "../dates.js";
import { word } from "../words.js";
import { MINUTE, SCALE } from "./board.js";
import { timed } from "./measure.js";

const FAR = 5;
const EDGE = 48;
const LONG_PRESS = 450;
const STEP = 15 * MINUTE;

/** Moves of one board. desk: see main. */
export function makeDrag(desk) {
  let move = null;
  let waiting = null;
  let swallows = false;

  function ghost() {
    const node = h("div.ghost", { "aria-hidden": "true" });
    node.style.height = `${((move.visit.endMs - move.visit.startMs) / MINUTE) * SCALE}px`;
    return node;
  }

  /** The pointer goes down on the node of a visit. */
  function begin(event, node) {
    const visit = desk.model.find("visit", node.dataset.id);
    if (!visit || event.button !== 0 || !["pending", "confirmed"].includes(visit.status)) return;
    drop();
    const technicianId = node.closest(".lane").dataset.technician;
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
    timed("desk:drag", () => follow(event));
  }

  /** Takes what is dragged to where the pointer is. */
  function follow(event) {
    const lane = document.elementsFromPoint(event.clientX, event.clientY).find((each) => each.classList.contains("lane"));
    if (lane) {
      move.to = lane.dataset.technician;
      move.startMs = desk.board.moment(event.clientY - lane.getBoundingClientRect().top - move.inside);
    }
    scrollAtEdge(event);
    show();
  }

  /** Scrolls as long as the pointer rests at an edge. */
  function scrollAtEdge(event) {
    const board = at("board");
    const box = board.getBoundingClientRect();
    const by = (value, low, high) => (value < low + EDGE ? -12 : value > high - EDGE ? 12 : 0);
    const before = [board.scrollLeft, board.scrollTop];
    board.scrollBy(by(event.clientX, box.left, box.right), by(event.clientY, box.top, box.bottom));
    cancelAnimationFrame(move.again);
    if (before[0] !== board.scrollLeft || before[1] !== board.scrollTop) move.again = requestAnimationFrame(() => follow(event));
  }

  function show() {
    const lane = desk.board.lane(move.to);
    if (!lane) return;
    const verdict = (move.verdict = desk.model.verdict(move.visit, move.to, move.startMs));
    const time = local(move.startMs, desk.model.zone).time;
    move.ghost.className = `ghost ${verdict.kind}`;
    move.ghost.style.top = `${desk.board.y(move.startMs)}px`;
    move.ghost.textContent = `${time}${verdict.kind === "free" ? "" : " ·"} ${desk.names.verdict(verdict)}`;
    if (move.ghost.parentNode !== lane) lane.append(move.ghost);
  }

  function onup() {
    const done = move;
    drop();
    if (!done) return;
    swallows = true;
    setTimeout(() => (swallows = false), 50);
    land(done);
  }

  function land(done) {
    const { visit, from, to, startMs, verdict } = done;
    if (to === from && startMs === visit.startMs) return;
    const fields = desk.acts.moved(visit, from, to, startMs);
    if (verdict.kind === "free") return desk.acts.edit(visit, fields);
    const anyway = verdict.kind === "closed" ? [{ text: word("desk.anyway"), run: () => desk.acts.edit(visit, { ...fields, override: ["working_hours"] }) }] : [];
    desk.acts.stays(visit, fields, desk.names.verdict(verdict), anyway);
  }

  function drop() {
    if (waiting) {
      clearTimeout(waiting.timer);
      for (const [name, listener] of [["pointermove", onmove], ["pointerup", onup], ["pointercancel", cancel]]) waiting.node.removeEventListener(name, listener);
    }
    cancelAnimationFrame(move?.again);
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
    /** A drop has just ended: the click that comes with it opens nothing. */
    get swallows() { return swallows; },
    /** Ends a move whose visit has changed meanwhile, with words. */
    check() {
      if (!move || desk.model.version(move.visit.id) === move.visit.version) return;
      drop();
      desk.said.tell(word("desk.changed_meanwhile"));
    },
    /** The board is drawn anew. What the pointer moves is let go, with words, because its node is gone; so is all on another day. */
    redrawn(sameDay) {
      if (move?.byKey && sameDay) return show();
      const was = move;
      drop();
      if (was) desk.said.tell(word("desk.kept"));
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
      const ids = desk.narrow.technicians.map((each) => each.id);
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
      say(`${local(move.startMs, desk.model.zone).time}, ${desk.names.technician(move.to)}: ${desk.names.verdict(move.verdict)}`);
      return true;
    },
  };
}
