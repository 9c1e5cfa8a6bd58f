import { hostname, networkInterfaces } from 'node:os';
import type { Machine } from '../config/config.ts';

/** What this machine says of itself; of its addresses the first that is not internal, IPv4 before IPv6. */
export function thisMachine(): Machine {
  const addresses = Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  const address = addresses.find(({ family }) => family === 'IPv4') ?? addresses[0];
  return { hostname: hostname(), address: address?.address };
}
