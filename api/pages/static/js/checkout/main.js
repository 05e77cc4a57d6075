// The checkout: service → property → time → details → booked. This file starts it and draws it; `shop` acts.

import { makeClock } from "../clock.js";
import { makeApi, secret } from "../api.js";
import { at, h, meta, render, say } from "../dom.js";
import { clockText } from "../holding.js";
import { openKeep, tellHost } from "../keep.js";
import { loadWords, word } from "../words.js";
import { detailsView } from "./details.js";
import { doneView } from "./done.js";
import { Shop } from "./shop.js";
import { barView, summaryView } from "./summary.js";
import { waitView } from "./wait.js";
import { noticeView, propertyView, serviceView, timeView } from "./views.js";

const SPOKEN = [120, 60, 20];

const VIEWS = { service: serviceView, property: propertyView, time: timeView, details: detailsView, done: doneView, wait: waitView };

async function start() {
  await loadWords();
  const named = new URLSearchParams(location.search).get("key") ?? "";
  const key = meta("holdfast-key") || (named.startsWith("hf_checkout_") ? named : "");
  const clock = makeClock();
  const keep = await openKeep(`checkout.${key.slice(-8)}`);
  if (!keep.kept.holder) keep.save({ holder: `web-${secret()}` });
  const api = makeApi({ token: key, clock, onstate: showConnection });
  const shop = new Shop({ api, clock, keep, key, draw: () => draw(shop) });
  addEventListener("popstate", () => shop.follow(new URLSearchParams(location.search)));
  document.addEventListener("visibilitychange", () => !document.hidden && shop.wake());
  setInterval(() => tick(shop), 250);
  new ResizeObserver(() => tellHost("height", { height: document.documentElement.offsetHeight })).observe(document.body);
  await shop.open();
}

let drawn = "";

function draw(shop) {
  const { step } = shop;
  const main = at("main");
  const view = shop.fatal ? noticeView(shop, shop.fatal) : VIEWS[step](shop);
  at("columns").classList.toggle("alone", step === "done" || Boolean(shop.fatal));
  render(main, h("div.stack.wide", { key: step }, view));
  render(at("aside"), shop.fatal || step === "done" ? [] : summaryView(shop));
  render(at("bar"), shop.fatal ? [] : barView(shop));
  at("bar").hidden = !at("bar").hasChildNodes();
  if (drawn !== step) arrive(step);
}

/** A new step begins at its heading, for eyes and for screen readers; not the first one, which the visitor opened. */
function arrive(step) {
  const before = drawn;
  drawn = step;
  document.title = `${word(`${step}.title`)} · ${at("brand").textContent}`;
  if (!before) return;
  const heading = at("main").querySelector("h1");
  heading?.focus({ preventScroll: true });
  scrollTo({ top: 0 });
}

let spoken = Infinity;
let looked = "";

function tick(shop) {
  const left = shop.left;
  if (left === null) {
    spoken = Infinity;
    return;
  }
  for (const node of document.querySelectorAll(".left")) if (node.textContent !== clockText(left)) node.textContent = clockText(left);
  const seconds = Math.ceil(left / 1000);
  const due = SPOKEN.filter((mark) => seconds <= mark).at(-1) ?? Infinity;
  if (due < spoken) say(word("hold.left", { time: due >= 60 ? word("dates.minutes", { n: due / 60 }) : word("dates.seconds", { n: due }) }));
  spoken = due;
  const look = `${due} ${shop.extendable}`;
  if (look !== looked) shop.draw();
  looked = look;
  if (left <= 0) shop.runOut();
}

function showConnection(state) {
  const notice = at("connection");
  notice.hidden = state === "ok";
  if (state !== "ok") notice.textContent = word(`connection.${state}`);
}

start();
