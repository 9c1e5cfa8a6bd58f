import { describe, expect, it } from 'vitest';
import type { Node } from '../../src/node/node.ts';
import { client, linkAll, type Nodes, three } from './test-nodes.ts';

function say(nodes: Nodes, node: Node, line: string): string {
  const session = client(node);
  session.execute(line);
  nodes.advance(500);
  return session.output();
}

describe('A process that is no member any more', () => {
  it('and was let go without its knowledge must end, and answers until it has', () => {
    const nodes = three();
    const dropped = nodes.nodes.get('n3')!;
    nodes.lost = ({ from, to }) => from === 'n3' || to === 'n3';
    nodes.advance(20_000);
    expect(say(nodes, nodes.nodes.get('n1')!, 'COTERIE NODE FORGET n3')).toBe('+OK\r\n');
    nodes.advance(5_000);
    expect(dropped.ringChanges!.droppedBecause).toBeUndefined();
    nodes.lost = () => false;
    linkAll(nodes);
    nodes.advance(10_000);
    expect(dropped.ringChanges!.droppedBecause).toContain('taken off the ring while it could not be reached');
    expect(say(nodes, dropped, 'CLUSTER MYID')).toMatch(/^\$40\r\n[0-9a-f]{40}\r\n$/);
    expect(say(nodes, dropped, 'COTERIE NODE LEAVE')).toBe('-ERR this node has left the cluster\r\n');
  });

  it('and has handed over what it had goes on until it is stopped', () => {
    const nodes = three();
    const left = nodes.nodes.get('n3')!;
    expect(say(nodes, left, 'COTERIE NODE LEAVE')).toBe('+OK\r\n');
    nodes.advance(20_000);
    expect([left.hasLeft, left.ringChanges!.droppedBecause]).toEqual([true, undefined]);
    expect(say(nodes, left, 'GET k')).toBe('-UNAVAILABLE this node has left the cluster\r\n');
  });
});
