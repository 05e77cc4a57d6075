// The bar on top: the day, the searches, who sits here.

import { languages, withLanguage } from "../language.js";
import { at, h } from "../dom.js";
import { addDays, local, longDate, span } from "../dates.js";
import { word } from "../words.js";

const step = (name, run, sign) => h("button.button.square", { type: "button", key: name, onclick: run, "aria-label": word(`desk.${name}`) }, sign);
const button = (name, run, kind = "") => h(`button.button${kind}`, { type: "button", key: name, onclick: run }, word(`desk.${name}`));

export function barView(desk) {
  const today = desk.zone && desk.date === local(desk.clock.now(), desk.model.zone).date;
  const title = desk.view === "week" ? span(desk.date, addDays(desk.date, 6)) : longDate(desk.date);
  return [
    h("h1.date", { key: "date" }, title),
    h("nav.row", { key: "nav", "aria-label": word("desk.days") },
      h("span.joined", { key: "steps" }, step("earlier", () => desk.turn(-1), "‹"), step("later", () => desk.turn(1), "›")),
      !today && button("today", () => desk.today()),
      button(desk.view === "week" ? "day" : "week", () => desk.toggleWeek())),
    desk.narrow.helps && narrowView(desk),
    searchView(desk),
    button("new", () => desk.panels.show("book", null, { values: { date: desk.date } }), ".main"),
    h("a.button", { key: "office", href: withLanguage("/desk/technicians") }, word("desk.office")),
  ];
}

function searchView(desk) {
  return h("form.search", { key: "search", role: "search", onsubmit: (event) => {
    event.preventDefault();
    desk.panels.search(event.target.elements.search.value);
  } }, h("label.unseen", { for: "search" }, word("desk.search")), h("input.input", { id: "search", name: "search", type: "search", placeholder: word("desk.search_short"), title: word("desk.search"), autocomplete: "off" }));
}

function narrowView(desk) {
  const { narrow } = desk;
  return h("div.search.narrow", { key: "narrow" },
    h("label.unseen", { for: "narrow" }, word("desk.narrow")),
    h("input.input", { id: "narrow", type: "search", placeholder: word("desk.narrow_short"), title: word("desk.narrow"), autocomplete: "off", oninput: (event) => narrow.to(event.target.value) }),
    narrow.isOn && h("span.count.small.soft", { key: "count" }, word("desk.narrowed", { shown: String(narrow.technicians.length), all: String(desk.model.technicians.length) })));
}

/** Who sits here, whether changes come by themselves, and the language: at the end of the line at the bottom. */
export const presenceView = (desk) => h("div.who-sits", { key: "me" },
  h("span.soft.small.presence", { title: word(desk.live ? "desk.live_hint" : "desk.not_live_hint") }, h("span.dot", { class: desk.live ? "on" : "off" }), word(desk.live ? "desk.live" : "desk.not_live"), h("span.me", {}, " · ", h("a", { href: withLanguage("/desk/account") }, desk.me.name ?? desk.me.role, h("span.unseen", {}, ` ${word("office.page_account")}`)))),
  button("sign_out", () => desk.session.signOut(), ".plain"), languages());

/** Shows all technicians again. */
export function widen(desk) {
  at("narrow").value = "";
  desk.narrow.to("");
  at("narrow").focus();
}
