// The visitor's details, the last step before the visit is booked.

import { h } from "../dom.js";
import { field } from "../form.js";
import { word } from "../words.js";
import { call, endedNotice, kicker, refusalNotice } from "./views.js";

export function detailsView(shop) {
  const common = { values: shop.form, faults: shop.faults, oninput: (name, text) => shop.type(name, text) };
  const sending = shop.busy === "booking";
  return [
    h("div.stack.tight", {}, kicker(shop), h("h1", { tabindex: "-1" }, word("details.title")), h("p.lead", {}, word("details.lead"))),
    endedNotice(shop),
    shop.refusal && refusalNotice(shop),
    h("form.form", { key: "form", novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      shop.book();
    } },
      field("name", { ...common, label: word("form.name"), autocomplete: "name", required: true, maxlength: 200 }),
      field("phone", { ...common, label: word("form.phone"), hint: word("form.phone_hint"), type: "tel", enough: true, autocomplete: "tel", maxlength: 60 }),
      field("email", { ...common, label: word("form.email"), type: "email", enough: true, autocomplete: "email", maxlength: 254 }),
      field("about", { ...common, label: word("form.about"), hint: word("form.about_hint"), lines: 3, maxlength: 2000 }),
      otherFaults(shop),
      h("button.button.main.big", { type: "submit", "aria-disabled": sending ? "true" : null }, word(sending ? "details.booking" : "details.book")),
      h("div.row", {}, h("button.button.plain", { type: "button", onclick: () => shop.go("time") }, word("details.back")),
        shop.hold && h("button.button.plain", { type: "button", onclick: () => shop.letGo() }, word("hold.let_go")))),
    call(shop, "details.call"),
  ];
}

/** What the API finds wrong with anything that has no field of its own. */
function otherFaults({ faults }) {
  const own = new Set(["name", "phone", "email", "about"]);
  const others = Object.entries(faults).filter(([name]) => !own.has(name));
  return others.length > 0 && h("div.notice.bad", { role: "alert" }, others.map(([, sentence]) => h("p", {}, sentence)));
}
