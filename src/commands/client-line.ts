import type { Connection } from './context.ts';

/**
 * One line of `CLIENT LIST`, with Redis 7's fields in their order (networking.c, `catClientInfoString`) and 7.2's two
 * of the library. What has no counterpart here has the value of a connection that does not use it.
 */
export function clientLine(connection: Connection, nowMs: number): string {
  const seconds = (sinceMs: number) => Math.max(0, Math.floor((nowMs - sinceMs) / 1000));
  const fields = {
    id: connection.id,
    addr: connection.address,
    laddr: connection.localAddress,
    fd: -1,
    name: connection.name,
    age: seconds(connection.openedMs),
    idle: seconds(connection.lastCommandMs),
    flags: flagsOf(connection),
    db: connection.db,
    sub: 0,
    psub: 0,
    ssub: 0,
    multi: -1,
    qbuf: connection.queuedBytes,
    'qbuf-free': 0,
    'argv-mem': 0,
    'multi-mem': 0,
    rbs: 0,
    rbp: 0,
    obl: 0,
    oll: 0,
    omem: 0,
    'tot-mem': connection.queuedBytes,
    events: 'r',
    cmd: connection.lastCommand,
    user: 'default',
    redir: -1,
    resp: connection.protocol,
    'lib-name': connection.libName,
    'lib-ver': connection.libVersion,
  };
  const words = Object.entries(fields).map(([field, value]) => `${field}=${value}`);
  return `${words.join(' ')}\n`;
}

function flagsOf({ noEvict, noTouch }: Connection): string {
  return `${noEvict ? 'e' : ''}${noTouch ? 'T' : ''}` || 'N';
}
