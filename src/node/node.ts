import { Actors } from '../clock/actors.ts';
import { MalformedMessageError } from '../lib/byte-reader.ts';
import { drawHex } from '../lib/draw.ts';
import { CLOCK_UNKNOWN, type ClockVerdict } from '../membership/clock-judge.ts';
import type { ClusterIdentity } from '../membership/cluster.ts';
import { Founding, type FoundingEvent } from '../membership/founding.ts';
import type { Member, MembershipEvent } from '../membership/member.ts';
import type { Swim } from '../membership/swim.ts';
import { allMembers, isOwner, type Topology } from '../membership/topology.ts';
import type { LogFields } from '../ports/log.ts';
import type { NodeName, PeerIdentity } from '../ports/outbox.ts';
import { ClockGuard } from '../replication/clock-guard.ts';
import { ReplicationCounters } from '../replication/counters.ts';
import type { Keyspace } from '../replication/keyspace.ts';
import { MessageType } from '../replication/message-type.ts';
import type { KeyOperation } from '../replication/operation.ts';
import type { Peer } from '../replication/peer.ts';
import type { OutcomeSink } from '../store/outcome.ts';
import type { ClientSocket } from './client-connection.ts';
import { ClientCounters } from './client-counters.ts';
import { Cluster, type ClusterPorts } from './cluster.ts';
import { type ControlMessage, decodeControl, encodeControl } from './control-messages.ts';
import { type Loaded, NodeStorage } from './disk/node-storage.ts';
import type { DrillMessage } from './drill-messages.ts';
import { Drills } from './drills.ts';
import { Explainer } from './explainer.ts';
import { MEMBERSHIP_TICK_MS, makeSwim } from './make-swim.ts';
import { NameBearers } from './name-bearers.ts';
import { Neighbours } from './neighbours.ts';
import type { NodeOptions, NodePorts } from './node-options.ts';
import { PeerLinks } from './peer-links.ts';
import { RingChanges } from './ring-changes.ts';
import { sayClock, sayFounding, sayMembership } from './say.ts';
import { ServerView } from './server-view.ts';
import { Session, type SessionEnvironment } from './session.ts';
import { makeEnvironment } from './session-environment.ts';

/** Whether the disk has been read; or why that has failed. */
type Load = 'loading' | 'loaded' | Extract<Loaded, { readonly found: 'corrupt' | 'unusable' }>;

/**
 * A whole node without its sockets: messages, links and the time come in by these methods, everything leaves through
 * the ports. The shell in `io/` and the simulator run this same class.
 */
export class Node {
  readonly counters = new ReplicationCounters();
  readonly clientCounters = new ClientCounters();
  readonly actor: string;
  /** Failures that were ordered. */
  readonly drills: Drills;
  readonly #options: NodeOptions;
  readonly #ports: NodePorts;
  /** The machine's clock, put right while it is off. */
  readonly #guard: ClockGuard;
  /** The ports, with that clock: for all but membership, which judges the machine's. */
  readonly #guarded: ClusterPorts;
  readonly #actors = new Actors();
  readonly #founding: Founding;
  readonly #links: PeerLinks;
  readonly #sessions = new Map<number, Session>();
  readonly #neighbours: Neighbours;
  readonly #view: ServerView;
  readonly #environment: SessionEnvironment;
  readonly #names = new NameBearers();
  readonly #startedWallMs: number;
  /** What it keeps on disk, if it has one. */
  readonly storage: NodeStorage | undefined;
  #swim: Swim | undefined;
  #cluster: Cluster | undefined;
  #explainer: Explainer | undefined;
  #ringChanges: RingChanges | undefined;
  #viewVersion = 0;
  #nextMembershipTickMs = 0;
  #refillingSaid = false;
  #load: Load = 'loaded';
  #clock: ClockVerdict = CLOCK_UNKNOWN;

  constructor(options: NodeOptions, ports: NodePorts) {
    this.#options = options;
    this.#ports = ports;
    this.#guard = new ClockGuard(ports.clock, options.maxClockDriftMs, () => this.#judgeClock());
    const sawEpoch = (from: Peer, epoch: number) => this.#ringChanges?.agent.saw(from.name, epoch);
    this.storage = ports.disk && new NodeStorage(ports.disk, { ...options.disk, name: options.name }, ports);
    this.#guarded = { ...ports, clock: this.#guard, sawEpoch, storage: this.storage };
    this.actor = `${options.name}.${drawHex(ports.random, 8)}`;
    this.#startedWallMs = ports.clock.wallMs();
    this.#neighbours = new Neighbours(options.name, ports.outbox);
    this.drills = new Drills(options.name);
    this.#links = new PeerLinks(this.drills, {
      up: peer => this.#linked(peer),
      down: name => this.#unlinked(name),
      tell: (name, message) => this.#sendControl(name, { kind: 'drill', message }),
    });
    this.#founding = new Founding(
      {
        self: this.identity(),
        expectNodes: options.expectNodes,
        alone: options.alone,
        replaces: options.replaces,
      },
      {
        random: ports.random,
        send: (to, message) => this.#sendControl(to, { kind: 'founding', message }),
        dial: address => ports.outbox.dial(address),
        join: (peer, replaces) => this.#ringChanges!.letJoin(peer, replaces),
        event: event => this.#onFounding(event),
      },
    );
    this.#view = new ServerView(this, options, this.#guarded, this.#startedWallMs, drawHex(ports.random, 20));
    this.#environment = makeEnvironment(this, this.#view, this.#guard, options);
    if (this.storage !== undefined) this.#loadFrom(this.storage);
  }

  /** Until it has read its disk it takes part in nothing. */
  get isLoading(): boolean {
    return this.#load !== 'loaded';
  }

  /** Why what is on the disk cannot be used; undefined while it can. */
  get unusable(): { readonly found: 'corrupt' | 'unusable'; readonly reason: string } | undefined {
    return typeof this.#load === 'object' ? this.#load : undefined;
  }

  /** What this node says of itself in a handshake; the cluster's id appears in it with the founding. */
  identity(): PeerIdentity {
    const { name, bus, client, zone, weight } = this.#options;
    return { name, actor: this.actor, clusterId: this.#cluster?.id ?? '', bus, client, zone, weight };
  }

  /** The founded cluster, undefined before. */
  get cluster(): Cluster | undefined {
    return this.#cluster;
  }

  /** This node's part in changes of the ring, undefined before the founding. */
  get ringChanges(): RingChanges | undefined {
    return this.#ringChanges;
  }

  /** Whether this node was a member of the cluster, and is no more. */
  get hasLeft(): boolean {
    return this.#ringChanges?.hasLeft === true;
  }

  /** Why this process must end: another one was started under its name and is the member now. It takes part in nothing any more. */
  get supersededBecause(): string | undefined {
    return this.#names.lostBecause;
  }

  /** Changes whenever what clients are told of the cluster may have changed. */
  get viewVersion(): number {
    return this.#viewVersion;
  }

  get explainer(): Explainer | undefined {
    return this.#explainer;
  }

  /** Candidates seen while the cluster has not been founded, this node among them. */
  get candidatesSeen(): number {
    return this.#founding.seen;
  }

  get sessions(): ReadonlyMap<number, Session> {
    return this.#sessions;
  }

  /** What membership believes of this member. */
  memberOf(name: NodeName): Member | undefined {
    return this.#swim?.memberOf(name);
  }

  /** Whether membership holds this very process alive. */
  isAlive({ name, actor }: PeerIdentity): boolean {
    const member = this.memberOf(name);
    return member?.status === 'alive' && member.actor === actor;
  }

  /** How this node's wall clock stands among the members'. */
  get clockVerdict(): ClockVerdict {
    return this.#clock;
  }

  /** A client has connected. @param onProgress see `Session`. */
  openSession(socket: ClientSocket, onProgress: () => void): Session {
    this.clientCounters.totalConnectionsReceived++;
    const session = new Session(this.#environment, socket, onProgress);
    this.#sessions.set(socket.id, session);
    return session;
  }

  closeSession(id: number): void {
    this.#sessions.delete(id);
  }

  /** Our link to this peer can send from now on. */
  linkUp(peer: PeerIdentity): void {
    this.#links.connected(peer);
  }

  /** Our link to this peer broke. */
  linkDown(name: NodeName): void {
    this.#links.disconnected(name);
  }

  #linked(peer: PeerIdentity): void {
    this.#viewVersion++;
    this.#founding.linkUp(peer);
    this.#swim?.linkUp(peer, this.#nowMs());
    this.#cluster?.linkUp(peer.name);
  }

  #unlinked(name: NodeName): void {
    this.#viewVersion++;
    this.#founding.linkDown(name);
    this.#swim?.linkDown(name, this.#nowMs());
    this.#cluster?.linkDown(name);
  }

  /** A peer made a link to us; we make one back. */
  heard(peer: PeerIdentity): void {
    this.#names.heard(peer);
    this.#founding.heard(peer);
    if (!this.#links.isConnected(peer.name)) this.#ports.outbox.dial(peer.bus);
  }

  /** A message from a peer that its link has authenticated. It may be kept. */
  receive(from: NodeName, message: Buffer): void {
    if (this.supersededBecause !== undefined || this.isLoading) return;
    if (message[0] === MessageType.control) return this.#receiveControl(from, message);
    const peer = this.#cluster?.peerOf(from);
    if (peer === undefined || peer.isSelf || this.drills.isCut(from)) return;
    if (this.#names.isFormer(from, this.#swim)) return;
    try {
      this.#cluster!.receive(peer, message);
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      this.#ports.log.warn('a peer sent a message that cannot be read', { peer: from, reason: error.message });
    }
  }

  /** To be called every few tens of milliseconds. */
  tick(): void {
    if (this.supersededBecause !== undefined || this.isLoading) return;
    const nowMs = this.#nowMs();
    if (nowMs >= this.#nextMembershipTickMs) {
      this.#nextMembershipTickMs = nowMs + MEMBERSHIP_TICK_MS;
      this.#founding.tick(nowMs);
      this.#swim?.tick(nowMs);
      this.#neighbours.tick(nowMs);
      this.#ringChanges?.tick();
      this.#tellRefill();
      this.#judgeClock();
    }
    this.#ringChanges?.getReady();
    this.#cluster?.tick();
    this.storage?.tick(nowMs);
    this.#explainer?.tick();
  }

  /** The event loop was found to have stood still for so long. */
  observeLag(ms: number): void {
    this.#swim?.observeLag(ms);
  }

  /** Tells the others that this node is about to go. */
  leave(): void {
    this.#swim?.leave(this.#nowMs());
  }

  /** Runs an operation of a client on this node or another. */
  run(keyspace: Keyspace, operation: KeyOperation, sink: OutcomeSink): void {
    const reason = this.hasLeft ? 'this node has left the cluster' : this.supersededBecause;
    if (reason !== undefined) sink.complete({ status: 'unavailable', reason });
    else this.#cluster!.run(keyspace, operation, sink);
  }

  setHere(keyspace: Keyspace, slot: number, key: Buffer, value: Buffer): boolean {
    return !this.hasLeft && this.supersededBecause === undefined && this.#cluster!.setHere(keyspace, slot, key, value);
  }

  #receiveControl(from: NodeName, bytes: Buffer): void {
    const control = decodeControl(bytes);
    if (control === undefined) return this.#ports.log.warn('a peer sent a message that cannot be read', { peer: from });
    if (control.kind === 'drill') return this.#hearDrills(control.message);
    if (this.drills.isCut(from)) return;
    switch (control.kind) {
      case 'founding':
        return this.#founding.receive(from, control.message, this.#nowMs());
      case 'swim':
        return this.#swim?.receive(from, control.message, this.#nowMs());
      case 'topology':
        return this.#ringChanges?.agent.receive(from, control.message);
      case 'explain': {
        const peer = this.#cluster?.peerOf(from);
        if (peer !== undefined) this.#explainer?.receive(peer, this.#options.name, control.message);
        return;
      }
    }
  }

  #sendControl(to: NodeName, message: ControlMessage): boolean {
    if (message.kind !== 'drill' && this.drills.isCut(to)) return false;
    return this.#ports.outbox.send(to, encodeControl(message).head);
  }

  #onFounding(event: FoundingEvent): void {
    if (event.type === 'refused' || event.type === 'joining') return sayFounding(this.#ports.log, event);
    const { cluster } = event;
    this.#join(cluster, this.#makeCluster(cluster));
    const returning = event.type === 'admitted' && event.returning && isOwner(cluster.topology, this.#options.name);
    sayFounding(this.#ports.log, event, { returning, replaces: this.#options.replaces });
    if (returning) this.#cluster!.beginRefill();
    this.storage?.begin(cluster, this.#cluster!);
    this.#ringChanges!.found(event.founders);
    this.#tellRefill();
  }

  /** What a former process of this node has left is read before this one takes part in anything. */
  #loadFrom(storage: NodeStorage): void {
    this.#load = 'loading';
    storage.load(
      identity => this.#makeCluster(identity),
      loaded => {
        this.#load = loaded.found === 'corrupt' || loaded.found === 'unusable' ? loaded : 'loaded';
        if (loaded.found !== 'cluster') return;
        this.#founding.restore(loaded.identity);
        this.#join(loaded.identity, loaded.cluster);
        this.#tellRefill();
      },
    );
  }

  #makeCluster(identity: ClusterIdentity): Cluster {
    return new Cluster(identity, this.#options, this.#guarded, this.actor, this.#actors, this.counters);
  }

  /** From here on the cluster is known: the ring, the keyspaces, membership. */
  #join(identity: ClusterIdentity, cluster: Cluster): void {
    this.#viewVersion++;
    const members = allMembers(identity.topology);
    this.#cluster = cluster;
    this.#ringChanges = this.#makeRingChanges(identity);
    this.#swim = makeSwim(this.identity(), this.#startedWallMs, cluster, this.#options, this.#ports, {
      send: (to, message) => this.#sendControl(to, { kind: 'swim', message }),
      event: event => this.#onMembership(event),
    });
    this.#explainer = new Explainer(this.#cluster.context, this.#cluster.hints, (to, message) =>
      this.#sendControl(to, { kind: 'explain', message }),
    );
    this.#neighbours.setMembers(members, this.#nowMs());
    this.drills.know(new Set(members.map(({ name }) => name)));
    this.#judgeClock();
    this.#links.announce();
  }

  #onMembership(event: MembershipEvent): void {
    this.#viewVersion++;
    const { type, member } = event;
    if (type === 'superseded') this.storage?.superseded();
    if (type === 'superseded') return this.#names.lostTo(member);
    sayMembership(this.#ports.log, event);
    const peer = this.#cluster?.peerOf(member.name);
    if (peer === undefined || peer.isSelf) return;
    if (!peer.alive && member.status === 'alive') this.#cluster!.antiEntropy.hasten(peer);
    peer.believe(member);
    if (member.status === 'unknown') return;
    this.#neighbours.follow(member);
    if (!this.#links.isConnected(member.name)) this.#ports.outbox.dial(member.identity.bus);
  }

  // The ring

  #makeRingChanges(identity: ClusterIdentity): RingChanges {
    return new RingChanges(this.identity(), identity.topology, this.#cluster!, {
      random: this.#ports.random,
      log: this.#ports.log,
      send: (to, message) => this.#sendControl(to, { kind: 'topology', message }),
      memberOf: name => this.memberOf(name),
      identity: () => this.identity(),
      adopted: topology => this.#adopted(topology),
      monotonicMs: () => this.#nowMs(),
      groupDisk: this.storage?.groupDisk,
    });
  }

  /** The cluster has come to a later epoch. */
  #adopted(topology: Topology): void {
    const before = new Set([...this.#swim!.members()].map(({ name }) => name));
    const members = allMembers(topology);
    this.#viewVersion++;
    this.storage?.adopted(topology);
    this.#founding.follow(topology);
    this.#swim!.setMembers(members);
    this.drills.know(new Set(members.map(({ name }) => name)));
    this.#neighbours.setMembers(members, this.#nowMs());
    for (const { name } of members) {
      // Of one that was none before, a link that is up already counts from now on.
      const linked = before.has(name) ? undefined : this.#links.linked(name);
      if (linked !== undefined) this.#linked(linked);
    }
    this.#tellRefill();
  }

  // Drills

  /** Orders that a node, or a link between two, be down or up again, and tells everyone. */
  drill(about: readonly NodeName[], down: boolean): void {
    this.drills.give(about, down, this.#guard.wallMs());
    this.#obeyDrills({ about, down });
  }

  #hearDrills(message: DrillMessage): void {
    if (this.#options.faultCommands && this.drills.hear(message)) this.#obeyDrills({ by: 'another node' });
  }

  #obeyDrills(fields: LogFields): void {
    this.#viewVersion++;
    this.#ports.log.warn('a drill has changed who contacts whom', { ...fields, inForce: this.drills.inForce });
    this.#links.obey();
  }

  /** Gossips whether this node is refilling, when that has changed. */
  #tellRefill(): void {
    const slots = this.#cluster?.refillingSlots ?? 0;
    if (slots > 0 === this.#refillingSaid) return;
    this.#viewVersion++;
    this.#refillingSaid = slots > 0;
    this.#cluster!.self.refilling = slots > 0;
    this.#swim?.setRefilling(slots > 0);
    this.#ports.log.info(slots > 0 ? 'refilling from the other replicas' : 'refilled', { slots });
  }

  #judgeClock(): void {
    if (this.#swim === undefined) return;
    const before = this.#clock;
    this.#clock = this.#swim.judgeClock(this.#nowMs());
    const latestMs = this.#swim.latestMs();
    this.#guard.judged({ ...this.#clock, latestMs }, this.#cluster!.context.stamps.last);
    const stepsBack = this.#guard.stepsBack !== undefined;
    if (this.#cluster!.self.clockOff !== stepsBack) this.#viewVersion++;
    this.#cluster!.self.clockOff = stepsBack;
    sayClock(this.#ports.log, before, this.#clock);
  }

  #nowMs(): number {
    return this.#ports.clock.monotonicMs();
  }
}
