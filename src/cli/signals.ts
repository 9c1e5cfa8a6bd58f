/**
 * Signals this close together are one wish: on Ctrl-C a terminal signals the whole process group, and npm, which is in
 * it, passes the same signal on.
 */
const SAME_WISH_MS = 500;

/**
 * Calls `stop` at the first SIGTERM, SIGINT or SIGHUP, and `stopAtOnce` at a later one. Either gets the signal's name.
 *
 * @param ignore signals that are meant for someone else.
 */
export function onStopSignals(
  stop: (signal: string) => void,
  stopAtOnce: (signal: string) => void,
  ignore: readonly NodeJS.Signals[] = [],
): void {
  let firstAtMs: number | undefined;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (ignore.includes(signal)) return;
      const nowMs = performance.now();
      if (firstAtMs === undefined) {
        firstAtMs = nowMs;
        stop(signal);
      } else if (nowMs - firstAtMs > SAME_WISH_MS) {
        stopAtOnce(signal);
      }
    });
  }
}
