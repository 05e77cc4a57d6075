// The bar on top, and the line at the bottom where everything that happens is said.

import { h } from "../dom.js";
import { addDays, local, longDate, span } from "../dates.js";
import { word } from "../words.js";

const link = (name, run, text) => h("button.button", { type: "button", key: name, onclick: run, "aria-label": text ? word(`desk.${name}`) : null, class: text ? "square" : "" }, text ?? word(`desk.${name}`));

export function barView(desk) {
  const today = desk.zone && desk.date === local(desk.clock.now(), desk.model.zone).date;
  const title = desk.view === "week" ? span(desk.date, addDays(desk.date, 6)) : longDate(desk.date);
  return [
    h("h1.date", { key: "date" }, title),
    h("nav.row", { key: "nav", "aria-label": word("desk.days") },
      link("earlier", () => desk.turn(-1), "‹"), link("later", () => desk.turn(1), "›"),
      !today && link("today", () => desk.today()),
      link(desk.view === "week" ? "day" : "week", () => desk.toggleWeek())),
    h("form.search", { key: "search", role: "search", onsubmit: (event) => {
      event.preventDefault();
      desk.search(event.target.elements.search.value);
    } }, h("label.unseen", { for: "search" }, word("desk.search")), h("input.input", { id: "search", name: "search", type: "search", placeholder: word("desk.search"), autocomplete: "off" })),
    h("button.button.main", { type: "button", key: "new", onclick: () => desk.show("book", null, { values: { date: desk.date } }) }, word("desk.new")),
    h("a.button", { key: "office", href: "/desk/technicians" }, word("desk.office")),
    h("span.soft.small.presence", { key: "me" }, h("span.dot", { class: desk.live ? "on" : "off" }), word(desk.live ? "desk.live" : "desk.not_live"), " · ", desk.me?.name ?? desk.me?.role ?? ""),
    h("button.button.plain", { type: "button", key: "out", onclick: () => desk.signOut() }, word("desk.sign_out")),
  ];
}

export function logView(desk) {
  const { log } = desk;
  if (!log) return [h("p.soft.small", { key: "hint" }, desk.me ? word("desk.hint") : "")];
  return [
    h("p", { key: "text" }, log.text),
    log.choices.map((each) => h("button.button", { type: "button", key: each.text, onclick: () => {
      desk.log = null;
      each.run();
    } }, each.text)),
    log.undo && h("button.button", { type: "button", key: "undo", onclick: () => desk.undo() }, word("desk.undo")),
  ];
}
