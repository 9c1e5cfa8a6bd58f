import { formatAddress } from '../../config/address.ts';
import type { PeerIdentity } from '../../ports/outbox.ts';

const BEGINNING = 'another running node is named ';

/** Why a second process of a name is turned away. */
export function nameTaken({ name, bus }: PeerIdentity): string {
  return `${BEGINNING}${name}, at ${formatAddress(bus)}: start this one with another --name`;
}

/** Whether a refusal says that. */
export function isNameTaken(reason: string): boolean {
  return reason.startsWith(BEGINNING);
}
