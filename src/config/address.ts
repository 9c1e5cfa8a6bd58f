import type { BusAddress } from '../ports/outbox.ts';

const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/;
const IPV4 = /^\d+\.\d+\.\d+\.\d+$/;
const IPV6 = /^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9_.-]+)?$/;

/** An IPv4 address, an IPv6 address without brackets, or a DNS name. */
export function isHost(text: string): boolean {
  return IPV4.test(text) ? text.split('.').every(part => Number(part) <= 255) : IPV6.test(text) || HOST_NAME.test(text);
}

/** True of a name that has to be looked up and may stand for any number of nodes. `localhost` is not one. */
export function isDnsName(host: string): boolean {
  return host !== 'localhost' && !IPV4.test(host) && !IPV6.test(host);
}

/** The port that a text names, 0…65535; undefined when it names none. */
export function parsePort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  return port >= 0 && port <= 65_535 ? port : undefined;
}

/** `host:port`, an IPv6 host in brackets: `n1:16379`, `10.0.0.1:16379`, `[::1]:16379`. */
export function parseAddress(text: string): BusAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = parsePort(match?.[3] ?? '');
  return host === undefined || !port || !isHost(host) ? undefined : { host, port };
}

/** The inverse of `parseAddress`. */
export function formatAddress({ host, port }: BusAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True of `0.0.0.0` and `::`, which listen everywhere and name no place to connect to. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || /^[0:]*:[0:]*$/.test(host);
}

/** True of what reaches only this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (IPV4.test(host) && host.startsWith('127.'));
}
