import fc from 'fast-check';
import { expect, it } from 'vitest';
import { editDistance, nearest } from '../../src/config/nearest.ts';

/** The recursion that the table in `editDistance` computes. */
function slowDistance(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const [restA, restB] = [a.slice(0, -1), b.slice(0, -1)];
  const choices = [
    slowDistance(restA, b) + 1,
    slowDistance(a, restB) + 1,
    slowDistance(restA, restB) + (a.at(-1) === b.at(-1) ? 0 : 1),
  ];
  const swapped = a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1);
  if (swapped) choices.push(slowDistance(a.slice(0, -2), b.slice(0, -2)) + 1);
  return Math.min(...choices);
}

it('counts letters inserted, deleted, replaced and swapped', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 5 });
  fc.assert(fc.property(word, word, (a, b) => editDistance(a, b) === slowDistance(a, b)));
});

it('names the key that was most likely meant, and none when nothing is near', () => {
  const keys = ['port', 'bus-port', 'bind', 'maxclients', 'request-timeout'];
  expect(nearest('prot', keys)).toBe('port');
  expect(nearest('bus_port', keys)).toBe('bus-port');
  expect(nearest('requestTimeout', keys)).toBe('request-timeout');
  expect(nearest('MAXCLIENTS', keys)).toBe('maxclients');
  expect(nearest('appendonly', keys)).toBeUndefined();
});
