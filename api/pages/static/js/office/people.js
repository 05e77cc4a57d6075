// People who sign in. Only admins see this page.

import { word } from "../words.js";
import { stateView } from "./parts.js";
import { records } from "./records.js";

const choices = (group, values) => values.map((each) => [each, word(`office.${group}_${each}`)]);

export const people = records({
  name: "people",
  admin: true,
  path: "/users",
  list: "users",
  keyed: false,
  removes: true,
  title: (record) => record.name,
  columns: [
    ["name", (each) => each.name],
    ["email", (each) => each.email],
    ["role", (each) => word(`office.role_${each.role}`)],
    ["status", (each) => stateView(each.status)],
  ],
  fields: (office, record) => [
    ["name", { required: true }],
    ["email", { type: "email", required: true }],
    ...(record ? [] : [["id", { hint: word("office.id_hint") }]]),
    ["role", { choices: choices("role", ["desk", "admin"]) }],
    ["password", { type: "password", autocomplete: "new-password", required: !record, hint: word(record ? "office.password_again" : "office.password_hint") }],
    ...(record ? [["status", { choices: choices("status", ["active", "disabled"]) }]] : []),
  ],
  begin: { role: "desk" },
  values: ({ name, email, role, status }) => ({ name, email, role, status }),
  body: ({ id, name, email, role, password, status }, record) => {
    const whole = { name, email, role, password, status, ...(!record && { id: id?.trim() }) };
    return Object.fromEntries(Object.entries(whole).filter(([, value]) => value));
  },
});
