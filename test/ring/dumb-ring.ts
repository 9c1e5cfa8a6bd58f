import { SLOT_COUNT } from '../../src/lib/slots.ts';
import type { RingMember } from '../../src/ring/ring.ts';
import { tokensOf } from '../../src/ring/tokens.ts';

/**
 * The ring by its definition and nothing else: sort every token by its distance from the slot, then walk, lap by lap. Takes
 * only where the tokens stand from the real one.
 *
 * @returns the names of the first `n` members of the slot's preference list.
 */
export function dumbReplicas(members: readonly RingMember[], tokens: number, slot: number, n: number): string[] {
  const from = slot * (2 ** 32 / SLOT_COUNT);
  const circle = members
    .flatMap(member =>
      Array.from(tokensOf(member.name, Math.max(1, Math.round(member.weight * tokens))), token => ({
        member,
        distance: (token - from + 2 ** 32) % 2 ** 32,
      })),
    )
    .sort((a, b) => a.distance - b.distance || (a.member.name < b.member.name ? -1 : 1));
  const list: string[] = [];
  while (list.length < members.length) {
    const zonesOfLap = new Set<string>();
    for (const { member } of circle) {
      if (list.includes(member.name) || zonesOfLap.has(member.zone)) continue;
      zonesOfLap.add(member.zone);
      list.push(member.name);
    }
  }
  return list.slice(0, n);
}
