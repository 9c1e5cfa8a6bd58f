import { drawFraction } from '../../lib/draw.ts';
import type { Random } from '../../ports/random.ts';

/**
 * How long to wait before attempt number `attempt` (0 after the first failure): uniform in [0, min(max, min × 2^attempt)),
 * "full jitter" of M. Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015), so that nodes that lost
 * the same peer do not come back to it in step. Milliseconds.
 */
export function backoffMs(random: Random, attempt: number, minMs: number, maxMs: number): number {
  return drawFraction(random) * Math.min(maxMs, minMs * 2 ** attempt);
}
