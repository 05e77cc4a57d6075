// A visit's fields as people read them: their names, and what they say.

import { local, shortDate } from "../dates.js";
import { word, words } from "../words.js";

/** Which of a booking's fields people see, with the words that name them. */
const LABELS = {
  start: "when", technician_id: "who", technician_ids: "who", property_id: "where", service_id: "service", customer: "name", status: "status", duration_minutes: "duration",
  description: "description", internal_note: "internal_note", external_reference: "external_reference", reason: "reason", reserved_until: "reserved_until", override: "override",
};

/** The name of a field; null for one that nobody asks about. */
export const labelOf = (field) => (LABELS[field] ? word(`desk.${LABELS[field]}`) : null);

/** What a field says. */
export function valueOf(desk, field, value) {
  if (value === null || value === undefined || value === "") return "–";
  if (field === "start" || field === "reserved_until") {
    const at = local(Date.parse(value), desk.model.zone);
    return `${shortDate(at.date)} ${at.time}`;
  }
  if (field === "technician_id" || field === "technician_ids") return desk.names.technicians([value].flat());
  if (field === "property_id") return desk.names.place(value);
  if (field === "service_id") return desk.names.service(value);
  if (field === "customer") return [value.name, value.phone, value.email].filter(Boolean).join(", ");
  if (field === "status") return word(`desk.status_${value}`);
  if (field === "override") return [value].flat().map((each) => words().desk[`override_${each}`] ?? each).join(", ");
  return String(value);
}

/** What was done, in the past. */
export const deedOf = (action) => words().desk[`act_${action}`] ?? action;
