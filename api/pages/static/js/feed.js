// The live feed: `GET /events`, read as a stream, because EventSource sends no Authorization and ends at the first 503.
// A tab listens only while it is visible. Where the feed does not answer, the page is asked to load anew every 15 s.

const PING_WATCH = 35_000;
const FALLBACK = 15_000;
const HIDDEN_GRACE = 30_000;
const LONGEST = 15_000;

/** Follows a path of the feed until `stop` is called.
 * onevent(kind, data): one change. onreset: load everything anew, because changes may have been missed.
 * onstate("live" | "away"): whether changes arrive by themselves. */
export function follow({ path, token, clock, onevent, onreset, onstate = () => {}, headers = {} }) {
  let lastId = "";
  let tries = 0;
  let control = null;
  let stopped = false;
  let hiding = null;
  let fallback = setInterval(() => {
    if (!control?.live && !document.hidden && navigator.onLine !== false) onreset();
  }, FALLBACK);

  async function listen() {
    const mine = (control = new AbortController());
    let wait = 0;
    try {
      wait = await read(mine);
    } catch {
      // A broken stream is opened again below.
    }
    if (mine.live) onstate("away");
    mine.live = false;
    clearTimeout(mine.watch);
    if (stopped || control !== mine) return;
    const backOff = Math.random() * Math.min(LONGEST, 500 * 2 ** tries++);
    mine.again = setTimeout(listen, Math.max(wait, backOff));
  }

  async function read(mine) {
    const reply = await fetch(path, {
      headers: {
        Accept: "text/event-stream",
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(lastId ? { "Last-Event-ID": lastId } : {}),
        ...headers,
      },
      cache: "no-store",
      signal: mine.signal,
    });
    if (!reply.ok || !reply.body) {
      await reply.body?.cancel();
      return reply.status < 429 ? FALLBACK : Number(reply.headers.get("Retry-After")) * 1000;
    }
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      clearTimeout(mine.watch);
      mine.watch = setTimeout(() => mine.abort(), PING_WATCH);
      const { value, done } = await reader.read();
      if (done) return 0;
      const blocks = (text + value).replaceAll("\r\n", "\n").split("\n\n");
      text = blocks.pop();
      for (const block of blocks) take(mine, block);
    }
  }

  function take(mine, block) {
    const field = {};
    for (const line of block.split("\n")) {
      const [, name, value] = /^(\w*): ?(.*)$/.exec(line) ?? [];
      if (name) field[name] = name === "data" && field.data ? `${field.data}\n${value}` : value;
    }
    const resumed = lastId !== "";
    if (field.id) lastId = field.id;
    const data = field.data ? JSON.parse(field.data) : {};
    if (field.event === "hello") {
      tries = 0;
      mine.live = true;
      clock.hearExactly(data.now_ms);
      onstate("live");
      if (!resumed) onreset();
    } else if (field.event === "reset") onreset();
    else if (field.event && field.event !== "bye") onevent(field.event, data);
  }

  function hush() {
    control?.abort();
    clearTimeout(control?.again);
    control = null;
  }

  function seen() {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(hush, HIDDEN_GRACE);
    else if (!control) {
      onreset();
      listen();
    }
  }

  document.addEventListener("visibilitychange", seen);
  listen();
  return {
    stop() {
      stopped = true;
      clearInterval(fallback);
      document.removeEventListener("visibilitychange", seen);
      hush();
    },
  };
}
