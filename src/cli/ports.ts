import { createServer } from 'node:net';
import { formatAddress } from '../config/address.ts';
import type { BusAddress } from '../ports/outbox.ts';
import { Failure } from './failure.ts';

/** What kept something from listening, in one line where it is a thing that the user can mend; else the error itself. */
export function explainListenError(error: unknown): unknown {
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  const place = address === undefined || port === undefined ? 'a port' : formatAddress({ host: address, port });
  switch (code) {
    case 'EADDRINUSE':
      return new Failure(1, `${place} is in use by another process; choose other ports with --port and --bus-port`);
    case 'EADDRNOTAVAIL':
      return new Failure(1, `${place} is no address of this machine; choose another with --bind and --bus-bind`);
    case 'EACCES':
      return new Failure(1, `${place} may not be listened to by this user; choose a port above 1023`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new Failure(1, `a host to listen on cannot be looked up; choose another with --bind and --bus-bind`);
    default:
      return error;
  }
}

/**
 * Tries to listen there and stops again.
 *
 * @throws Failure when that cannot be done.
 */
export function assertFree(address: BusAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', error => reject(explainListenError(error)));
    server.listen(address, () => server.close(() => resolve()));
  });
}
