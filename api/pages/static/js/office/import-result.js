// What the server says of a file: its mistakes, or what an import would do; then how far the import is, and its end.

import { h } from "../dom.js";
import { withLanguage } from "../language.js";
import { word } from "../words.js";
import { button, tableView } from "./parts.js";

const MOST_SHOWN = 100;

/** What a check found. run: imports the rows. */
export function resultView(office, { checked, writing, file, values }, run) {
  if (checked.fault_count) return [faultsView(checked), previewView(file, checked)];
  const n = checked.created + checked.changed;
  const about = [["created", checked.created], ["changed", checked.changed], ["unchanged", checked.unchanged]].filter(([, count]) => count);
  return [
    h("section.card.stack", { key: "result", id: "result" },
      h("h2", {}, word("imports.fine", { name: file.name })),
      h("ul.row", { key: "counts" }, about.map(([name, count]) => h("li.state.good", { key: name }, word(`imports.${name}`, { n: count })))),
      !checked.rows ? h("p", { key: "nothing" }, word("imports.no_rows"))
        : !n ? h("p", { key: "nothing" }, word("imports.nothing_new"))
          : writing ? progressView(checked.rows, writing)
            : h("div.row", { key: "go" }, button(office, word(`imports.go_${values.kind}`, { n }), run, ".main.big"))),
    checked.rows > 0 && previewView(file, checked),
  ];
}

function progressView(rows, { left }) {
  const n = rows - left;
  return h("div.stack.tight", { key: "progress" },
    h("label", { for: "written" }, word("imports.writing", { n, rows })),
    h("progress", { id: "written", max: rows, value: n }));
}

function faultsView(checked) {
  const { faults, fault_count, refused } = checked;
  const heads = [word("imports.line"), word("imports.column"), word("imports.what_to_do")];
  const rows = faults.slice(0, MOST_SHOWN).map((each, index) => [index, [String(each.line), each.column && h("code", {}, each.column), each.message]]);
  return h("section.card.stack", { key: "faults", id: "result" },
    h("h2", {}, word("imports.faults", { n: fault_count })),
    h("p", {}, word("imports.faults_about", { n: Math.max(refused, 1) })),
    h("div.numbered", {}, tableView(word("imports.faults", { n: fault_count }), heads, rows, true)),
    fault_count > rows.length && h("p.soft", { key: "more" }, word("imports.faults_more", { n: rows.length })));
}

/** The first rows as the server read them, so that a wrong separator or a wrong column shows before anything is written. */
function previewView(file, { preview }) {
  if (!preview?.rows.length) return null;
  const heads = [word("imports.line"), ...preview.columns];
  const rows = preview.rows.map((row) => [row.line, [String(row.line), ...row.cells]]);
  return h("section.card.stack", { key: "preview" },
    h("h2", {}, word("imports.preview")),
    h("div.wide.numbered", { tabindex: "0", role: "region", "aria-label": word("imports.preview") }, tableView(word("imports.preview"), heads, rows, true)));
}

/** The end of an import. again: begins with another file. */
export function importedView(office, { done, checked, values, file }, again) {
  const n = done.created + done.changed;
  return [
    h("div.notice.good", { key: "done", role: "status" },
      h("h2", {}, word(`imports.done_${values.kind}`, { n })),
      h("p", {}, word("imports.done_about", { name: file.name, created: done.created, changed: done.changed, rest: checked.rows - n - done.refused.length }))),
    done.refused.length > 0 && faultsView({ faults: done.refused, fault_count: done.refused.length, refused: done.refused.length }),
    h("div.row", { key: "next" },
      h("a.button.main", { href: withLanguage(values.kind === "bookings" ? "/desk" : `/desk/${values.kind}`) }, word(`imports.see_${values.kind}`)),
      button(office, word("imports.another"), again)),
  ];
}
