// The server's clock. A reply's Date says the second in which it was made, between sending and receiving; each reply
// narrows the bounds within which the difference to our clock lies. The live feed says it to the millisecond.

const SECOND = 1000;

/** A clock that starts as the browser's own. */
export function makeClock(local = Date.now) {
  let low = -Infinity;
  let high = Infinity;

  function narrow(least, most) {
    const [lower, upper] = [Math.max(low, least), Math.min(high, most)];
    // Bounds that no longer meet: one of the clocks was set anew, so only the last reply counts.
    [low, high] = lower <= upper ? [lower, upper] : [least, most];
  }

  return {
    /** Milliseconds since 1970, by the server. */
    now: () => local() + (Number.isFinite(low) ? (low + high) / 2 : 0),
    /** Reads the header of a reply that was asked for at `sent` and is here now. */
    hear(date, sent) {
      const second = Date.parse(date ?? "");
      if (Number.isNaN(second)) return;
      narrow(second - local(), second + SECOND - sent);
    },
    /** Reads a time to the millisecond that has just come. Its way took no longer than a second. */
    hearExactly(ms) {
      narrow(ms - local(), ms - local() + SECOND / 4);
    },
  };
}
