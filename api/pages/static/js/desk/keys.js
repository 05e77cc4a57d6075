// The keyboard on the board: one item can be reached with Tab, the arrows move among them, letters do things.

import { at } from "../dom.js";

const ITEMS = ".entry, .gap";
const top = (node) => parseFloat(node.style.top);

/** The keys of one desk. desk: see main. */
export function makeKeys(desk) {
  let current = null;

  const lanes = () => desk.board.columns.filter((each) => !each.section.hidden).map((each) => each.body);
  const inOrder = (lane) => [...lane.querySelectorAll(ITEMS)].sort((a, b) => top(a) - top(b));
  const isThere = (node) => node?.isConnected && node.offsetParent !== null;

  /** Makes sure that Tab reaches one item. */
  function rove() {
    if (isThere(current)) return;
    if (current) current.tabIndex = -1;
    current = lanes().map((lane) => lane.querySelector(ITEMS)).find(Boolean) ?? null;
    if (current) current.tabIndex = 0;
  }

  function focus(node) {
    if (!node) return;
    if (current) current.tabIndex = -1;
    current = node;
    node.tabIndex = 0;
    node.focus();
  }

  function step(key, from) {
    const lane = from.closest(".lane");
    const mine = inOrder(lane);
    if (key === "ArrowUp" || key === "ArrowDown") return focus(mine[mine.indexOf(from) + (key === "ArrowDown" ? 1 : -1)]);
    const by = key === "ArrowRight" ? 1 : -1;
    const all = lanes();
    const far = (node) => Math.abs(top(node) - top(from));
    for (let index = all.indexOf(lane) + by; all[index]; index += by) {
      const [near] = inOrder(all[index]).sort((a, b) => far(a) - far(b));
      if (near) return focus(near);
    }
  }

  /** What the letters do while focus is on a node. */
  function letters(node) {
    const { kind, id } = node.dataset;
    const technicianId = node.closest(".lane").dataset.technician;
    const visit = kind === "visit" ? desk.model.find("visit", id) : null;
    const start = node.dataset.from ? Number(node.dataset.from) : desk.model.find(kind, id)?.endMs ?? desk.nextStart();
    return {
      m: () => visit && desk.drag.lift(visit, technicianId, node),
      n: () => desk.panels.bookAt(technicianId, start), r: () => desk.panels.bookAt(technicianId, start, true),
      e: () => visit && desk.panels.show("edit", id), x: () => visit && desk.panels.show("cancel", id),
      u: () => desk.said.undo(), "[": () => desk.turn(-1), "]": () => desk.turn(1), t: () => desk.today(), w: () => desk.toggleWeek(),
      "/": () => at("search").focus(), f: () => at("narrow")?.focus(), "?": () => desk.panels.show("keys"), Escape: () => desk.drag.cancel(),
    };
  }

  return {
    rove, focus,
    /** The item at which Tab arrives. */
    get current() { return current; },
    /** A key while focus is on an item of the board. */
    press(event, node) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (desk.drag.key(event)) return event.preventDefault();
      const run = event.key.startsWith("Arrow") ? () => step(event.key, node) : letters(node)[event.key];
      if (!run) return;
      event.preventDefault();
      run();
    },
  };
}
