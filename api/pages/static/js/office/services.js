// What is done on a visit: how long it takes, the travel around it, and who may do it.

import { duration } from "../dates.js";
import { word } from "../words.js";
import { orNull } from "./parts.js";
import { records } from "./records.js";

const NUMBERS = ["duration_minutes", "buffer_before_minutes", "buffer_after_minutes"];

export const services = records({
  name: "services",
  admin: true,
  path: "/services",
  list: "services",
  searches: true,
  removes: true,
  title: (record) => record.name,
  columns: [
    ["name", (each) => each.name],
    ["length", (each) => duration(each.duration_minutes)],
    ["skills", (each) => each.skill],
    ["price", (each) => each.price_text],
    ["public", (each) => word(each.public ? "office.yes" : "office.no")],
  ],
  fields: (office, record) => [
    ["name", { required: true }],
    ...(record ? [] : [["id", { hint: word("office.id_hint") }]]),
    ...NUMBERS.map((each) => [each, { type: "number", required: true }]),
    ["skill", { hint: word("office.skill_hint") }],
    ["price_text", { hint: word("office.price_hint") }],
    ["public", { ticked: true }],
  ],
  begin: { duration_minutes: "60", buffer_before_minutes: "0", buffer_after_minutes: "0", public: true },
  values: (record) => ({ ...record }),
  body: (values, record) => ({
    ...(!record && values.id?.trim() && { id: values.id.trim() }),
    name: values.name, skill: orNull(values.skill), price_text: orNull(values.price_text), public: Boolean(values.public),
    ...Object.fromEntries(NUMBERS.map((each) => [each, Number(values[each])])),
  }),
});
