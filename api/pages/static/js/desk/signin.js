// The form with which people sign in as themselves.

import { field } from "../form.js";
import { h } from "../dom.js";
import { languages } from "../language.js";
import { word } from "../words.js";

/** What the form begins with. The password is kept nowhere. */
const values = {};

/** problem: why the last try did not work. */
export function signInView(desk, problem) {
  const input = (name, type, autocomplete) =>
    field(name, { label: word(`desk.${name}`), type, autocomplete, required: true, values, faults: {}, oninput: () => {} });
  return h("form.stack.signin.card", { key: "signin", onsubmit: (event) => {
    event.preventDefault();
    const { email, password } = event.target.elements;
    values.email = email.value;
    desk.signIn({ email: email.value, password: password.value });
  } },
  h("h2", {}, word("desk.sign_in")),
  problem && h("div.notice.bad", { role: "alert" }, h("p", {}, problem)),
  input("email", "email", "username"),
  input("password", "password", "current-password"),
  h("button.button.main.big.full", { type: "submit" }, word("desk.sign_in")),
  languages());
}
