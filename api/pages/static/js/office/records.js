// A page that lists records of one kind, and shows one of them: its id stands behind the # of the address.

import { query, secret } from "../api.js";
import { h } from "../dom.js";
import { word } from "../words.js";
import { button, changesOf, formView, tableView } from "./parts.js";

const NEW = "+";
const PAGE = 50;

/** A page of records.
 *
 * name: of the page. path, list: where the API lists them, and under which name. id: the name of their id. columns:
 * [name, cell(record, office)]. searches: it can be searched. filter: [name, [value, …]] narrows it. fields(office, record): of the form that makes or
 * changes one; values(record) and body(values, record, office) turn a record into the form's values and back. title:
 * of the page of one record; without it there is none. more(office, record): what else that page reads. parts(office,
 * data), after(office, data): what else it shows, before and behind the form. removes: an admin may remove one. keyed: the API takes an Idempotency-Key for a new one.
 * admin: for admins alone. */
export function records(page) {
  return { keyed: true, id: "id", ...page, load, view };
}

async function load(office) {
  const { page, id } = office;
  if (!id) return listed(office, "");
  if (id === NEW) return { record: null };
  const record = await office.api.get(`${page.path}/${encodeURIComponent(id)}`);
  return { record, ...(await page.more?.(office, record)) };
}

async function listed(office, cursor) {
  const { page, asked } = office;
  await page.before?.(office);
  const found = await office.api.get(query(page.path, { limit: PAGE, cursor, ...asked }));
  return { rows: found[page.list], cursor: found.next_cursor };
}

function view(office) {
  const { page, data, id } = office;
  if (!id) return [toolsView(office), data ? listView(office) : h("div.skeleton.tall", { key: "skeleton" })];
  const back = h("p", { key: "back" }, h("a", { href: "#" }, word("office.back")));
  if (!data) return [back, h("div.skeleton.tall", { key: "skeleton" })];
  const { record } = data;
  const title = record ? page.title(record) : word(`office.new_${page.name}`);
  return [back, h("h2", { key: "title", id: "title", tabindex: "-1" }, title), h("div.parts", { key: id }, page.parts ? page.parts(office, data) : null, page.fields && editView(office, record), record && page.after?.(office, data), record && page.removes && office.isAdmin && removeView(office, record))];
}

function toolsView(office) {
  const { page, asked } = office;
  const makes = page.fields && page.makes !== false && office.isAdmin;
  const parts = [
    page.searches && h("form.search", { key: "search", role: "search", onsubmit: (event) => {
      event.preventDefault();
      asked.q = event.target.elements.q.value.trim();
      office.load();
    } }, h("label.unseen", { for: "q" }, word(`office.search_${page.name}`)), h("input.input", { id: "q", name: "q", type: "search", value: asked.q ?? "", placeholder: word(`office.search_${page.name}`), autocomplete: "off" })),
    page.filter && h("div.filter", { key: "filter" }, h("label.unseen", { for: "filter" }, word(`office.filter_${page.filter[0]}`)),
      h("select.input", { id: "filter", onchange: (event) => {
        asked[page.filter[0]] = event.target.value;
        office.load();
      } }, h("option", { value: "", key: "" }, word("office.all")), page.filter[1].map((each) => h("option", { value: each, key: each, selected: asked[page.filter[0]] === each }, word(`office.${page.filter[0]}_${each}`))))),
    makes && h("a.button.main", { key: "new", href: `#${NEW}` }, word(`office.new_${page.name}`)),
  ].filter(Boolean);
  return parts.length > 0 && h("div.row.tools", { key: "tools" }, parts);
}

function listView(office) {
  const { page, data } = office;
  if (!data.rows.length) return h("p.empty", { key: "empty" }, word(office.asked.q ? "office.nothing_found" : `office.empty_${page.name}`));
  const heads = page.columns.map(([name]) => word(`office.column_${name}`));
  const cells = (record) => page.columns.map(([, cell], index) => {
    const shown = cell(record, office);
    return index === 0 && page.title ? h("a", { href: `#${encodeURIComponent(record[page.id])}` }, shown) : shown;
  });
  return [
    tableView(word(`office.page_${page.name}`), heads, data.rows.map((record) => [record[page.id], cells(record)]), true),
    data.cursor && h("div.row", { key: "more" }, button(office, word("office.more"), async () => {
      const next = await listed(office, data.cursor);
      office.data = { ...next, rows: [...data.rows, ...next.rows] };
    })),
  ];
}

function editView(office, record) {
  const { page } = office;
  return h("section.card.stack", { key: "edit" }, h("h3", {}, word(record ? "office.change" : `office.new_${page.name}`)), formView(office, "edit", {
    fields: page.fields(office, record), values: record ? page.values(record) : page.begin ?? {}, main: !record || !page.parts, submit: word(record ? "office.save" : "office.add"),
    send: (values) => (record ? saved(office, page.body(values, record, office), record) : made(office, page.body(values, null, office))),
  }));
}

async function saved(office, body, record) {
  const { page } = office;
  const changes = changesOf(body, record);
  if (Object.keys(changes).length) await office.api.patch(`${page.path}/${encodeURIComponent(record[page.id])}`, { body: changes });
  office.did(word("office.saved", { name: page.title({ ...record, ...body }) }));
  await office.load();
}

async function made(office, body) {
  const { page } = office;
  const record = await office.api.post(page.path, { body, key: page.keyed ? secret() : undefined });
  office.did(word("office.added", { name: page.title(record) }));
  office.data = null;
  page.made?.(office, record);
  location.hash = encodeURIComponent(record[page.id]);
}

/** The button with which a record is removed; it asks once more. */
function removeView(office, record) {
  const { page, data } = office;
  const path = `${page.path}/${encodeURIComponent(record[page.id])}`;
  const ask = () => (office.data = { ...data, asks: true });
  const remove = async () => {
    await office.api.remove(path);
    office.did(word("office.removed", { name: page.title(record) }));
    office.data = null;
    location.hash = "";
  };
  return h("div.row", { key: "remove" }, data.asks
    ? [h("p", { key: "ask" }, word("office.remove_ask", { name: page.title(record) })), button(office, word("office.remove_yes"), remove, ".danger"), button(office, word("office.remove_no"), () => (office.data = { ...data, asks: false }))]
    : button(office, word("office.remove"), ask, ".danger"));
}
