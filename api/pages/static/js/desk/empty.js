// What the board says where it has no column to show.

import { h } from "../dom.js";
import { withLanguage } from "../language.js";
import { word } from "../words.js";
import { widen } from "./bar.js";

/** The org has no technicians. */
export const empty = () => h("div.empty.stack", { id: "grid" }, h("h2", {}, word("desk.no_technicians")), h("p", {}, word("desk.no_technicians_text")),
  h("div.row", {}, h("a.button.main", { href: withLanguage("/desk/technicians") }, word("desk.add_technicians"))));

/** None of them fits what is typed. */
export const nobody = (desk) => h("div.empty.stack", { id: "nobody", hidden: true }, h("p", {}, word("desk.narrowed_none")),
  h("div.row", {}, h("button.button", { type: "button", onclick: () => widen(desk) }, word("desk.narrowed_all"))));
