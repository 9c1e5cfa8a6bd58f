import type { Connection, Consistency } from '../../src/commands/context.ts';

/** A connection that is nothing but its fields. There are 16 keyspaces. */
export class FakeConnection implements Connection {
  id = 7;
  address = '127.0.0.1:50000';
  localAddress = '127.0.0.1:6379';
  openedMs = 0;
  name = '';
  libName = '';
  libVersion = '';
  authenticated = true;
  noEvict = false;
  noTouch = false;
  db = 0;
  consistency: { read: Consistency; write: Consistency } = { read: 'one', write: 'one' };
  lastCommand = 'NULL';
  lastCommandMs = 0;
  queuedBytes = 0;
  isClosing = false;
  onProtocol: (protocol: 2 | 3) => void = () => {};
  #protocol: 2 | 3 = 2;

  get protocol(): 2 | 3 {
    return this.#protocol;
  }

  set protocol(protocol: 2 | 3) {
    this.#protocol = protocol;
    this.onProtocol(protocol);
  }

  select(db: number): boolean {
    if (db < 0 || db > 15) return false;
    this.db = db;
    return true;
  }

  setConsistency(which: 'read' | 'write', count: Consistency | undefined): void {
    this.consistency = { ...this.consistency, [which]: count ?? 'one' };
  }

  closeAfterReply(): void {
    this.isClosing = true;
  }

  reset(): void {
    this.name = '';
    this.protocol = 2;
    this.db = 0;
  }
}
