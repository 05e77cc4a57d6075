// Properties: homes, buildings and their units.

import { word } from "../words.js";
import { orNull, stateView } from "./parts.js";
import { records } from "./records.js";

const STATUSES = ["available", "unavailable"];

export const properties = records({
  name: "properties",
  path: "/properties",
  list: "properties",
  searches: true,
  removes: true,
  title: (record) => record.name,
  columns: [
    ["name", (each) => each.name],
    ["address", (each) => each.address],
    ["areas", (each) => each.area],
    ["parent", (each) => each.parent_id],
    ["status", (each) => stateView(each.status)],
  ],
  fields: (office, record) => [
    ...(office.isAdmin ? [["name", { required: true }]] : []),
    ...(record ? [] : [["id", { hint: word("office.id_hint") }]]),
    ["status", { choices: STATUSES.map((each) => [each, word(`office.status_${each}`)]) }],
    ...(office.isAdmin ? [
      ["address", {}],
      ["timezone", { required: true, hint: word("office.timezone_hint") }],
      ["area", { hint: word("office.area_hint") }],
      ["parent_id", { hint: word("office.parent_hint") }],
      ["unlisted", { ticked: true }],
    ] : []),
  ],
  begin: { status: "available", timezone: "UTC" },
  values: (record) => ({ ...record }),
  body: (values, record, office) => (office.isAdmin ? {
    ...(!record && values.id?.trim() && { id: values.id.trim() }),
    name: values.name, status: values.status, timezone: values.timezone, unlisted: Boolean(values.unlisted),
    address: orNull(values.address), area: orNull(values.area), ...(orNull(values.parent_id) !== (record?.parent_id ?? null) && { parent_id: orNull(values.parent_id) }),
  } : { status: values.status }),
});
