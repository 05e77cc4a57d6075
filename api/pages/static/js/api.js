// Requests to the API. What got no answer is sent again: a GET always, a POST with its Idempotency-Key. A refusal is
// thrown as a Problem; its `detail` is a sentence that a customer can read.

const AGAIN = new Set([408, 502, 503, 504]);
const FIRST_PAUSE = 400;
const LONGEST_PAUSE = 5000;
const SILENCE = 12_000;
const SLOW = 3000;

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? `HTTP ${status}`);
    this.status = status;
    this.code = body.code ?? "";
    this.body = body;
  }

  /** The sentence about each field that is wrong, by its name. */
  get faults() {
    return Object.fromEntries((this.body.errors ?? []).map((fault) => [fault.field, fault.message]));
  }
}

/** No answer came, however often it was asked. */
export class NoAnswer extends Error {}

/** 32 hexadecimal digits that nobody can guess. `crypto.randomUUID` is missing on plain http. */
export function secret() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A client of the API. token: the key, or a manage token. clock: hears the time of each reply. onstate: is called with
 * "ok", "waiting" or "offline" when that changes. */
export function makeApi({ token, clock, onstate = () => {}, base = "", headers: always = {} }) {
  let state = "ok";

  function become(next) {
    if (state !== next) onstate((state = next));
  }

  async function once(method, path, { body, headers, silence = SILENCE }) {
    const sent = Date.now();
    const slow = setTimeout(become, SLOW, "waiting");
    const reply = await fetch(base + path, {
      method,
      headers: {
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...always,
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(silence),
      cache: "no-store",
    }).finally(() => clearTimeout(slow));
    clock.hear(reply.headers.get("Date"), sent);
    return { reply, text: await reply.text() };
  }

  /** Sends until there is an answer, for `patience` milliseconds of being online. silence: so long one answer may take. */
  async function send(method, path, options = {}) {
    const { key, patience = 20_000 } = options;
    const headers = key ? { ...options.headers, "Idempotency-Key": key } : options.headers;
    const repeats = method === "GET" || method === "DELETE" || Boolean(key);
    let began = Date.now();
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      let wait = pause * (0.5 + Math.random() / 2);
      try {
        const { reply, text } = await once(method, path, { ...options, headers });
        const answer = read(reply, text);
        if (reply.ok) {
          become("ok");
          return { body: answer, status: reply.status, etag: reply.headers.get("ETag") };
        }
        const problem = new Problem(reply.status, answer);
        const retryable = AGAIN.has(reply.status) || problem.code === "request_in_progress";
        if (!retryable || !repeats || Date.now() - began > patience) {
          become("ok");
          throw problem;
        }
        wait = Math.max(wait, Math.min(Number(reply.headers.get("Retry-After") ?? 0) * 1000, LONGEST_PAUSE));
        become("waiting");
      } catch (error) {
        if (error instanceof Problem) throw error;
        if (!repeats) throw new NoAnswer(error.message);
        if (navigator.onLine === false) began = Date.now();
        else if (Date.now() - began > patience) throw new NoAnswer(error.message);
        become(navigator.onLine === false ? "offline" : "waiting");
      }
      await pauseOrOnline(wait);
    }
  }

  const by = (method) => async (path, options) => (await send(method, path, options)).body;
  return { send, get: by("GET"), post: by("POST"), patch: by("PATCH"), remove: by("DELETE") };
}

function read(reply, text) {
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    return reply.ok ? text : {};
  }
}

function pauseOrOnline(ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
  });
}

/** A path with its query; what is undefined, null or "" is left out. */
export function query(path, values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return `${path}?${new URLSearchParams(given)}`;
}
