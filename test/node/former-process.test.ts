import { describe, expect, it } from 'vitest';
import { slotOf } from '../../src/lib/slots.ts';
import type { Node } from '../../src/node/node.ts';
import { client, linkAll, type Nodes, three } from './test-nodes.ts';

const KEY = Buffer.from('k');

/** Whether anything is held of the key in `quorum`, a tombstone too. */
function holds(node: Node): boolean {
  const { store } = node.cluster!.keyspaces.get(1)!;
  return store.find(slotOf(KEY), store.hashOf(KEY), KEY) !== 0;
}

function run(nodes: Nodes, line: string): string {
  const session = client(nodes.nodes.get('n1')!);
  session.execute('SELECT 1');
  session.execute(line);
  nodes.advance(200);
  return session.output().slice('+OK\r\n'.length);
}

function unlink(nodes: Nodes): void {
  for (const name of ['n1', 'n2']) nodes.nodes.get(name)!.linkDown('n3');
}

/** n3 was cut off with `k` in memory; another n3 took its place, `k` was deleted and forgotten everywhere, and that one is gone. */
function forgottenKey() {
  const nodes = three();
  const former = nodes.nodes.get('n3')!;
  expect(run(nodes, 'SET k v')).toBe('+OK\r\n');
  for (const name of ['n1', 'n2']) former.linkDown(name);
  unlink(nodes);
  nodes.nodes.delete('n3');
  nodes.advance(20_000);
  const later = nodes.add('n3');
  linkAll(nodes);
  nodes.advance(20_000);
  expect([later.cluster?.refillingSlots, holds(later)]).toEqual([0, true]);
  expect(run(nodes, 'DEL k')).toBe(':1\r\n');
  nodes.advance(30_000);
  expect([...nodes.nodes.values()].map(holds)).toEqual([false, false, false]);
  unlink(nodes);
  nodes.nodes.delete('n3');
  nodes.advance(20_000);
  return { nodes, former };
}

/** The links to and from the former n3 come up again. */
function heal(nodes: Nodes, former: Node): void {
  nodes.nodes.set('n3', former);
  for (const name of ['n1', 'n2']) {
    nodes.nodes.get(name)!.heard(former.identity());
    former.heard(nodes.nodes.get(name)!.identity());
  }
  linkAll(nodes);
}

describe('A process that comes back after another has taken its name', () => {
  it('brings back nothing that was deleted and forgotten, and says that it must end', () => {
    const { nodes, former } = forgottenKey();
    heal(nodes, former);
    nodes.advance(15_000);
    expect(former.supersededBecause).toContain('another node has been started as n3, at ');
    expect(['n1', 'n2'].map(name => holds(nodes.nodes.get(name)!))).toEqual([false, false]);
    expect(run(nodes, 'GET k')).toBe('$-1\r\n');
    const session = client(former);
    session.execute('SET k again');
    expect(session.output()).toContain('-UNAVAILABLE another node has been started as n3');
  });

  it('is listened to by nobody, also while it has not heard of the other', () => {
    const { nodes, former } = forgottenKey();
    nodes.lost = ({ to }) => to === 'n3';
    heal(nodes, former);
    const { keyspaces, context } = former.cluster!;
    const { store } = keyspaces.get(1)!;
    const record = store.read(store.find(slotOf(KEY), store.hashOf(KEY), KEY));
    for (const peer of former.cluster!.peers)
      context.send(peer, context.messages.encodeReplicate(0, context.epoch, 1, KEY, record));
    nodes.settle();
    expect(former.supersededBecause).toBeUndefined();
    expect(['n1', 'n2'].map(name => holds(nodes.nodes.get(name)!))).toEqual([false, false]);
  });
});
