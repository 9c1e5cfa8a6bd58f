import { SLOT_COUNT } from '../lib/slots.ts';
import { finalMix, murmur3 } from './murmur3.ts';

/**
 * Tokens: where a member stands on the ring, as unsigned 32-bit integers.
 *
 *     slot s lies at s × 2^18          slot s+1
 *        |--·------·-·----------------·---|--·--     · tokens
 *         └┬┘
 *          distance: a token's low 18 bits; its high 14 bits are the slot that meets it first
 *
 * A slot belongs to the token that follows it most closely, so what a token is worth depends on its distance: a short one
 * wins its slot almost surely, a long one hardly ever. Were distances drawn at random, some members would draw more short
 * ones than others, and at 100 members that alone spreads the primaries by 8 %, however many tokens there are. So
 * only the slot is drawn at random. The distances of one member's tokens are an even comb: token i takes the i-th number of van der
 * Corput's sequence (the bits of i reversed), XORed with a word of the name, a *digital shift*, so that no two members'
 * combs coincide (J. G. van der Corput, 1935; on shifts see A. Owen, "Monte Carlo theory, methods and examples", §17).
 * That halves the variance of the primaries' share and cuts the replicas' by two thirds; `docs/ring.md` has the plot.
 *
 * Tokens are random in which slots they meet, independent between members, so shares are proportional to token counts; and
 * every prefix of the sequence is even, so a member whose weight grows keeps the tokens it has and gains some.
 *
 * Changing anything here moves nearly every key of every cluster. It is for ever, and a test pins it.
 */

/** Tokens of a member of weight 1, unless the configuration says otherwise; equal on all nodes of a cluster. */
export const DEFAULT_TOKENS = 4096;

/** Bounds what one entry of a member list can ask for in memory and time. */
export const MAX_WEIGHT = 64;
export const MAX_TOKENS = 16_384;

/** Bits of a token that tell how far behind its slot it lies. */
export const DISTANCE_BITS = 32 - Math.log2(SLOT_COUNT);

/** How many tokens a member of this weight has: at least one, so that every member is on the ring. */
export function tokenCount(weight: number, tokens: number): number {
  return Math.max(1, Math.round(weight * tokens));
}

/** The first `count` tokens of the member with this name, in the order of their indexes, not of the ring. */
export function tokensOf(name: string, count: number): Uint32Array {
  const bytes = Buffer.from(name, 'utf8');
  const slotWord = murmur3(bytes, 0);
  const indexWord = murmur3(bytes, 1);
  const shift = murmur3(bytes, 2);
  const tokens = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const slot = finalMix(slotWord ^ finalMix(indexWord + i)) >>> DISTANCE_BITS;
    const distance = (reverseBits(i) ^ shift) >>> (32 - DISTANCE_BITS);
    tokens[i] = (slot << DISTANCE_BITS) | distance;
  }
  return tokens;
}

function reverseBits(word: number): number {
  let x = word;
  x = ((x >>> 1) & 0x55555555) | ((x & 0x55555555) << 1);
  x = ((x >>> 2) & 0x33333333) | ((x & 0x33333333) << 2);
  x = ((x >>> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4);
  x = ((x >>> 8) & 0x00ff00ff) | ((x & 0x00ff00ff) << 8);
  return (x >>> 16) | (x << 16);
}
