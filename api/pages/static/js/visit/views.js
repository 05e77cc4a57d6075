// A visit as its customer sees it, and the week in which it can be moved.

import { city, duration } from "../dates.js";
import { at, h } from "../dom.js";
import { saveCalendar } from "../ics.js";
import { weekView } from "../week.js";
import { call } from "../checkout/views.js";
import { ownTime } from "../checkout/summary.js";
import { word } from "../words.js";

const STATES = { confirmed: "booked", pending: "pending", completed: "good", cancelled: "bad", no_show: "bad", expired: "bad" };

export function stayView(stay) {
  const { booking } = stay;
  return [
    h("div.row.apart", {}, h("h1", { tabindex: "-1" }, word("visit.title")), h(`span.state.${STATES[booking.status]}`, {}, word(`visit.${booking.status}`))),
    stay.news && h("p.notice.good", { key: "news", role: "status" }, stay.news),
    stay.refusal && h("div.notice.warn", { key: "refusal", role: "alert" }, h("p", {}, stay.refusal), call(stay, "notice.call")),
    h("div.card.stack", {}, when(stay), h("dl.stack.facts", {}, facts(booking)),
      stay.isOpen && h("div.row", {}, h("button.button", { type: "button", onclick: () => saveCalendar(calendarOf(booking)) }, word("done.calendar")))),
    stay.isOpen ? actions(stay) : h("div", {}, h("a.button.main", { href: "/" }, word("visit.book_new"))),
    call(stay, "notice.call"),
  ];
}

function when(stay) {
  const { booking } = stay;
  const { date, time } = stay.when;
  const ended = ["cancelled", "expired"].includes(booking.status);
  const own = ownTime(stay.startMs, booking.timezone, stay.own);
  return h("div", {}, h(`p.when${ended ? ".bad-day" : ""}`, {}, `${date}, ${time}`),
    h("p.soft", {}, [duration(booking.duration_minutes), word("week.zone_name", { city: city(booking.timezone) })].join(" · ")), own && h("p.soft", {}, own));
}

function facts(booking) {
  const texts = {
    where: [booking.property_name, booking.property_address].filter(Boolean).join(", "),
    who: (booking.technician_names ?? []).join(", "),
    name: booking.customer?.name,
    about: booking.description,
    number: booking.booking_id,
  };
  return Object.entries(texts).filter(([, text]) => text).map(([name, text]) =>
    h("div", { key: name }, h("dt.soft.small", {}, word(`visit.${name}`)), h("dd", {}, text)));
}

function actions(stay) {
  const window = stay.policy.cancel_window_minutes;
  return h("div.stack.tight", { key: "actions" },
    h("div.row", {},
      h("button.button.main", { type: "button", onclick: () => stay.move() }, word("visit.move")),
      h("button.button.danger", { type: "button", onclick: () => at("cancel").showModal() }, word("visit.cancel"))),
    window > 0 && h("p.soft.small", {}, word("visit.until", { time: duration(window) })),
    h("dialog", { id: "cancel", "aria-labelledby": "cancel-title" }, h("div.stack", {},
      h("h2", { id: "cancel-title" }, word("visit.cancel_title")), h("p", {}, word("visit.cancel_text", stay.when)),
      h("div.row", {},
        h("button.button.main", { type: "button", autofocus: true, onclick: () => at("cancel").close() }, word("visit.cancel_no")),
        h("button.button.danger", { type: "button", onclick: () => {
          at("cancel").close();
          stay.cancel();
        } }, word("visit.cancel_yes"))))));
}

export function moveView(stay) {
  const { weeks } = stay;
  const { week } = weeks;
  return [
    h("div.stack.tight", {}, h("h1", { tabindex: "-1" }, word("visit.move_title")), h("p.lead", {}, word("visit.move_lead", stay.when))),
    stay.refusal && h("p.notice.warn", { key: "refusal", role: "alert" }, stay.refusal),
    week?.refused ? h("p.notice.bad", { role: "alert" }, week.refused) : week && h("div.stack", { key: "week" }, weekView(week, {
      first: weeks.today, last: weeks.last, own: stay.own, busy: stay.busy,
      on: { week: (date) => weeks.turn(date), day: (date) => weeks.choose(date), pick: (slot) => stay.take(slot) },
    })),
    h("div", {}, h("button.button", { type: "button", onclick: () => stay.leave() }, word("visit.move_no"))),
  ];
}

const calendarOf = (booking) => ({
  id: booking.booking_id, start: booking.start, end: booking.end, made: booking.updated_at,
  title: [word("done.visit"), booking.property_name].filter(Boolean).join(" · "), place: booking.property_address ?? "", about: location.href,
});
