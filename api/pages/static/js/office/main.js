// The pages of the office beside the board. The address names the page, and what stands behind its # the record.

import { makeApi, NoAnswer, Problem, query } from "../api.js";
import { makeClock } from "../clock.js";
import { signInView } from "../desk/signin.js";
import { at, fragment, h, render, say } from "../dom.js";
import { keepLanguage, languages, withLanguage } from "../language.js";
import { loadWords, word } from "../words.js";
import { account } from "./account.js";
import { customers } from "./customers.js";
import { imports } from "./imports.js";
import { messages } from "./messages.js";
import { people } from "./people.js";
import { policy } from "./policy.js";
import { properties } from "./properties.js";
import { services } from "./services.js";
import { technicians } from "./technicians.js";
import { waitlist } from "./waitlist.js";
import { webhooks } from "./webhooks.js";

const PAGES = [technicians, customers, waitlist, messages, properties, services, people, policy, webhooks, imports];
const LISTED = 200;

class Office {
  constructor() {
    this.api = makeApi({ token: "", clock: makeClock(), headers: { "X-Holdfast": "1" }, onstate: (state) => this.showConnection(state) });
    this.page = [...PAGES, account].find((each) => location.pathname.endsWith(`/${each.name}`));
    this.me = null;
    this.zone = "UTC";
    this.asked = {};
    this.data = null;
    this.said = "";
    this.forms = new Map();
    this.rounds = 0;
  }

  get isAdmin() { return this.me.role === "admin"; }
  get id() { return this.page.title ? fragment() : ""; }
  mayOpen(page) { return this.isAdmin || !page.admin; }

  // -- signing in

  async start() {
    try {
      this.me = await this.api.get("/session");
      await this.enter();
    } catch (error) {
      if (!(error instanceof Problem || error instanceof NoAnswer)) throw error;
      this.askWho(error.status === 401 ? undefined : word("connection.no_answer"));
    }
  }

  async signIn(values) {
    try {
      this.me = await this.api.post("/session", { body: values });
      await this.enter();
    } catch (error) {
      this.askWho(error instanceof Problem ? error.message : word("connection.no_answer"));
    }
  }

  /** Asks who sits here. problem: why. */
  askWho(problem) {
    this.me = null;
    render(at("bar"), h("p.brand", {}, word("shell.office_title")));
    render(at("main"), h("h1.unseen", { key: "h1" }, word("shell.office_title")), signInView(this, problem));
    render(at("log"));
  }

  /** query: which sessions end; left out, this one. */
  async signOut(query = "") {
    await this.api.remove(`/session${query}`);
    location.reload();
  }

  async enter() {
    this.zone = (await this.api.get("/policy/public")).timezone;
    await this.load();
    document.querySelector("#bar [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }

  // -- reading

  /** Loads what the page shows, anew. */
  async load() {
    const mine = (this.loading = {});
    if (!this.mayOpen(this.page)) return this.draw();
    this.problem = null;
    try {
      const data = await this.page.load(this);
      if (this.loading !== mine) return;
      this.data = data;
    } catch (error) {
      if (this.loading === mine) this.refused(error);
    }
    if (this.me) this.draw();
  }

  refused(error) {
    if (!(error instanceof Problem || error instanceof NoAnswer)) throw error;
    if (error.status === 401) return this.askWho(word("desk.signed_out"));
    this.problem = error instanceof Problem ? error.message : word("connection.no_answer");
  }

  /** Another record, or the list again. */
  async turn() {
    if (!this.me) return;
    this.data = null;
    this.forms.clear();
    this.draw();
    await this.load();
    (at("title") ?? at("page-title"))?.focus();
    scrollTo(0, 0);
  }

  /** All records of a list, by id. */
  async all(list) {
    const found = new Map();
    let cursor = "";
    do {
      const page = await this.api.get(query(`/${list}`, { limit: LISTED, cursor }));
      for (const each of page[list]) found.set(each.id, each);
      cursor = page.next_cursor;
    } while (cursor);
    return found;
  }

  // -- doing

  /** Does a thing, and says what the API refuses. */
  async attempt(run) {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof Problem || error instanceof NoAnswer)) throw error;
      if (error.status === 401) return this.askWho(word("desk.signed_out"));
      this.did(error instanceof Problem ? error.message : word("connection.no_answer"));
    }
    if (this.me) this.draw();
  }

  /** Says what happened. */
  did(text) {
    this.said = text;
    say(text);
  }

  /** What is typed into a form of this page. */
  formState(name, values) {
    if (!this.forms.has(name)) this.forms.set(name, { values: { ...values }, faults: {}, problem: null, busy: false, round: ++this.rounds });
    return this.forms.get(name);
  }

  forget(name) { this.forms.delete(name); }

  // -- drawing

  draw() {
    const { page } = this;
    const title = word(`office.page_${page.name}`);
    document.title = `${title} · ${word("shell.desk_title")}`;
    render(at("bar"), this.barView());
    render(at("main"),
      h("h1", { key: "h1", id: "page-title", tabindex: "-1" }, title),
      !this.id && h("p.soft", { key: "lead" }, word(`office.lead_${page.name}`)),
      !this.mayOpen(page) ? h("div.notice.warn", { key: "admin" }, h("p", {}, word("office.admin_only")))
        : this.problem ? h("div.notice.bad", { key: "problem", role: "alert" }, h("p", {}, this.problem), h("div.row", {}, h("button.button", { type: "button", onclick: () => this.load() }, word("desk.again")), this.id && h("a.button", { href: "#" }, word("office.back"))))
          : page.view(this));
    render(at("log"), this.said && h("p", {}, this.said));
    at("log").hidden = !this.said;
  }

  barView() {
    const link = (name, href) => h("a", { key: name, href: withLanguage(href), "aria-current": name === this.page.name ? "page" : null }, word(`office.page_${name}`));
    return [
      h("nav.pages", { key: "nav", "aria-label": word("office.pages") }, link("board", "/desk"), PAGES.filter((each) => this.mayOpen(each)).map((each) => link(each.name, `/desk/${each.name}`))),
      h("a.button.plain", { key: "me", href: withLanguage("/desk/account"), "aria-current": this.page === account ? "page" : null }, this.me.name ?? this.me.role, h("span.unseen", {}, ` ${word("office.page_account")}`)),
      languages(),
      h("button.button.plain", { type: "button", key: "out", onclick: () => this.attempt(() => this.signOut()) }, word("desk.sign_out")),
    ];
  }

  showConnection(state) {
    at("connection").hidden = state === "ok";
    if (state !== "ok") at("connection").textContent = word(`connection.${state}`);
  }
}

/** Goes to the content without another address, because what stands behind its # is a record. */
function skip(event) {
  event.preventDefault();
  at("main").focus();
}

async function start() {
  await loadWords();
  keepLanguage();
  const office = new Office();
  addEventListener("hashchange", () => office.turn());
  document.querySelector(".skip").addEventListener("click", skip);
  await office.start();
}

start();
