// Holds, reads a refusal, and books, with the types that openapi-typescript makes of the document.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const [baseUrl = "", key = "", start = ""] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });
const slot = { property_id: "prop-101", technician_id: "tech-7", start };

const held = await client.POST("/hold", { body: slot, params: { header: { "Idempotency-Key": "typescript-hold" } } });
assert.equal(held.response.status, 201, JSON.stringify(held.error));
const hold: components["schemas"]["HoldReply"] = held.data!;

const again = await client.POST("/hold", { body: { ...slot, suggest: 1 } });
assert.equal(again.response.status, 409);
const problem: components["schemas"]["Problem"] = again.error!;
assert.equal(problem.code, "slot_held");
assert.deepEqual(problem.conflicts?.map((each) => each.kind).sort(), ["property", "technician"]);
assert.ok(problem.next_available?.[0]?.technician_id);

const booked = await client.POST("/book", { body: { hold_id: hold.hold_id, customer: { name: "Alice Example" } } });
assert.equal(booked.response.status, 201, JSON.stringify(booked.error));
assert.equal(booked.data?.status, "confirmed");

const { booking_id, version } = booked.data;
const changed = await client.PATCH("/bookings/{booking_id}", {
  params: { path: { booking_id }, header: { "If-Match": `"${version}"` } },
  body: { description: "The tap drips." },
});
assert.equal(changed.data?.description, "The tap drips.");

const cancelled = await client.POST("/bookings/{booking_id}/cancel", { params: { path: { booking_id } } });
assert.equal(cancelled.data?.status, "cancelled");
console.log("TypeScript: held, refused, booked, changed, cancelled");
