// Forms that send the requests of the reference. Everything else of the pages is there without this script.
// The key stays in its field: it is neither stored nor put into an address.

import { h } from "../dom.js";

const SHOWN = ["etag", "idempotency-replayed", "location", "retry-after", "x-request-id"];
const JSON_TYPE = "application/json";
const STREAM = "text/event-stream";
const STREAM_MS = 5000;

const key = h("input.input", { id: "key", type: "password", autocomplete: "off", spellcheck: "false", "aria-describedby": "key-hint" });

document.getElementById("tools")?.replaceChildren(
  h("form.field", { onsubmit: (event) => event.preventDefault() }, h("label", { for: "key" }, "API key for the requests that you try"), key,
    h("p.hint", { id: "key-hint" }, "It stays in this field. Without one, your sign-in on this server counts, if there is one.")),
);
for (const section of document.querySelectorAll(".operation")) offer(section);

/** Puts a button behind an operation, which opens its form. */
function offer(section) {
  const place = section.querySelector(".try");
  const title = section.querySelector("h2").textContent;
  const open = h("button.button", { type: "button" }, "Try it", h("span.unseen", null, `: ${title}`));
  open.onclick = () => {
    const made = form(section);
    place.replaceChildren(made);
    made.querySelector("input, textarea, button").focus();
  };
  place.replaceChildren(open);
}

function form(section) {
  const { method, path, media } = section.dataset;
  const parameters = [...section.querySelectorAll("code[data-in]")].map((node) => field(section.id, node.textContent, node.dataset.in));
  const sample = section.querySelector(".example.body pre");
  const body = sample && h("textarea.input", { id: `${section.id}-body`, spellcheck: "false" });
  if (body) body.value = sample.textContent;
  const answer = h("div.answer", { "aria-live": "polite" });
  const made = h("form.trying", null,
    parameters.length ? h("div.pair", null, ...parameters.map((each) => each.view)) : null,
    body && h("div.field", null, h("label", { for: body.id }, "Body"), body),
    h("div.row", null, h("button.button.main", { type: "submit" }, `Send ${method} ${path}`)),
    answer);
  made.onsubmit = async (event) => {
    event.preventDefault();
    answer.replaceChildren(h("p.soft", null, "Sent. Waiting for the reply."));
    answer.replaceChildren(...await send(method, path, parameters, body?.value.trim() ?? "", media));
  };
  return made;
}

function field(operation, name, place) {
  const id = `${operation}-${name}`;
  const input = h("input.input", { id, autocomplete: "off", spellcheck: "false", required: place === "path" });
  const view = h("div.field", null, h("label", { for: id }, name), input);
  return { name, place, view, value: () => input.value.trim() };
}

/** Sends the request of a form and gives what to show of the reply. */
async function send(method, path, parameters, body, media) {
  const given = parameters.filter((each) => each.value() !== "");
  const address = given.filter((each) => each.place === "path")
    .reduce((whole, each) => whole.replace(`{${each.name}}`, encodeURIComponent(each.value())), path);
  const query = new URLSearchParams(given.filter((each) => each.place === "query").map((each) => [each.name, each.value()]));
  const headers = new Headers(given.filter((each) => each.place === "header").map((each) => [each.name, each.value()]));
  if (key.value) headers.set("Authorization", `Bearer ${key.value.trim()}`);
  else headers.set("X-Holdfast", "1");
  if (body) headers.set("Content-Type", media);
  const leave = new AbortController();
  try {
    const reply = await fetch(`${address}${query.size ? `?${query}` : ""}`, {
      method, headers, body: encoded(body, media), signal: leave.signal, credentials: key.value ? "omit" : "same-origin",
    });
    return shown(reply, await read(reply, leave));
  } catch (error) {
    return [h("p.notice.bad", null, `No reply came: ${error.message}. Look at the values above and send it again.`)];
  }
}

/** What is typed is JSON, also for a body that is sent as the fields of a form. */
function encoded(body, media) {
  if (!body) return undefined;
  return media === JSON_TYPE ? body : new URLSearchParams(JSON.parse(body)).toString();
}

/** The text of a reply; of a stream what comes within some seconds. */
async function read(reply, leave) {
  if (!reply.headers.get("Content-Type")?.startsWith(STREAM)) return reply.text();
  const timer = setTimeout(() => leave.abort(), STREAM_MS);
  let text = "";
  try {
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  } catch {
    text += `\n… left after ${STREAM_MS / 1000} seconds`;
  }
  clearTimeout(timer);
  return text;
}

function shown(reply, text) {
  const state = reply.ok ? "good" : reply.status >= 500 ? "bad" : "warn";
  const lines = SHOWN.filter((name) => reply.headers.has(name)).map((name) => `${name}: ${reply.headers.get(name)}`);
  return [
    h(`p.notice.${state}`, null, h("b", null, `${reply.status} ${reply.statusText}`)),
    h("pre", null, [...lines, ...(lines.length && text ? [""] : []), pretty(text)].join("\n")),
  ];
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
