// The names of properties, services, technicians and people. The board brings those of its properties; others are read
// when something shows them.

import { query } from "../api.js";
import { local } from "../dates.js";
import { word } from "../words.js";

const PAGE = 200;

/** The names of one desk. desk: see main. */
export function makeNames(desk) {
  const places = new Map();
  const services = new Map();

  const names = {
    /** Takes properties as the board or the API shows them. */
    learn(list) {
      for (const each of list) places.set(each.id, { ...places.get(each.id), ...each });
    },
    /** Reads those of these properties that have no name yet. */
    async need(ids) {
      const missing = [...new Set(ids)].filter((id) => !places.has(id));
      const found = await Promise.all(missing.map((id) => desk.api.get(`/properties/${id}`).catch(() => null)));
      names.learn(found.filter(Boolean));
    },
    async readServices() {
      let cursor = "";
      do {
        const page = await desk.api.get(query("/services", { limit: PAGE, cursor }));
        for (const each of page.services) services.set(each.id, each);
        cursor = page.next_cursor;
      } while (cursor);
    },
    services: () => [...services.values()],
    service: (id) => (id ? services.get(id)?.name ?? id : ""),
    property: (id) => places.get(id),
    place(id) {
      const place = places.get(id);
      if (!place) return id;
      return place.has_units ? word("desk.building", { name: place.name }) : place.name;
    },
    technician: (id) => desk.model.technicians.find((each) => each.id === id)?.name ?? id,
    technicians: (ids) => ids.map(names.technician).join(", "),
    person: (by) => by.replace(/^desk:|^admin:/, ""),
    /** Whom a visit or a hold is for. */
    customer: (entry) => (entry.kind === "hold" ? word("desk.hold") : entry.customer?.name ?? names.place(entry.property_id)),
    /** "Erik Example at 11:00", of what stands in the way. */
    inTheWay: (other) => word("desk.verdict_taken", { who: names.customer(other), time: local(other.startMs, desk.model.zone).time }),
    verdict: ({ kind, other }) => (kind === "taken" ? names.inTheWay(other) : word(`desk.verdict_${kind}`)),
  };
  return names;
}
