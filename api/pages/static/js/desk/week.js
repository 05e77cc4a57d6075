// The week: for each technician and day how much of the working time is booked.

import { addDays, local, shortDate } from "../dates.js";
import { at, h } from "../dom.js";
import { word } from "../words.js";

const DAYS = 7;
const HOUR = 3_600_000;

const overlap = (from, to, begin, end) => Math.max(0, Math.min(to, end) - Math.max(from, begin));

/** Draws the week into the board. */
export function drawWeek(desk) {
  const days = Array.from({ length: DAYS }, (_, index) => addDays(desk.date, index));
  const spans = days.map((date) => [desk.instant(date, "00:00"), desk.instant(addDays(date, 1), "00:00")]);
  const head = h("tr", {}, h("th", { scope: "col" }, word("desk.technician")), days.map((date) => h("th", { scope: "col", key: date }, dayLink(desk, date))));
  const rows = desk.narrow.technicians.map((technician) => {
    const column = desk.model.column(technician.id);
    return h("tr", { key: technician.id }, h("th", { scope: "row" }, technician.name), spans.map(([begin, end], index) => {
      const closed = technician.closed.reduce((sum, { from, to }) => sum + overlap(from, to, begin, end), 0);
      const busy = column.filter((each) => overlap(each.startMs, each.endMs, begin, end) > 0);
      const booked = busy.reduce((sum, each) => sum + overlap(each.startMs, each.endMs, begin, end), 0);
      return h("td", { key: days[index] }, cell(busy.length, booked, end - begin - closed));
    }));
  });
  const focused = document.activeElement?.dataset.date;
  at("board").replaceChildren(h("table.week-load", {}, h("caption.unseen", {}, word("desk.week")), h("thead", {}, head), h("tbody", {}, rows)));
  if (focused) at("board").querySelector(`[data-date="${focused}"]`)?.focus();
}

function dayLink(desk, date) {
  const today = date === local(desk.clock.now(), desk.model.zone).date;
  return h("button.link", { type: "button", "data-date": date, "aria-current": today ? "date" : null, onclick: () => {
    desk.view = "day";
    desk.goToDay(date);
  } }, shortDate(date));
}

function cell(count, booked, open) {
  if (open <= 0 && !count) return h("span.soft.small", {}, word("desk.off"));
  if (!count) return h("span.soft.small", {}, word("desk.free_all_day"));
  const part = open > 0 ? Math.min(1, booked / open) : 1;
  const bar = h("span.load", { "aria-hidden": "true" });
  const fill = h("span", {});
  fill.style.width = `${Math.round(part * 100)}%`;
  bar.append(fill);
  return [bar, h("span.small", {}, word("desk.load", { n: count, hours: (booked / HOUR).toFixed(1).replace(".0", "") }))];
}
