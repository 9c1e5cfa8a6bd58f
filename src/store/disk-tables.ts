/** The first byte of every key on a node's disk says what the entry is; what follows is the table's own. */
export const DiskTable = {
  /** What the node is and was: the cluster, its ring, how far its clock had got. */
  node: 1,
  /** The placement group's log. */
  group: 2,
  /** Records that this node is a replica of. */
  record: 3,
  /** Records that it keeps for others, as a stand-in. */
  kept: 4,
  hint: 5,
  /** What last-write-wins put aside. */
  conflict: 6,
} as const;
