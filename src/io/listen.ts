import type { AddressInfo, Server } from 'node:net';
import type { BusAddress } from '../ports/outbox.ts';

/** Listens, and says where: port 0 takes a free one. @throws the system's error when the address can't be had. */
export function listen(server: Server, { host, port }: BusAddress): Promise<BusAddress> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 511 }, () => {
      server.off('error', reject);
      const address = server.address() as AddressInfo;
      resolve({ host: address.address, port: address.port });
    });
  });
}
