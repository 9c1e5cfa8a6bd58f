import type { Config } from '../config/config.ts';
import { Node } from '../node/node.ts';
import { DEFAULT_ANTI_ENTROPY, DEFAULT_REPLICATION_LIMITS, type NodeOptions } from '../node/node-options.ts';
import { RingCache } from '../node/ring-cache.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import type { BusAddress } from '../ports/outbox.ts';
import { DEFAULT_REQUEST_LIMITS } from '../resp/request-limits.ts';
import { mayAskAgain } from '../topology/agent.ts';
import { BackupDirectory } from './backup/backup-directory.ts';
import { Bus } from './bus/bus.ts';
import { ClientServer } from './client-server.ts';
import { loadNode } from './load-node.ts';
import { LoneStart } from './lone-start.ts';
import { NameClaim } from './name-claim.ts';
import { packageVersion } from './package-version.ts';
import { SeedFinder } from './seed-finder.ts';
import { settingsShown } from './settings-shown.ts';
import { SYSTEM_CLOCK, SYSTEM_PROCESS, SystemRandom } from './system-ports.ts';

/** A node with its sockets open. */
export interface RunningNode {
  /** Where clients and other nodes reach it: the ports it really has. */
  readonly client: BusAddress;
  readonly bus: BusAddress;
  /** Settles with the reason when this node cannot be a member, or one any more: another one bears its name, say, or it is one of another cluster. */
  readonly turnedAway: Promise<string>;
  /** Hands its data on and leaves the cluster. Settles when it has left, or with why it cannot, or `leave-timeout` is over. */
  leave(): Promise<string | undefined>;
  /** Stops accepting, answers what is in flight, tells the peers, closes. Ends within the shutdown timeout. */
  drain(): Promise<void>;
}

/** The distance of ticks; a tick that comes much later than that is lag, which membership is told of. */
const TICK_MS = 20;
const LAG_WORTH_TELLING_MS = 100;
/** How often a node that leaves looks whether it has left. */
const LEAVE_CHECK_MS = 50;

/** Runs a node: the cores of `node/` behind real sockets, clocks and randomness. @throws the system's error when a port is taken. */
export async function runNode(config: Config, log: Log): Promise<RunningNode> {
  const clients = new ClientServer({
    listen: { host: config.bind, port: config.port },
    maxClients: config.maxClients,
    limits: {
      request: { ...DEFAULT_REQUEST_LIMITS, maxBulkBytes: config.protoMaxBulkLenBytes },
      outputBufferLimitBytes: config.outputBufferLimitBytes,
      authTimeoutMs: config.authTimeoutMs,
    },
    log,
  });
  const random = new SystemRandom();
  const claim = new NameClaim();
  const loneStart = new LoneStart(SYSTEM_CLOCK.monotonicMs());
  let node: Node;
  const bus = new Bus(
    {
      listen: { host: config.busBind, port: config.busPort },
      identity: () => node.identity(),
      secret: config.clusterSecret,
      limits: {
        maxQueueBytes: config.busQueueLimitBytes,
        highWaterBytes: config.busQueueHighWaterBytes,
        lowWaterBytes: config.busQueueLowWaterBytes,
        stallTimeoutMs: config.busStallTimeoutMs,
      },
      random,
      log,
    },
    {
      linkUp: peer => {
        claim.accepted();
        node.linkUp(peer);
      },
      linkDown: name => node.linkDown(name),
      heard: peer => node.heard(peer),
      message: (from, message) => node.receive(from, message),
      refused: (address, reason) => {
        claim.refused(reason, SYSTEM_CLOCK.monotonicMs());
        log.warn('refused by a node', { address: `${address.host}:${address.port}`, reason });
      },
      isAlive: peer => node.isAlive(peer),
      isMember: name => node.cluster?.peers.some(peer => peer.name === name) === true,
      missed: reason => {
        if (isAlone()) loneStart.missed(reason, SYSTEM_CLOCK.monotonicMs());
      },
      pressure: on => clients.holdUp(on),
    },
  );
  const client = await clients.listen();
  const busAddress = await bus.listen();
  const makeNode = (disk: Disk | undefined): Node => {
    const ports = {
      clock: SYSTEM_CLOCK,
      random,
      outbox: bus,
      log,
      process: SYSTEM_PROCESS,
      rings: new RingCache(),
      disk,
      backups: disk && new BackupDirectory(disk, config.name, config.dataDir!, config.backupDir),
    };
    const made = new Node(nodeOptions(config, client, busAddress), ports);
    node = made;
    clients.serve(made);
    return made;
  };
  node = config.dataDir === undefined ? makeNode(undefined) : await loadNode(config.dataDir, log, makeNode);
  bus.open();
  const seeds = new SeedFinder(config.join, log, address => bus.dial(address));
  seeds.start();
  const turnedAway = Promise.withResolvers<string>();
  const ticker = startTicking(nowMs => {
    // One that knows its cluster from its disk may find everybody at other addresses than before.
    if (isAlone() || node.cluster?.peers.some(peer => peer.linked)) seeds.stop();
    // A member that one other lets in has its name, whatever a third says of it.
    if (node.cluster?.peers.some(peer => peer.linked)) claim.accepted();
    const reason =
      node.supersededBecause ??
      node.storage?.disk.lostBecause ??
      node.ringChanges?.droppedBecause ??
      claim.lostBecause(nowMs) ??
      loneStart.mistakenBecause;
    if (reason === undefined) return;
    clearInterval(ticker);
    closeDisk().then(() => turnedAway.resolve(reason));
  }, node);
  log.info('listening', { clients: `${client.host}:${client.port}`, bus: `${busAddress.host}:${busAddress.port}` });
  return { client, bus: busAddress, turnedAway: turnedAway.promise, leave, drain };

  /** Whether this node has founded a cluster by itself, and is its only member still. */
  function isAlone(): boolean {
    return config.join.length === 0 && node.cluster?.peers.length === 1;
  }

  function leave(): Promise<string | undefined> {
    return new Promise(resolve => {
      const { ringChanges } = node;
      if (ringChanges === undefined) return resolve('it is no member of a cluster');
      const startedMs = SYSTEM_CLOCK.monotonicMs();
      let reason: string | undefined;
      const check = setInterval(() => {
        if (node.hasLeft) return end(undefined);
        if (SYSTEM_CLOCK.monotonicMs() - startedMs >= config.leaveTimeoutMs)
          return end(`leave-timeout is over${reason === undefined ? '' : `: ${reason}`}`);
        if (reason !== undefined) ask();
      }, LEAVE_CHECK_MS);
      function end(reason: string | undefined): void {
        clearInterval(check);
        resolve(reason);
      }
      function ask(): void {
        reason = undefined;
        ringChanges!.leave(config.name, error => {
          if (error !== undefined && !mayAskAgain(error)) end(error);
          else reason = error;
        });
      }
      ask();
    });
  }

  async function drain(): Promise<void> {
    const deadlineMs = config.shutdownTimeoutMs / 2;
    seeds.stop();
    await clients.close(deadlineMs);
    node.leave();
    clearInterval(ticker);
    await bus.close(deadlineMs / 2);
    await closeDisk();
  }

  function closeDisk(): Promise<void> {
    return new Promise(resolve => {
      if (node.storage === undefined) return resolve();
      node.storage.close(failure => {
        if (failure !== undefined) log.error('ends with something that is not on disk', { reason: failure });
        resolve();
      });
    });
  }
}

function startTicking(beforeEach: (nowMs: number) => void, node: Node): NodeJS.Timeout {
  let lastMs = SYSTEM_CLOCK.monotonicMs();
  return setInterval(() => {
    const nowMs = SYSTEM_CLOCK.monotonicMs();
    const lagMs = nowMs - lastMs - TICK_MS;
    lastMs = nowMs;
    if (lagMs >= LAG_WORTH_TELLING_MS) node.observeLag(lagMs);
    beforeEach(nowMs);
    // Behind the sockets: after a stall, what has arrived meanwhile is read before anything is held to be late.
    setImmediate(() => node.tick());
  }, TICK_MS);
}

function nodeOptions(config: Config, client: BusAddress, bus: BusAddress): NodeOptions {
  return {
    name: config.name,
    zone: config.zone,
    weight: config.weight,
    client: { host: config.announceHost, port: config.announcePort || client.port },
    bus: { host: config.announceBusHost, port: config.announceBusPort || bus.port },
    expectNodes: config.expectNodes,
    alone: config.join.length === 0,
    replaces: config.replace,
    keyspaces: config.keyspaces.map(keyspace => ({
      ...keyspace,
      maxMemoryBytes: keyspace.maxMemoryBytes || config.maxMemoryBytes,
    })),
    defaultKeyspace: config.defaultKeyspace,
    password: config.password,
    maxPendingReplies: config.pendingLimit,
    replication: { ...DEFAULT_REPLICATION_LIMITS, requestTimeoutMs: config.requestTimeoutMs },
    antiEntropy: {
      ...DEFAULT_ANTI_ENTROPY,
      intervalMs: config.antiEntropyIntervalMs,
      bytesPerSecond: config.repairRate,
      transferBytesPerSecond: config.transferRate || Number.POSITIVE_INFINITY,
    },
    collection: { intervalMs: config.tombstoneCollectionIntervalMs },
    hints: { maxBytes: config.hintMaxBytes, maxAgeMs: config.hintMaxAgeMs, replayRate: config.hintReplayRate },
    version: packageVersion(),
    settings: settingsShown(config, client.port),
    faultCommands: config.faultCommands,
    maxClockDriftMs: config.maxClockDriftMs,
    conflictJournalBytes: config.conflictJournalBytes,
    disk: { flushIntervalMs: config.flushIntervalMs, maxPendingBytes: config.diskQueueLimitBytes },
  };
}
