/** What replication has done since the start: for `INFO`, the metrics and the simulator's report. */
export class ReplicationCounters {
  /** Operations that this node coordinated beyond its own record. */
  quorumReads = 0;
  quorumWrites = 0;
  /** Operations handed to a replica because this node holds no copy of the key. */
  forwarded = 0;
  /** Copies of a forwarded operation that were recognised and dropped. */
  forwardCopiesDropped = 0;
  /** Reads at R=1 that found nothing here and asked the other replicas. */
  missesAsked = 0;
  /** Stale replicas brought up to date behind a read. */
  readRepairs = 0;
  /** Reads that were answered only when R replicas held what they had found. */
  blockingRepairs = 0;
  /** Writes stamped again because a replica held a larger stamp. */
  restamps = 0;
  /** Hints that were noted, handed over, and dropped because they were too old or too many. */
  hintsNoted = 0;
  hintsReplayed = 0;
  hintsExpired = 0;
  hintsOverflowed = 0;
  /** Members asked to keep a record for a replica that could not be reached. */
  standInsAsked = 0;
  /** Operations that too few replicas answered in time. */
  unavailable = 0;
  /** Messages to replicas sent again because no answer came. */
  resends = 0;
  /** Anti-entropy rounds begun, and those in which the two were equal at once. */
  syncRounds = 0;
  syncRoundsEqual = 0;
  /** Records that anti-entropy brought here, and bytes of records that it took or gave. */
  syncRecords = 0;
  syncBytes = 0;
  /** Slots that this node merged because it was to own them, and bytes of records that were moved for that and for offers. */
  slotsArrived = 0;
  transferBytes = 0;
  /** Records of slots that this node no longer owns, dropped after they were offered to the owners. */
  recordsHandedOver = 0;
  /** Slots that became whole again after this node came back without its data. */
  slotsRefilled = 0;
  /** Tombstones that this node proposed to collect, those that it removed, and those that came back and were refused. */
  tombstonesProposed = 0;
  tombstonesCollected = 0;
  tombstonesRefused = 0;
  /** Fences that this node has raised. */
  fences = 0;
  /** Messages of another ring epoch, or for a slot that is not held here. */
  misdirected = 0;
}
