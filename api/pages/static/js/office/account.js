// The page of the person who is signed in: another password, and signing out on all devices.

import { h } from "../dom.js";
import { word } from "../words.js";
import { button, formView } from "./parts.js";

export const account = {
  name: "account",
  load: (office) => office.me,
  view: (office) => [passwordView(office), devicesView(office)],
};

const section = (title, ...parts) => h("section.card.stack", { key: title }, h("h2", {}, title), ...parts);

function passwordView(office) {
  const title = word("office.account_password");
  if (!office.me.user_id) return section(title, h("p", {}, word("office.account_key")));
  const how = (autocomplete) => ({ type: "password", autocomplete, required: true });
  const fields = [["current_password", how("current-password")], ["new_password", { ...how("new-password"), hint: word("office.password_hint") }]];
  return section(title, h("p.soft", {}, word("office.account_ends")), formView(office, "password", {
    fields, main: true, submit: word("office.save"),
    send: async (values) => {
      office.me = await office.api.post("/session/password", { body: values });
      office.did(word("office.account_changed"));
    },
  }));
}

function devicesView(office) {
  return section(word("office.account_devices"), h("p.soft", {}, word("office.account_devices_hint")),
    h("div.row", {}, button(office, word("office.account_everywhere"), () => office.signOut("?everywhere=true"), ".danger")));
}
