// The page of one visit, /visit#token: it shows the visit, moves it and cancels it, with its manage token alone. The
// token stands behind the #, so it is in no log and in no Referer.

import { makeApi } from "../api.js";
import { makeClock } from "../clock.js";
import { at, fragment, h, render } from "../dom.js";
import { loadWords, word } from "../words.js";
import { Stay } from "./stay.js";
import { moveView, stayView } from "./views.js";

const TOKEN = /^hfm_[^~\s]+~([^~\s]+)~\S+$/;

async function start() {
  await loadWords();
  addEventListener("hashchange", () => location.reload());
  const token = fragment();
  const booking = TOKEN.exec(token)?.[1];
  if (!booking) return stop("no_token");
  const clock = makeClock();
  const api = makeApi({ token, clock, onstate: showConnection });
  const stay = new Stay({ api, clock, token, id: booking, draw: () => draw(stay) });
  document.addEventListener("visibilitychange", () => !document.hidden && stay.read());
  return stay.open();
}

let drawn = "";

function draw(stay) {
  if (stay.fatal) return stop(stay.fatal);
  const { step } = stay;
  at("columns").classList.add("alone");
  render(at("main"), h("div.stack.wide", { key: step }, step === "move" ? moveView(stay) : stayView(stay)));
  if (drawn && drawn !== step) {
    at("main").querySelector("h1")?.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }
  drawn = step;
  return undefined;
}

function stop(kind) {
  at("columns").classList.add("alone");
  const text = kind === "no_answer" ? "notice" : "visit";
  render(at("main"), h("div.stack.wide", { key: kind }, h("h1", { tabindex: "-1" }, word(`${text}.${kind}_title`)), h("p.lead", {}, word(`${text}.${kind}`)),
    kind === "no_answer" && h("div", {}, h("button.button.main", { type: "button", onclick: () => location.reload() }, word("notice.again")))));
}

function showConnection(state) {
  const notice = at("connection");
  notice.hidden = state === "ok";
  if (state !== "ok") notice.textContent = word(`connection.${state}`);
}

start();
