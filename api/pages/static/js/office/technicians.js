// Technicians: who they are, when they work, when they are away, and what happens when one is sick.

import { iso, moment } from "../dates.js";
import { h } from "../dom.js";
import { word, words } from "../words.js";
import { between, button, formView, listed, section, stateView, tableView } from "./parts.js";
import { records } from "./records.js";
import { days, sickView } from "./sick.js";

const WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const STATUSES = ["available", "unavailable"];
const shifts = (hours) => (hours ?? []).map(([from, to]) => `${from}-${to}`).join(", ");
const ahead = (record) => record.time_off.filter((each) => Date.parse(each.end) > Date.now());

export const technicians = records({
  name: "technicians",
  path: "/technicians",
  list: "technicians",
  searches: true,
  title: (record) => record.name,
  columns: [
    ["name", (each) => each.name],
    ["status", (each) => stateView(each.status)],
    ["away", (each) => ahead(each).slice(0, 2).map((off) => between(off.start, off.end, each.timezone)).join("; ")],
    ["skills", (each) => each.skills.join(", ")],
    ["areas", (each) => each.areas.join(", ")],
  ],
  more: async (office) => ({ places: await office.all("properties"), technicians: await office.all("technicians") }),
  parts: (office, { record, ...data }) => record && [sickView(office, { record, ...data }), awayView(office, record), !office.isAdmin && hoursView(record)],
  removes: true,
  fields: (office, record) => [
    ...(office.isAdmin ? [["name", { required: true }]] : []),
    ...(record ? [] : [["id", { hint: word("office.id_hint") }]]),
    ["status", { choices: STATUSES.map((each) => [each, word(`office.status_${each}`)]) }],
    ...(office.isAdmin ? [
      ["timezone", { required: true, hint: word("office.timezone_hint") }],
      ["skills", { hint: word("office.list_hint") }],
      ["areas", { hint: word("office.list_hint") }],
      ["any_hour", { ticked: true }],
      ...WEEK.map((day, index) => [day, { label: words().dates.weekdays.split(" ")[index], enough: true, hint: index ? null : word("office.hours_hint") }]),
    ] : []),
  ],
  begin: { status: "available", timezone: "UTC", any_hour: false, ...Object.fromEntries(WEEK.slice(0, 5).map((day) => [day, "08:00-16:00"])) },
  values: (record) => ({
    ...record, skills: record.skills.join(", "), areas: record.areas.join(", "), any_hour: record.working_hours === null,
    ...Object.fromEntries(WEEK.map((day) => [day, shifts(record.working_hours?.[day])])),
  }),
  body: (values, record, office) => office.isAdmin ? {
    ...(!record && values.id?.trim() && { id: values.id.trim() }),
    name: values.name, status: values.status, timezone: values.timezone, skills: listed(values.skills), areas: listed(values.areas),
    working_hours: values.any_hour ? null : hoursOf(values),
  } : { status: values.status },
});

/** "08:00-12:00, 13:00-16:00" of each day as the API takes it; a day without text is a day off. */
function hoursOf(values) {
  const given = WEEK.map((day) => [day, listed(values[day]).map((shift) => shift.split(/[-–]/).map((each) => each.trim()))]);
  return Object.fromEntries(given.filter(([, list]) => list.length));
}

/** When the technician works, for the desk, which does not change it. */
function hoursView({ working_hours }) {
  const names = words().dates.weekdays.split(" ");
  const rows = WEEK.map((day, index) => [day, [names[index], shifts(working_hours?.[day])]]);
  return section(word("office.hours"), working_hours === null ? h("p", { key: "any" }, word("office.field_any_hour"))
    : tableView(word("office.hours"), [word("office.day"), word("office.column_when")], rows, true));
}

/** When the technician is away, and a form that adds to it. */
function awayView(office, record) {
  const path = `/technicians/${encodeURIComponent(record.id)}`;
  const change = async (body) => {
    const { visits, ...changed } = await office.api.patch(path, { body });
    office.data = { ...office.data, record: changed };
    office.did(word(visits?.length ? "office.away_visits" : "office.saved", { name: record.name, n: visits?.length ?? 0 }));
  };
  const rows = ahead(record).map((off) => h("li.row.apart", { key: off.start + off.end }, h("span", {}, between(off.start, off.end, record.timezone)),
    button(office, word("office.remove"), () => change({ time_off_remove: [off] }))));
  return section(word("office.away"),
    rows.length ? h("ul.stack", { key: "list" }, rows) : h("p.soft", { key: "none" }, word("office.away_none")),
    formView(office, "away", {
      fields: [["off_from", { type: "date", required: true }], ["off_to", { type: "date" }], ["off_begin", { type: "time", hint: word("office.off_hint") }], ["off_end", { type: "time" }]],
      submit: word("office.away_add"),
      send: (values) => change({ time_off_add: [spanOf(values, record.timezone)] }),
    }));
}

function spanOf({ off_from, off_to, off_begin, off_end }, zone) {
  const whole = days(off_from, off_to, zone);
  return { start: off_begin ? iso(moment(off_from, off_begin, zone)) : whole.from, end: off_end ? iso(moment(off_to || off_from, off_end, zone)) : whole.to };
}
