// Fields of forms: words above, fault below. What is typed stays with the form's owner, who gets each letter.

import { h } from "./dom.js";
import { word } from "./words.js";

/** One field. required: it must be filled; enough: it or another must. values: of the form, by name. faults: sentences by name. oninput(name, value): a letter was typed. */
export function field(name, { label, hint, type = "text", autocomplete, required, enough, lines, values, faults, oninput, maxlength }) {
  const fault = faults[name];
  const about = [hint && `${name}-hint`, fault && `${name}-fault`].filter(Boolean).join(" ");
  const attributes = {
    id: name, name, autocomplete, maxlength, required,
    "aria-invalid": fault ? "true" : null,
    "aria-describedby": about || null,
    oninput: (event) => oninput(name, event.target.value),
  };
  const input = lines ? h("textarea.input", { ...attributes, rows: lines }) : h("input.input", { ...attributes, type });
  input.value = values[name] ?? "";
  return h("div.field", { key: name },
    h("label", { for: name }, label, !required && !enough && h("span.soft", {}, ` ${word("form.optional")}`)),
    hint && h("p.hint", { id: `${name}-hint` }, hint),
    input,
    fault && h("p.fault", { id: `${name}-fault` }, fault));
}

/** The faults that can be seen without asking: a name, and a phone or an e-mail. */
export function contactFaults({ name = "", phone = "", email = "" }) {
  const faults = {};
  if (!name.trim()) faults.name = word("form.name_missing");
  if (!phone.trim() && !email.trim()) faults.phone = word("form.contact_missing");
  else if (phone.trim() && phone.replace(/\D/g, "").length < 3) faults.phone = word("form.phone_wrong");
  if (email.trim() && !/^\S+@\S+\.\S+$/.test(email.trim())) faults.email = word("form.email_wrong");
  return faults;
}

/** A customer as the API takes it. */
export function customerOf({ name, phone, email, language }) {
  const given = { name, phone, email, language };
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, value?.trim()]).filter(([, value]) => value));
}

/** The API's faults by the names of our fields. */
export function faultsOf(problem) {
  const entries = Object.entries(problem.faults).map(([field, sentence]) => [field.replace(/^customer\./, ""), sentence]);
  return Object.fromEntries(entries);
}

/** Puts the focus on the first field with a fault, once it is drawn. */
export function focusFault(faults) {
  requestAnimationFrame(() => document.getElementById(Object.keys(faults)[0])?.focus());
}
