import { ByteReader, MalformedMessageError } from '../lib/byte-reader.ts';
import { slotOf } from '../lib/slots.ts';
import type { AntiEntropy } from '../replication/anti-entropy.ts';
import type { CollectingReplica } from '../replication/collecting-replica.ts';
import { CollectionMessages } from '../replication/collection-messages.ts';
import type { Coordinator } from '../replication/coordinator.ts';
import type { EarlyMessages } from '../replication/early-messages.ts';
import type { Fence } from '../replication/fence.ts';
import { ForwardMessages } from '../replication/forward-messages.ts';
import type { Forwarder } from '../replication/forwarder.ts';
import { HintMessages } from '../replication/hint-messages.ts';
import type { HintReplay } from '../replication/hint-replay.ts';
import { MessageType } from '../replication/message-type.ts';
import type { Peer } from '../replication/peer.ts';
import type { RecordCodec } from '../replication/record-codec.ts';
import type { Replica } from '../replication/replica.ts';
import { ReplicaMessages } from '../replication/replica-messages.ts';
import type { StandIn } from '../replication/stand-in.ts';
import type { Survey } from '../replication/survey.ts';
import { SurveyMessages } from '../replication/survey-messages.ts';
import { SyncMessages } from '../replication/sync-messages.ts';
import type { TombstoneCollector } from '../replication/tombstone-collector.ts';

/** Of each kind of message the one that encodes and decodes it: each has scratch memory of its own. */
export class Codecs {
  readonly replica: ReplicaMessages;
  readonly forward = new ForwardMessages();
  readonly sync: SyncMessages;
  readonly hint: HintMessages;
  readonly collection: CollectionMessages;
  readonly survey = new SurveyMessages();

  constructor(records: RecordCodec) {
    this.replica = new ReplicaMessages(records);
    this.sync = new SyncMessages(records);
    this.hint = new HintMessages(records);
    this.collection = new CollectionMessages(records);
  }
}

/** The parts of a node that peers send data messages to. */
export interface Receivers {
  readonly replica: Replica;
  readonly coordinator: Coordinator;
  readonly forwarder: Forwarder;
  readonly antiEntropy: AntiEntropy;
  readonly standIn: StandIn;
  readonly hintReplay: HintReplay;
  readonly fence: Fence;
  readonly collectingReplica: CollectingReplica;
  readonly collector: TombstoneCollector;
  readonly survey: Survey;
}

/** Reads the data messages of peers and hands each to the part that it is for; what comes too early is kept. */
export class MessageRouter {
  readonly #codecs: Codecs;
  readonly #receivers: Receivers;
  readonly #early: EarlyMessages;
  readonly #reader = new ByteReader();

  constructor(codecs: Codecs, receivers: Receivers, early: EarlyMessages) {
    this.#codecs = codecs;
    this.#receivers = receivers;
    this.#early = early;
  }

  /** @throws MalformedMessageError for one that cannot be read: its sender's fault, and the caller's to report. */
  receive(from: Peer, message: Buffer): void {
    const to = this.#receivers;
    const type = message[0];
    this.#reader.open(message, 1);
    switch (type) {
      case MessageType.replicate: {
        const replicate = this.#codecs.replica.decodeReplicate(this.#reader);
        const isTaken = to.replica.onReplicate(from, replicate, slotOf(replicate.key));
        if (!isTaken) this.#early.keep(from, message, replicate.record.dot.stamp);
        return;
      }
      case MessageType.replicated:
        return to.coordinator.writes.onReplicated(from, this.#codecs.replica.decodeReplicated(this.#reader));
      case MessageType.read: {
        const read = this.#codecs.replica.decodeRead(this.#reader);
        const isTaken = to.replica.onRead(from, read, slotOf(read.key));
        if (!isTaken) this.#early.keep(from, message);
        return;
      }
      case MessageType.readReply:
        return to.coordinator.reads.onReadReply(from, this.#codecs.replica.decodeReadReply(this.#reader));
      case MessageType.forward:
        return to.forwarder.onForward(from, this.#codecs.forward.decodeForward(this.#reader));
      case MessageType.forwardReply:
        return to.forwarder.onForwardReply(from, this.#codecs.forward.decodeReply(this.#reader));
      case MessageType.syncOpen:
        return to.antiEntropy.responder.onOpen(from, this.#codecs.sync.decodeOpen(this.#reader));
      case MessageType.syncRoot:
        return to.antiEntropy.onRoot(from, this.#codecs.sync.decodeRoot(this.#reader));
      case MessageType.syncCompare:
        return to.antiEntropy.responder.onCompare(from, this.#codecs.sync.decodeCompare(this.#reader));
      case MessageType.syncDiffering:
        return to.antiEntropy.onDiffering(from, this.#codecs.sync.decodeDiffering(this.#reader));
      case MessageType.syncPage:
        return to.antiEntropy.responder.onPage(from, this.#codecs.sync.decodePage(this.#reader));
      case MessageType.syncPageReply:
        return to.antiEntropy.onPageReply(from, this.#codecs.sync.decodePageReply(this.#reader));
      case MessageType.coming: {
        const { answers, id, bytes } = this.#codecs.replica.decodeComing(this.#reader);
        if (answers === 'read') return to.coordinator.reads.onComing(id, bytes);
        if (answers === 'forward') return to.forwarder.onComing(id, bytes);
        return to.antiEntropy.onComing(from, id, bytes);
      }
      case MessageType.standIn: {
        const request = this.#codecs.hint.decodeStandIn(this.#reader);
        return to.standIn.onRequest(from, request, slotOf(request.key));
      }
      case MessageType.hint: {
        const hint = this.#codecs.hint.decodeHint(this.#reader);
        return to.replica.onHint(from, hint, slotOf(hint.key));
      }
      case MessageType.hinted:
        return to.hintReplay.onHinted(from, this.#codecs.hint.decodeHinted(this.#reader));
      case MessageType.fence:
        return to.fence.onFence(from, this.#codecs.collection.decodeFence(this.#reader));
      case MessageType.fenced:
        return to.fence.onFenced(from, this.#codecs.collection.decodeFenced(this.#reader));
      case MessageType.collection:
        return to.collectingReplica.onCollection(from, this.#codecs.collection.decodeCollection(this.#reader));
      case MessageType.collectionReply:
        return to.collector.onReply(from, this.#codecs.collection.decodeReply(this.#reader));
      case MessageType.collected:
        return to.collectingReplica.onCollected(from, this.#codecs.collection.decodeCollected(this.#reader));
      case MessageType.survey:
        return to.survey.onRequest(from, this.#codecs.survey.decodeRequest(this.#reader));
      case MessageType.surveyed:
        return to.survey.onSurveyed(from, this.#codecs.survey.decodeSurveyed(this.#reader));
      default:
        throw new MalformedMessageError(`Cannot read a message of type ${type}: there is none`);
    }
  }
}
