// What the panel beside the board shows: a visit, a hold, a form, what was found. `desk.panel` is its state, or null.

import { query } from "../api.js";
import { local } from "../dates.js";
import { at } from "../dom.js";
import { startValues } from "./forms.js";

const FOUND = 20;

/** Opens and closes the panel of one desk. desk: see main. */
export function makePanels(desk) {
  const { api, model } = desk;

  const panels = {
    /** The entry of the panel as it is now. */
    selected: () => (desk.panel?.kind ? model.find(desk.panel.kind, desk.panel.id) : undefined),
    /** A visit or a hold, with what can be done about it. */
    open(kind, id) {
      if (desk.drag.swallows) return;
      panels.show("record", id, { kind });
      if (kind === "visit") desk.reading.read(id).catch((error) => desk.said.failed(error, () => panels.open(kind, id)));
      else if (!model.find("hold", id)?.hold_id) desk.reading.load();
    },
    /** mode: what is shown. id: of the visit that it is about. `base` is that visit as it is when a form opens; one of which only an
     * event is known is read before. */
    show(mode, id = null, more = {}) {
      const kind = id ? more.kind ?? "visit" : null;
      const base = id && model.find(kind, id);
      if (base && mode !== "record" && !base.created_at) return desk.reading.read(id).then(() => panels.show(mode, id, more), (error) => desk.said.failed(error, () => panels.show(mode, id, more)));
      desk.panel = { mode, id, base, faults: {}, ...more, kind, values: startValues(desk, mode, base, more.values) };
      desk.draw();
      at("panel-title")?.focus();
    },
    close() {
      const back = desk.panel && desk.board.node(desk.panel.kind ?? "visit", desk.panel.id ?? "");
      desk.panel = null;
      desk.draw();
      desk.keys.rove();
      desk.keys.focus(back ?? desk.keys.current);
    },
    bookAt(technicianId, ms, reserve = false) {
      panels.show("book", null, { values: { ...local(ms, model.zone), technician_ids: [technicianId], reserve } });
    },
    /** Shows both versions of a visit that somebody else changed. base: as it was seen here. mine: the fields that were to change. */
    async differ(base, mine) {
      try {
        await desk.reading.read(base.id);
        panels.show("differ", base.id, { mine, base });
      } catch (error) {
        desk.said.failed(error, () => panels.differ(base, mine));
      }
    },
    async search(text) {
      if (!text.trim()) return;
      try {
        const { bookings } = await api.get(query("/bookings", { q: text, limit: FOUND }));
        await desk.names.need(bookings.map((each) => each.property_id));
        panels.show("found", null, { found: bookings });
      } catch (error) {
        desk.said.failed(error, () => panels.search(text));
      }
    },
    /** The day of a booking, with the booking in sight and in the panel. */
    async goTo(booking) {
      desk.view = "day";
      await desk.goToDay(local(Date.parse(booking.start), model.zone).date);
      desk.reading.take(booking);
      panels.open("visit", booking.booking_id);
      desk.board.node("visit", booking.booking_id)?.scrollIntoView({ block: "center", inline: "center" });
    },
  };
  return panels;
}
