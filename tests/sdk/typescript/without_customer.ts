// The negative control, which is compiled and never run: no form of a booking compiles without a customer. If a line
// below a directive compiles, the directive itself is an error.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const client = createClient<paths>({ baseUrl: "" });
const customer = { name: "Alice Example" };
const slot = { property_id: "prop-101", start: "2026-12-05T10:00:00Z" };

await client.POST("/book", { body: { hold_id: "h_1", customer } });
await client.POST("/book", { body: { ...slot, customer } });
// @ts-expect-error
await client.POST("/book", { body: { hold_id: "h_1" } });
// @ts-expect-error
await client.POST("/book", { body: slot });
// @ts-expect-error
await client.POST("/book", { body: { property_id: "prop-101", customer } });
// @ts-expect-error
await client.PATCH("/bookings/{booking_id}", { params: { path: { booking_id: "bk_1" } }, body: {} }); // no If-Match
