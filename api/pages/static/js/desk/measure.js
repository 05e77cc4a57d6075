// How long a piece of work takes, as a measure that a PerformanceObserver sees.

/** Does it, and notes how long it took. Only the last measure of a name is kept. */
export function timed(name, run) {
  const start = performance.now();
  run();
  performance.clearMeasures(name);
  performance.measure(name, { start });
}
