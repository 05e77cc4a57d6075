// What happened, said in one place at the bottom: with Undo for a minute, or with what can be done instead.

import { at, h, render, say } from "../dom.js";
import { word } from "../words.js";
import { presenceView } from "./bar.js";

const UNDO_MS = 60_000;

/** The last thing that was said. desk: see main. */
export function makeSaid(desk) {
  let last = null;

  function show(next) {
    last = next;
    say(next.text);
    said.draw();
  }

  const said = {
    /** Says what was done. undo: takes it back, for a minute. */
    did: (text, undo) => show({ text, undo, choices: [], until: Date.now() + UNDO_MS }),
    /** Says something. choices: [{text, run}], what can be done about it. */
    tell: (text, choices = []) => show({ text, choices, until: choices.length ? null : Date.now() + UNDO_MS }),
    /** Says why something could not be read. again: tries once more. */
    failed(error, again) {
      if (!desk.session.endedBy(error)) said.tell(desk.session.sentence(error), [{ text: word("desk.again"), run: again }]);
    },
    async undo() {
      const undo = last?.undo;
      if (!undo) return;
      last = null;
      if (await undo()) said.tell(word("desk.undone"));
    },
    forget() {
      last = null;
    },
    tick() {
      if (!last?.until || last.until > Date.now()) return;
      last = null;
      said.draw();
    },
    draw: () => render(at("log"), desk.me ? [h("div.said", { key: "said" }, view()), presenceView(desk)] : []),
  };

  function view() {
    if (!last) return h("p.soft.small.keys-hint", { key: "hint" }, word("desk.hint"));
    return [
      h("p", { key: "text" }, last.text),
      last.choices.map((each) => h("button.button", { type: "button", key: each.text, onclick: () => {
        said.forget();
        said.draw();
        each.run();
      } }, each.text)),
      last.undo && h("button.button", { type: "button", key: "undo", onclick: () => said.undo() }, word("desk.undo")),
    ];
  }

  return said;
}
