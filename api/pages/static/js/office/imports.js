// A file of another system: chosen, checked by the server at once, and imported when nothing in it is wrong.

import { NoAnswer, Problem, query, secret } from "../api.js";
import { select, tick } from "../choice.js";
import { h, say } from "../dom.js";
import { field } from "../form.js";
import { word } from "../words.js";
import { importedView, resultView } from "./import-result.js";
import { button } from "./parts.js";

const KINDS = ["properties", "technicians", "services", "bookings"];
const HAS_TIMES = new Set(["technicians", "bookings"]);
const MOST_BYTES = 2_000_000;
/** A check and a round of writing take longer than other requests. */
const SILENCE = 60_000;

export const imports = { name: "import", admin: true, load, view };

async function load(office) {
  return { values: { kind: KINDS[0], update: false, times_in: office.zone, pasted: "" }, faults: {}, file: null, ...(await columnsOf(office, KINDS[0])) };
}

async function columnsOf(office, kind) {
  return { shape: await office.api.get(query("/imports", { kind })) };
}

function view(office) {
  const { data } = office;
  if (!data) return h("div.skeleton.tall", { key: "skeleton" });
  if (data.done) return importedView(office, data, () => again(office));
  return [
    !data.writing && h("form.card.stack", { key: "choose", novalidate: true, onsubmit: (event) => pasted(office, event) }, h("h2", {}, word("imports.choose")), choiceView(office, data), dropView(office, data), pasteView(data)),
    data.problem && h("div.notice.bad", { key: "problem", id: "result", role: "alert" }, h("p", {}, data.problem), data.file?.text && h("div.row", {}, button(office, word("imports.check_again"), () => check(office)))),
    data.checking && h("div.stack", { key: "checking" }, h("p", {}, word("imports.checking", { name: data.file.name })), h("div.skeleton", {})),
    data.checked && resultView(office, data, () => carryOut(office)),
  ];
}

/** What is in the file, and how it is read. */
function choiceView(office, data) {
  const { values, faults } = data;
  const change = (name, value) => (values[name] = value);
  const anew = (name, value) => {
    change(name, value);
    office.attempt(async () => {
      const shape = name === "kind" ? await columnsOf(office, value) : {};
      office.data = { ...office.data, checked: null, ...shape };
      if (office.data.file?.text) await check(office);
    });
  };
  const zoned = (event) => event.target.id === "times_in" && data.file?.text && office.attempt(() => check(office));
  return h("div.fields", { key: "how", onchange: zoned },
    select("kind", { label: word("imports.kind"), values, faults, choices: KINDS.map((each) => [each, word(`imports.kind_${each}`)]), onchange: anew }),
    HAS_TIMES.has(values.kind) && field("times_in", { label: word("imports.zone"), hint: word("imports.zone_hint"), autocomplete: "off", values, faults, oninput: change }),
    values.kind !== "bookings" && tick("update", { label: word("imports.update"), values, onchange: anew }));
}

function dropView(office, data) {
  const take = (file) => file && office.attempt(() => read(office, file));
  const over = (event, on) => {
    event.preventDefault();
    event.currentTarget.classList.toggle("over", on);
  };
  return [
    h("label.drop", { key: "drop", ondragover: (event) => over(event, true), ondragleave: (event) => over(event, false), ondrop: (event) => {
      over(event, false);
      take(event.dataTransfer.files[0]);
    } },
    h("input.unseen", { type: "file", id: "file", accept: ".csv,.tsv,.txt,text/csv", onchange: (event) => {
      const [file] = event.target.files;
      event.target.value = "";
      take(file);
    } }),
    h("strong", {}, word(data.file ? "imports.choose_other" : "imports.choose_file")),
    h("span.soft", {}, data.file ? data.file.name : word("imports.drop"))),
    h("details", { key: "shape" }, h("summary", {}, word("imports.columns")), columnsView(office, data.shape)),
  ];
}

function columnsView(office, shape) {
  const names = (required) => shape.columns.filter((each) => each.required === required).map((each) => each.name).join(", ");
  return h("div.stack", {},
    h("dl.facts", {}, h("dt", {}, word("imports.needed")), h("dd", {}, names(true)), h("dt", {}, word("imports.optional")), h("dd", {}, names(false))),
    h("p.soft", {}, word("imports.format")),
    h("div.row", {}, button(office, word("imports.sample"), () => save(shape))));
}

function pasteView({ values }) {
  return h("details", { key: "paste" }, h("summary", {}, word("imports.paste")), h("div.stack", {},
    field("pasted", { label: word("imports.paste_label"), enough: true, lines: 6, autocomplete: "off", values, faults: {}, oninput: (name, value) => (values[name] = value) }),
    h("div.row", {}, h("button.button", { type: "submit" }, word("imports.check")))));
}

function pasted(office, event) {
  event.preventDefault();
  const { data } = office;
  if (!data.values.pasted.trim()) return;
  office.data = { ...data, problem: null, file: { name: word("imports.pasted"), text: data.values.pasted } };
  office.attempt(() => check(office));
}

/** Lets the browser save a small file of this kind. */
function save({ kind, example }) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", example], { type: "text/csv" }));
  link.download = `${kind}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function read(office, file) {
  const found = await textOf(file);
  office.data = { ...office.data, checked: null, problem: null, file: { name: file.name, text: "" }, ...found };
  if (!found.problem) await check(office);
}

async function textOf(file) {
  const { name, size } = file;
  if (size > MOST_BYTES) return { problem: word("imports.too_large", { name }) };
  try {
    const text = decoded(new Uint8Array(await file.arrayBuffer()));
    return text.trim() ? { file: { name, text } } : { problem: word("imports.empty", { name }) };
  } catch {
    return { problem: word("imports.unreadable", { name }) };
  }
}

/** The text of a file in UTF-8 or UTF-16, as spreadsheets write it. Throws for another encoding. */
function decoded(bytes) {
  const [first, second] = bytes;
  const little = (first === 0xff && second === 0xfe) || second === 0;
  const big = (first === 0xfe && second === 0xff) || first === 0;
  return new TextDecoder(big ? "utf-16be" : little ? "utf-16le" : "utf-8", { fatal: true }).decode(bytes);
}

function ask(office, dry_run) {
  const { values: { kind, update, times_in }, file } = office.data;
  const how = { ...(kind !== "bookings" && { update }), ...(HAS_TIMES.has(kind) && { times_in: times_in.trim() || null }) };
  return office.api.post("/imports", { body: { kind, csv: file.text, dry_run, ...how }, key: secret(), silence: SILENCE });
}

async function check(office) {
  const mine = (office.data = { ...office.data, checked: null, problem: null, faults: {}, checking: true });
  office.draw();
  try {
    const checked = await ask(office, true);
    if (office.data !== mine) return;
    office.data = { ...mine, checking: false, checked };
    say(word(checked.fault_count ? "imports.said_faults" : "imports.said_fine", { n: checked.fault_count || checked.rows }));
  } catch (error) {
    if (office.data !== mine) return;
    office.data = { ...mine, checking: false, ...refusalOf(error) };
  }
  show("result");
}

/** Brings what the server says into sight, once it is drawn. */
function show(id) {
  requestAnimationFrame(() => document.getElementById(id)?.scrollIntoView({ block: "start" }));
}

function refusalOf(error) {
  if (error instanceof NoAnswer) return { problem: word("connection.no_answer") };
  if (!(error instanceof Problem) || error.status === 401) throw error;
  const { csv, times_in, ...others } = error.faults;
  return { faults: times_in ? { times_in } : {}, problem: csv ?? (times_in && !Object.keys(others).length ? null : error.message) };
}

/** Writes round after round, until nothing is left, all as it was chosen at the first. What is wrong only now is shown by a new check. */
async function carryOut(office) {
  if (office.data.writing) return;
  const start = (office.data = { ...office.data, values: { ...office.data.values }, problem: null, writing: { created: 0, changed: 0, refused: [], left: office.data.checked.rows } });
  office.draw();
  try {
    for (let sum = start.writing; ; ) {
      const reply = await ask(office, false);
      sum = { created: sum.created + reply.created, changed: sum.changed + reply.changed, refused: [...sum.refused, ...reply.faults], left: reply.left };
      office.data = { ...start, writing: sum };
      if (!reply.left) break;
      office.draw();
    }
    office.data = { ...office.data, done: office.data.writing, writing: null };
    office.did(word("imports.said_done", { n: office.data.done.created + office.data.done.changed }));
  } catch (error) {
    const stopped = error instanceof NoAnswer || error.status >= 500 ? { problem: word("imports.stopped") } : refusalOf(error);
    office.data = { ...office.data, writing: null, ...stopped };
    if (error.status === 400) await check(office);
    show("result");
  }
}

async function again(office) {
  office.data = await load(office);
}
