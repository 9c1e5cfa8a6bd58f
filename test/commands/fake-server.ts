import type { Connection } from '../../src/commands/context.ts';
import type {
  ExplainWhat,
  QuarantinedRecord,
  ReplicaVersion,
  Server,
  ServerDisk,
  ServerKeyspace,
  ServerMoves,
  ServerNode,
  ServerSlotRange,
} from '../../src/commands/server.ts';
import type { MadeBackup } from '../../src/ports/disk.ts';
import type { ReplyWriter } from '../../src/resp/reply-writer.ts';

/** A member of the fake cluster: `fakeNode(1)` is n1, on 10.0.0.1:6379. */
export function fakeNode(number: number, changes: Partial<ServerNode> = {}): ServerNode {
  return {
    name: `n${number}`,
    clusterNodeId: String(number).repeat(40),
    actor: `n${number}.00c0ffee00c0ffee`,
    client: { host: `10.0.0.${number}`, port: 6379 },
    bus: { host: `10.0.0.${number}`, port: 16379 },
    zone: 'default',
    weight: 1,
    isSelf: number === 1,
    status: 'alive',
    linked: true,
    refilling: false,
    heldDown: false,
    clockOff: false,
    ring: 'member',
    primarySlots: 5461,
    replicaSlots: 16384,
    ...changes,
  };
}

const KEYSPACE: ServerKeyspace = {
  db: 0,
  name: 'eventual',
  policy: 'eventual',
  replicas: 3,
  read: 'one',
  write: 'one',
  readNeed: 1,
  writeNeed: 1,
  sloppy: false,
  readRepair: 'async',
  durability: 'none',
  keys: 0,
  tombstones: 0,
  expiring: 0,
  usedBytes: 0,
  reservedBytes: 0,
  maxMemoryBytes: 0,
  refillingSlots: 0,
};

/** A node of a cluster of three that is nothing but its fields. */
export class FakeServer implements Server {
  isLoading = false;
  disk: ServerDisk | undefined;
  version = '0.1.0';
  runId = 'a'.repeat(40);
  processId = 4242;
  port = 6379;
  startedWallMs = 1_760_000_000_000;
  cluster: Server['cluster'] = { id: 'c1', epoch: 1, size: 3 };
  unfoundedReason = '2 of 3 members seen';
  members: readonly ServerNode[] = [fakeNode(1), fakeNode(2), fakeNode(3)];
  ranges: readonly ServerSlotRange[] = [];
  password = '';
  settingsShown: ReadonlyMap<string, string> = new Map();
  counters: Readonly<Record<string, string | number>> = {};
  versions: readonly ReplicaVersion[] = [];
  opened: readonly Connection[] = [];
  survey: { differing: number } | { unavailable: string } = { differing: 0 };
  syncFailure: string | undefined;
  ringError: string | undefined;
  moves: ServerMoves | undefined;
  faultCommands = true;
  made: MadeBackup = { path: '/backups/monday/n1' };
  heldBack: readonly QuarantinedRecord[] = [];
  /** What it was asked to do, in words. */
  readonly asked: string[] = [];
  keyspaceChanges: Partial<ServerKeyspace> = {};
  /** Set by the harness: where the replies of later go. */
  defer: () => (fill: (reply: ReplyWriter) => void) => void = () => () => {};
  wallMs: () => number = () => this.startedWallMs + 90_061_500;

  wallMicros(): number {
    return this.wallMs() * 1000 + 7;
  }

  monotonicMs(): number {
    return 65_999;
  }

  get self(): ServerNode {
    return this.members.find(({ isSelf }) => isSelf)!;
  }

  nodes(): readonly ServerNode[] {
    return this.members;
  }

  slotRanges(): readonly ServerSlotRange[] {
    return this.ranges;
  }

  replicasOf(): readonly ServerNode[] {
    return this.members;
  }

  keyspaces(): readonly ServerKeyspace[] {
    return [{ ...KEYSPACE, ...this.keyspaceChanges }];
  }

  keysInSlot(_db: number, slot: number): number {
    return slot;
  }

  explain(_db: number, _key: Buffer, _what: ExplainWhat, done: (versions: readonly ReplicaVersion[]) => void): void {
    done(this.versions);
  }

  converged(db: number, done: (result: { differing: number } | { unavailable: string }) => void): void {
    this.asked.push(`converged ${db}`);
    done(this.survey);
  }

  sync(db: number, done: (unavailable?: string) => void): void {
    this.asked.push(`sync ${db}`);
    done(this.syncFailure);
  }

  quarantined(): readonly QuarantinedRecord[] {
    return this.heldBack;
  }

  dropQuarantined(of: { readonly db: number; readonly key: Buffer } | 'all'): number {
    this.asked.push(of === 'all' ? 'clear' : `drop ${of.db} ${of.key}`);
    return this.heldBack.length;
  }

  movesOf(): ServerMoves | undefined {
    return this.moves;
  }

  leave(name: string, done: (error: string | undefined) => void): void {
    this.asked.push(`leave ${name}`);
    done(this.ringError);
  }

  forget(name: string, done: (error: string | undefined) => void): void {
    this.asked.push(`forget ${name}`);
    done(this.ringError);
  }

  backup(name: string, done: (made: MadeBackup) => void): void {
    this.asked.push(`backup ${name}`);
    done(this.made);
  }

  drill(about: readonly string[], down: boolean): void {
    this.asked.push(`${about.join(' ')} ${down ? 'down' : 'up'}`);
  }

  deferReply(): (fill: (reply: ReplyWriter) => void) => void {
    return this.defer();
  }

  connections(): Iterable<Connection> {
    return this.opened;
  }

  checkPassword(user: string, password: Buffer): 'ok' | 'wrong' | 'no password is set' {
    if (this.password === '') return 'no password is set';
    return user === 'default' && password.toString() === this.password ? 'ok' : 'wrong';
  }

  settings(): ReadonlyMap<string, string> {
    return this.settingsShown;
  }

  statistics(): Readonly<Record<string, string | number>> {
    return this.counters;
  }

  memory(): { residentBytes: number; heapUsedBytes: number } {
    return { residentBytes: 20_971_520, heapUsedBytes: 10_485_760 };
  }
}
