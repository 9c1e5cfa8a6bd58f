import type { ServedRange } from './cluster-slots.ts';
import type { ServerNode } from './server.ts';

/**
 * `CLUSTER NODES` in Redis's format (cluster.c, `clusterGenNodeDescription`): a line for each member, as the master of
 * the slots that it is the first live replica of. Who the other replicas are this format cannot say slot by slot.
 */
export function clusterNodesText(
  nodes: readonly ServerNode[],
  ranges: readonly ServedRange[],
  clusterEpoch: number,
): string {
  const slots = slotsByNode(ranges);
  const lines = nodes.map(node => {
    const { clusterNodeId, client, bus } = node;
    const address = `${client.host}:${client.port}@${bus.port}`;
    const link = node.linked || node.isSelf ? 'connected' : 'disconnected';
    const served = slots.get(clusterNodeId) ?? [];
    return `${[clusterNodeId, address, flagsOf(node), '-', 0, 0, clusterEpoch, link, ...served].join(' ')}\n`;
  });
  return lines.join('');
}

/** For each node id the slots that it is to be asked for: `0-100`, or `7` for a single one. */
function slotsByNode(ranges: readonly ServedRange[]): Map<string, string[]> {
  const slots = new Map<string, string[]>();
  for (let i = 0; i < ranges.length; i++) {
    const { first, nodes } = ranges[i]!;
    const id = nodes[0]!.clusterNodeId;
    while (ranges[i + 1]?.first === ranges[i]!.last + 1 && ranges[i + 1]!.nodes[0]!.clusterNodeId === id) i++;
    const { last } = ranges[i]!;
    const words = slots.get(id);
    const word = first === last ? `${first}` : `${first}-${last}`;
    if (words === undefined) slots.set(id, [word]);
    else words.push(word);
  }
  return slots;
}

/** `fail?` is Redis's word for a suspicion. */
function flagsOf(node: ServerNode): string {
  const flags = node.isSelf ? ['myself', 'master'] : ['master'];
  if (node.status === 'suspect' || node.status === 'unknown') flags.push('fail?');
  if (node.status === 'dead' || node.status === 'left') flags.push('fail');
  if (node.client.host === '') flags.push('noaddr');
  return flags.join(',');
}
