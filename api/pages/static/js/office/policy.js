// The rules of the org: lengths, holds, lead, horizon, days without visits, and how the company is called.

import { h } from "../dom.js";
import { word } from "../words.js";
import { changesOf, formView, listed, orNull } from "./parts.js";

const NUMBERS = "numbers";
const NUMBER = "number";
const LIST = "list";
const TEXT = "text";
const GROUPS = [
  ["company", { display_name: TEXT, phone: TEXT, timezone: TEXT, country: TEXT, language: TEXT }],
  ["visits", {
    default_duration_minutes: NUMBER, max_duration_minutes: NUMBER, allowed_duration_minutes: NUMBERS, buffer_before_minutes: NUMBER, buffer_after_minutes: NUMBER,
    min_lead_minutes: NUMBER, horizon_days: NUMBER, cancel_window_minutes: NUMBER, blackout_dates: LIST,
  }],
  ["holds", { hold_seconds: NUMBER, max_hold_seconds: NUMBER, holds_per_holder: NUMBER }],
  ["messages", { sms_number: TEXT, reminder_hours: NUMBERS, quiet_hours: LIST }],
];
const NULL_IF_EMPTY = new Set(["allowed_duration_minutes", "quiet_hours"]);
const NEEDED = new Set(["timezone", "language"]);
const LANGUAGES = [["en", "English"], ["da", "Dansk"], ["is", "Íslenska"]];

export const policy = {
  name: "policy",
  admin: true,
  load: (office) => office.api.get("/policy"),
  view: (office) => (office.data ? GROUPS.map((group) => groupView(office, ...group)) : h("div.skeleton.tall", { key: "skeleton" })),
};

function groupView(office, name, kinds) {
  const rules = office.data;
  const names = Object.keys(kinds);
  const how = (each) => (each === "language" ? { choices: LANGUAGES }
    : { type: kinds[each] === NUMBER ? "number" : "text", required: kinds[each] === NUMBER || NEEDED.has(each), hint: kinds[each] === LIST || kinds[each] === NUMBERS ? word(`office.hint_${each}`) : null });
  return h("section.card.stack", { key: name }, h("h2", {}, word(`office.policy_${name}`)), formView(office, name, {
    fields: names.map((each) => [each, { label: word(`policy.${each}`), ...how(each) }]),
    values: Object.fromEntries(names.map((each) => [each, [rules[each] ?? ""].flat().join(", ")])),
    submit: word("office.save"),
    send: async (values) => {
      const changes = changesOf(Object.fromEntries(names.map((each) => [each, valueOf(each, kinds[each], values[each])])), rules);
      if (Object.keys(changes).length) office.data = await office.api.patch("/policy", { body: changes });
      office.did(word("office.policy_saved"));
    },
  }));
}

function valueOf(name, kind, text) {
  if (kind === NUMBER) return Number(text);
  if (kind === TEXT) return orNull(text);
  const values = listed(text).map((each) => (kind === NUMBERS ? Number(each) : each));
  return !values.length && NULL_IF_EMPTY.has(name) ? null : values;
}
