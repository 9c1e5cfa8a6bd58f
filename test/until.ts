import { vi } from 'vitest';

/**
 * Waits until the condition holds; an error counts as not yet.
 *
 * @param intervalMs between two looks at it.
 * @throws after the deadline, with what was waited for.
 */
export function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  deadlineMs = 30_000,
  intervalMs = 25,
): Promise<void> {
  const look = async (): Promise<void> => {
    const problem = await problemWith(condition);
    if (problem !== undefined) throw new Error(`not in ${deadlineMs} ms: ${what}${problem}`);
  };
  return vi.waitFor(look, { timeout: deadlineMs, interval: intervalMs });
}

/** Undefined when the condition holds, else what it has thrown, if anything. */
async function problemWith(condition: () => Promise<boolean> | boolean): Promise<string | undefined> {
  try {
    return (await condition()) ? undefined : '';
  } catch (error) {
    return ` (${error})`;
  }
}
