// Who sits at the desk: signing in and out, and what happens when a session ends.

import { Problem } from "../api.js";
import { at, h, render } from "../dom.js";
import { word } from "../words.js";
import { signInView } from "./signin.js";

/** The session of one desk. desk: see main. */
export function makeSession(desk) {
  async function enter() {
    document.body.classList.add("inside");
    await desk.enter();
  }

  const session = {
    async start() {
      try {
        desk.me = await desk.api.get("/session");
      } catch (error) {
        return session.ask(error.status === 401 ? undefined : session.sentence(error));
      }
      await enter();
    },
    /** Asks who sits here. problem: why. */
    ask(problem) {
      desk.leave();
      document.body.classList.remove("inside");
      render(at("bar"), h("h1.brand", {}, word("shell.desk_title")));
      render(at("main"), signInView(session, problem));
      render(at("log"));
    },
    async signIn(values) {
      try {
        desk.me = await desk.api.post("/session", { body: values });
      } catch (error) {
        return session.ask(session.sentence(error));
      }
      await enter();
    },
    async signOut() {
      await desk.api.remove("/session").catch(() => {});
      location.reload();
    },
    /** What an error says to the person at the desk. */
    sentence: (error) => (error instanceof Problem ? error.message : word("connection.no_answer")),
    /** Asks to sign in again if that is what the error means. True if so. */
    endedBy(error) {
      if (error?.status !== 401) return false;
      session.ask(word("desk.signed_out"));
      return true;
    },
  };
  return session;
}
