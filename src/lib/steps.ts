/**
 * Work done in steps, each of them short enough to be taken between two requests. The last step returns what it comes to. How many are
 * taken at once is for whoever takes them to decide, so they know no clock.
 */
export type Steps<T> = Generator<void, T, void>;

/** What is done for each slot is done for so many in one step: about a millisecond, when the code is cold. */
export const SLOTS_A_STEP = 512;

/** Takes all steps, one right after another. */
export function allAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
